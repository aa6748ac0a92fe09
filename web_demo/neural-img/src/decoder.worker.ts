/** Runs ONNX Runtime off the main thread: one request after the other, one session at a time. */
import * as ort from 'onnxruntime-web/wasm';
import { ModelError } from './onnx_metadata.ts';

export interface Request {
  id: number;
  /** Where ONNX Runtime's WebAssembly files lie: an absolute address with a trailing slash. */
  runtime: string;
  /** Comes only when the model differs from that of the request before. */
  file?: Uint8Array;
  /** What to decode; without it the model is only opened. */
  grid?: { x: Float32Array; y: Float32Array };
}

export type Reply =
  | { id: number; pixels?: Uint8ClampedArray<ArrayBuffer> }
  /** `fatal`: the WebAssembly instance cannot be trusted any more. */
  | { id: number; error: string; fatal: boolean };

const MAX_THREADS = 4;

let session: ort.InferenceSession | undefined;
let queue = Promise.resolve();

self.addEventListener('message', ({ data }: MessageEvent<Request>) => {
  queue = queue.then(() => answer(data));
});

async function answer(request: Request): Promise<void> {
  try {
    if (request.file) await open(request.file, request.runtime);
    const pixels = request.grid && (await decode(request.grid.x, request.grid.y));
    if (pixels) reply({ id: request.id, pixels }, [pixels.buffer]);
    else reply({ id: request.id });
  } catch (error) {
    reply({ id: request.id, error: explain(error), fatal: error instanceof WebAssembly.RuntimeError });
  }
}

function reply(message: Reply, transfer: Transferable[] = []): void {
  self.postMessage(message, { transfer });
}

async function open(file: Uint8Array, runtime: string): Promise<void> {
  await session?.release();
  session = undefined;
  ort.env.wasm.wasmPaths = runtime;
  // Threads need shared memory, which the browser gives to isolated pages only.
  ort.env.wasm.numThreads = self.crossOriginIsolated
    ? Math.min(MAX_THREADS, navigator.hardwareConcurrency)
    : 1;
  ort.env.logLevel = 'error';
  const opened = await ort.InferenceSession.create(file, {
    executionProviders: ['wasm'],
    // Turns the 4-bit weights into floats once, at load, instead of in every tile.
    extra: { session: { disable_quant_qdq: '1' } },
  });
  if (
    signature(opened.inputMetadata) !== 'x:float32[1] y:float32[1]' ||
    signature(opened.outputMetadata) !== 'image:uint8[3]'
  ) {
    await opened.release();
    throw new ModelError('This model does not have a neural image’s inputs (x, y) and output (image).');
  }
  session = opened;
}

function signature(values: readonly ort.InferenceSession.ValueMetadata[]): string {
  const describe = (value: ort.InferenceSession.ValueMetadata) =>
    `${value.name}:${value.isTensor ? `${value.type}[${value.shape.length}]` : 'other'}`;
  return values.map(describe).sort().join(' ');
}

async function decode(x: Float32Array, y: Float32Array): Promise<Uint8ClampedArray<ArrayBuffer>> {
  if (!session) throw new ModelError('No model is open.');
  const feeds = { x: new ort.Tensor(x, [x.length]), y: new ort.Tensor(y, [y.length]) };
  const { image } = await session.run(feeds);
  if (!image || image.dims.join() !== [y.length, x.length, 3].join()) {
    throw new ModelError('This model answers with a picture of another size than it was asked for.');
  }
  return toRgba(image.data as Uint8Array);
}

function toRgba(rgb: Uint8Array): Uint8ClampedArray<ArrayBuffer> {
  const rgba = new Uint8ClampedArray((rgb.length / 3) * 4).fill(255);
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4)
    rgba.set(rgb.subarray(from, from + 3), to);
  return rgba;
}

function explain(error: unknown): string {
  if (error instanceof ModelError) return error.message;
  const text = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').slice(0, 160);
  if (text.includes('no available backend'))
    return 'The decoder could not start: its WebAssembly did not load.';
  return `ONNX Runtime cannot decode this file: ${text}`;
}
