/** The worker that runs ONNX Runtime: answers requests in order, with one session at a time. */
import * as ort from 'onnxruntime-web/wasm';
import type { Answer, Request } from '../lane.ts';
import { ModelError } from '../model_error.ts';
import { COLOURS, readInfo } from '../onnx_reader.ts';
import { explain } from './explain.ts';

let session: ort.InferenceSession | undefined;
let queue = Promise.resolve();

// Several single-threaded workers are as fast as ONNX Runtime's threads, and need no cross-origin isolated page.
ort.env.wasm.numThreads = 1;
ort.env.logLevel = 'error';

self.addEventListener('message', ({ data }: MessageEvent<Request & { runtime?: string }>) => {
  if (data.runtime) ort.env.wasm.wasmPaths = data.runtime;
  else queue = queue.then(() => answer(data));
});

async function answer({ id, file, grid }: Request): Promise<void> {
  try {
    const info = file && readInfo(file);
    if (file) await open(file);
    const pixels = grid && (await decode(grid.x, grid.y));
    reply({ id, ...(info && { info }), ...(pixels && { pixels }) }, pixels ? [pixels.buffer] : []);
  } catch (error) {
    reply({ id, error: explain(error), fatal: error instanceof WebAssembly.RuntimeError });
  }
}

function reply(message: Answer, transfer: Transferable[] = []): void {
  self.postMessage(message, { transfer });
}

async function open(file: Uint8Array): Promise<void> {
  await session?.release();
  session = undefined;
  session = await ort.InferenceSession.create(file, {
    executionProviders: ['wasm'],
    logSeverityLevel: 3,
    // Dequantizes the 4-bit weights once, at load, instead of in each part of a picture.
    extra: { session: { disable_quant_qdq: '1' } },
  });
  const { inputMetadata, outputMetadata } = session;
  if (
    signatureOf(inputMetadata) !== 'x:float32[1] y:float32[1]' ||
    signatureOf(outputMetadata) !== 'image:uint8[3]'
  )
    throw new ModelError('This model does not have a neural image’s inputs (x, y) and output (image).');
}

function signatureOf(values: readonly ort.InferenceSession.ValueMetadata[]): string {
  const describe = (value: ort.InferenceSession.ValueMetadata) =>
    `${value.name}:${value.isTensor ? `${value.type}[${value.shape.length}]` : 'other'}`;
  return values.map(describe).sort().join(' ');
}

async function decode(x: Float32Array, y: Float32Array): Promise<Uint8ClampedArray<ArrayBuffer>> {
  if (!session) throw new ModelError('No model is open.');
  const vector = (values: Float32Array) => new ort.Tensor(values, [values.length]);
  const { image } = await session.run({ x: vector(x), y: vector(y) });
  const colours = image?.dims[2] ?? 0;
  if (image?.dims.join() !== [y.length, x.length, colours].join() || !COLOURS.includes(colours))
    throw new ModelError('This model answers with a picture of another size than it was asked for.');
  const [drawn, rgba] = [image.data as Uint8Array, new Uint8ClampedArray(x.length * y.length * 4).fill(255)];
  for (let from = 0, to = 0; from < drawn.length; from += colours, to += 4)
    // Grey is copied to red, green and blue.
    for (let k = 0; k < Math.max(colours, 3); k++) rgba[to + k] = drawn[from + (k % colours)] as number;
  return rgba;
}
