/** Evaluates networks off the main thread: one request after the other, one network at a time. */
import { FAMILIES } from './families/index.ts';
import { type Draw, Kernel } from './kernel.ts';
import type { Answer, Request } from './lane.ts';
import { ModelError } from './model_error.ts';
import { infoOf, type Network } from './network.ts';
import { readNetwork } from './onnx_reader.ts';

let kernel: Kernel | undefined;
let draw: Draw | undefined;

self.addEventListener(
  'message',
  ({ data }: MessageEvent<Request<Network> & { module?: WebAssembly.Module }>) => {
    if (data.module) kernel = new Kernel(data.module);
    else answer(data);
  },
);
self.postMessage('ready');

function answer({ id, file, plan, grid }: Request<Network>): void {
  try {
    const opened = file || plan ? open(file, plan) : undefined;
    const pixels = grid && decode(grid.x, grid.y);
    reply({ id, ...opened, ...(pixels && { pixels }) }, pixels ? [pixels.buffer] : []);
  } catch (error) {
    const isKnown = error instanceof ModelError;
    // After a trap or without memory the instance cannot be trusted any more.
    reply({ id, error: isKnown ? error.message : explain(error), fatal: !isKnown || error.isFatal });
  }
}

function reply(answer: Answer<Network>, transfer: Transferable[] = []): void {
  self.postMessage(answer, { transfer });
}

/** Makes a network ready to be drawn: one that is read from a file here, or that another worker has read. */
function open(file: Uint8Array | undefined, plan: Network | undefined): Partial<Answer<Network>> {
  if (!kernel) throw new ModelError('The decoder has no WebAssembly.');
  draw = undefined;
  kernel.clear();
  const network = plan ?? readNetwork(kernel, file ?? new Uint8Array());
  draw = FAMILIES.get(network.family)?.open(kernel, network);
  return plan ? {} : { info: infoOf(network), plan: network };
}

function decode(x: Float32Array, y: Float32Array): Uint8ClampedArray<ArrayBuffer> {
  if (!draw) throw new ModelError('No picture is open.');
  return draw(x, y);
}

function explain(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return `The decoder failed: ${text.slice(0, 160)}`;
}
