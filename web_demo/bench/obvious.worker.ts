/** Runs the obvious graph (docs/glossary.md) in the obvious way: one default session, all points of the picture at once. */
import * as ort from 'onnxruntime-web/wasm';

export interface Task {
  runtime: string;
  threads: number;
  model: Uint8Array;
  x: Float32Array;
  y: Float32Array;
  runs: number;
}

self.addEventListener('message', async ({ data }: MessageEvent<Task>) =>
  self.postMessage(await measure(data)),
);

/** Returns the milliseconds of each run; the first includes opening the model. */
async function measure({ runtime, threads, model, x, y, runs }: Task): Promise<number[]> {
  ort.env.wasm.wasmPaths = runtime;
  ort.env.wasm.numThreads = threads;
  const times: number[] = [];
  let start = performance.now();
  const session = await ort.InferenceSession.create(model, { executionProviders: ['wasm'] });
  for (let run = 0; run < runs; run++) {
    const points = new Float32Array(2 * x.length * y.length);
    for (let row = 0, at = 0; row < y.length; row++)
      for (let column = 0; column < x.length; column++) {
        points[at++] = x[column] ?? 0;
        points[at++] = y[row] ?? 0;
      }
    await session.run({ xy: new ort.Tensor(points, [points.length / 2, 2]) });
    times.push(performance.now() - start);
    start = performance.now();
  }
  return times;
}
