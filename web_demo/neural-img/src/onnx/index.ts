/**
 * An engine that runs a file's graph with onnxruntime-web, which has to be installed: for families that the package's own engine
 * does not know, and as the reference.
 *
 *     const decoder = new Decoder({ engine: onnxRuntime() });
 */
import type { Engine } from '../lane.ts';

/** Returns the engine. `runtime` is the folder with ort-wasm-simd-threaded.wasm and .mjs; by default the bundler's copy is used. */
export function onnxRuntime(runtime?: URL): Engine {
  return {
    async start() {
      const worker = new Worker(new URL('./onnx.worker.js', import.meta.url), { type: 'module' });
      if (runtime) worker.postMessage({ runtime: runtime.href });
      return worker;
    },
  };
}
