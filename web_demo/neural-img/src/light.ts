/** The package's own engine: networks evaluated in WebAssembly, by workers that share compiled modules. */
import { fromCharacters, fromHex } from './bytes.ts';
import { CODER } from './generated/coder.ts';
import { PLAIN, RELAXED } from './generated/kernel.ts';
import { WORKER } from './generated/worker.ts';
import type { Engine } from './lane.ts';
import { ModelError } from './model_error.ts';

/** (module (func (result v128) i32.const 0 i8x16.splat)) */
const SIMD = '0061736d010000000105016000017b030201000a080106004100fd0f0b';
/** (module (func (result v128) (f32x4.relaxed_madd … three splats of i32.const 0 …))) */
const RELAXED_SIMD = `0061736d010000000105016000017b030201000a15011300${'4100fd0f'.repeat(3)}fd85020b`;

/** Milliseconds after which a worker that says nothing has not started. */
const START_LIMIT = 10_000;

/** What a worker is started with. */
export interface Modules {
  kernel: WebAssembly.Module;
  coder: WebAssembly.Module;
}

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): Policy;
}
interface Policy {
  createScriptURL(url: string): unknown;
}
declare global {
  /** Not in all browsers. */
  var trustedTypes: TrustedTypes | undefined;
}

let policy: Policy | undefined;
let compiled: Promise<Modules> | undefined;

export const light: Engine = {
  async start(workers) {
    // The worker starts while modules are read.
    const starting = startWorker();
    compiled ??= compile();
    const [worker, modules] = await Promise.all([starting, compiled]);
    worker.postMessage({ modules, workers });
    return worker;
  },
};

/** The kernel with fused multiply-add where there is one. */
async function compile(): Promise<Modules> {
  if (!globalThis.WebAssembly?.validate(fromHex(SIMD)))
    throw new ModelError('This browser cannot show neural images: it has no WebAssembly with SIMD.');
  const text = WebAssembly.validate(fromHex(RELAXED_SIMD)) ? RELAXED : PLAIN;
  const [kernel, coder] = await Promise.all([text, CODER].map(moduleOf));
  return { kernel, coder } as Modules;
}

const moduleOf = (text: string) => WebAssembly.compile(fromCharacters(text));

/** From the file beside this one, or, where there is none or it is another site's, from a text of the same. */
async function startWorker(): Promise<Worker> {
  const url = URL.createObjectURL(new Blob([WORKER], { type: 'text/javascript' }));
  try {
    const file = new URL('./decoder.worker.js', import.meta.url);
    return await ready(file.href).catch(() => ready(url));
  } catch {
    throw new ModelError('The decoder could not start: this page does not let its worker run.');
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** The worker once it says that it runs. */
async function ready(address: string): Promise<Worker> {
  // Pages that demand Trusted Types allow or refuse the policy by its name.
  policy ??= globalThis.trustedTypes?.createPolicy('neural-img', { createScriptURL: (url) => url });
  const worker = new Worker((policy?.createScriptURL(address) ?? address) as string);
  await new Promise((resolve, reject) => {
    worker.addEventListener('message', resolve, { once: true });
    worker.addEventListener('error', reject, { once: true });
    setTimeout(reject, START_LIMIT);
  });
  return worker;
}
