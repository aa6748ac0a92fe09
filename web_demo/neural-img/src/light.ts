/** The package's own engine: workers that evaluate networks in WebAssembly and share the compiled modules. */
import { fromCharacters, fromHex } from './bytes.ts';
import { CODER } from './generated/coder.ts';
import { PLAIN, RELAXED } from './generated/kernel.ts';
import { WORKER } from './generated/worker.ts';
import type { Engine } from './lane.ts';
import { ModelError } from './model_error.ts';

/** A module that uses SIMD, in hexadecimal: (module (func (result v128) i32.const 0 i8x16.splat)). */
const SIMD = '0061736d010000000105016000017b030201000a080106004100fd0f0b';
/** A module that uses relaxed SIMD: (module (func (result v128) (f32x4.relaxed_madd … three splats of i32.const 0 …))). */
const RELAXED_SIMD = `0061736d010000000105016000017b030201000a15011300${'4100fd0f'.repeat(3)}fd85020b`;

/** Milliseconds after which a worker that has not reported itself ready counts as not started. */
const START_LIMIT = 10_000;

/** The compiled modules, which each worker is sent at its start. */
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
    // The worker starts while the modules are compiled.
    const starting = startWorker();
    compiled ??= compile();
    const [worker, modules] = await Promise.all([starting, compiled]);
    worker.postMessage({ modules, workers });
    return worker;
  },
};

/** Compiles the modules; the kernel with fused multiply-add where the browser has it. */
async function compile(): Promise<Modules> {
  if (!globalThis.WebAssembly?.validate(fromHex(SIMD)))
    throw new ModelError('This browser cannot show neural images: it has no WebAssembly with SIMD.');
  const text = WebAssembly.validate(fromHex(RELAXED_SIMD)) ? RELAXED : PLAIN;
  const [kernel, coder] = await Promise.all([text, CODER].map(moduleOf));
  return { kernel, coder } as Modules;
}

const moduleOf = (text: string) => WebAssembly.compile(fromCharacters(text));

/** Starts a worker from the file beside this one or, where that is missing or of another origin, from its text in a blob. */
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

/** Starts the worker at `address` and waits until it reports itself ready. */
async function ready(address: string): Promise<Worker> {
  // A page that enforces Trusted Types allows or refuses the policy by its name.
  policy ??= globalThis.trustedTypes?.createPolicy('neural-img', { createScriptURL: (url) => url });
  const worker = new Worker((policy?.createScriptURL(address) ?? address) as string);
  await new Promise((resolve, reject) => {
    worker.addEventListener('message', resolve, { once: true });
    worker.addEventListener('error', reject, { once: true });
    setTimeout(reject, START_LIMIT);
  });
  return worker;
}
