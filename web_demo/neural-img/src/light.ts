/** The package's own engine: workers that evaluate networks in WebAssembly and share the compiled modules. */
import { fromCharacters } from './bytes.ts';
import { CODER } from './generated/coder.ts';
import { PLAIN, RELAXED } from './generated/kernel.ts';
import { WORKER } from './generated/worker.ts';
import type { Engine } from './lane.ts';
import { ModelError } from './model_error.ts';

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
    compiled.catch(() => {
      // So that the next start tries again.
      compiled = undefined;
      starting.then(
        (worker) => worker.terminate(),
        () => {},
      );
    });
    const [worker, modules] = await Promise.all([starting, compiled]);
    worker.postMessage({ modules, workers });
    return worker;
  },
};

/** Compiles the modules; the kernel with relaxed SIMD's fused multiply-add where the browser has it. */
async function compile(): Promise<Modules> {
  const bytes = [RELAXED, PLAIN].map(fromCharacters).find((own) => globalThis.WebAssembly?.validate(own));
  if (!bytes)
    throw new ModelError('This browser cannot show neural images: it has no WebAssembly with SIMD.');
  const [kernel, coder] = await Promise.all([
    WebAssembly.compile(bytes),
    WebAssembly.compile(fromCharacters(CODER)),
  ]);
  return { kernel, coder };
}

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
  }).catch((error) => {
    worker.terminate();
    throw error;
  });
  return worker;
}
