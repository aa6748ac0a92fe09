/** Runs ONNX Runtime off the main thread: one request after the other, one session at a time. */
import * as ort from 'onnxruntime-web/wasm';
import { ModelError } from './onnx_metadata.ts';
import { type Drawer, openDrawer } from './tiles.ts';

export interface Request {
  id: number;
  /** Where ONNX Runtime's WebAssembly files lie, if not where the bundler put them. */
  runtime?: string;
  /** Comes only when the model differs from that of the request before. */
  file?: Uint8Array;
  /** What to decode; without it the model is only opened. */
  grid?: { x: Float32Array; y: Float32Array };
}

export type Reply =
  | { id: number; pixels?: Uint8ClampedArray<ArrayBuffer> }
  /** `fatal`: the WebAssembly instance cannot be trusted any more. */
  | { id: number; error: string; fatal: boolean };

let drawer: Drawer | undefined;
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

async function open(file: Uint8Array, runtime: string | undefined): Promise<void> {
  await drawer?.release();
  drawer = undefined;
  if (runtime) ort.env.wasm.wasmPaths = runtime;
  // Several workers with a thread each are as fast as ONNX Runtime's threads, and need no isolated page.
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  drawer = await openDrawer(file);
}

async function decode(x: Float32Array, y: Float32Array): Promise<Uint8ClampedArray<ArrayBuffer>> {
  if (!drawer) throw new ModelError('No model is open.');
  return drawer.draw(x, y);
}

function explain(error: unknown): string {
  if (error instanceof ModelError) return error.message;
  const text = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').slice(0, 160);
  if (text.includes('no available backend'))
    return 'The decoder could not start: its WebAssembly did not load.';
  return `ONNX Runtime cannot decode this file: ${text}`;
}
