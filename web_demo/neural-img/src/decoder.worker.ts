/** Evaluates networks off the main thread: one request after the other, one network at a time. */
import { AnirFile } from './anir_file.ts';
import { isAnir } from './anir_header.ts';
import { FAMILIES } from './families/index.ts';
import { type Draw, Kernel } from './kernel.ts';
import type { Answer, Piece, Request } from './lane.ts';
import type { Modules } from './light.ts';
import { ModelError } from './model_error.ts';
import { infoOf, type Network } from './network.ts';
import { readNetwork } from './onnx_reader.ts';
import { drawPreview, infoOfPreview, type Preview } from './preview.ts';

/** What is drawn. */
type Plan = Network | Preview;

let kernel: Kernel | undefined;
let draw: Draw | undefined;
let coder: WebAssembly.Module | undefined;
const streams = new Map<number, AnirFile>();

self.addEventListener('message', ({ data }: MessageEvent<Request<Plan> & { modules?: Modules }>) => {
  if (data.modules) {
    kernel = new Kernel(data.modules.kernel);
    coder = data.modules.coder;
  } else answer(data);
});
self.postMessage('ready');

function answer({ id, file, plan, level, grid, piece }: Request<Plan>): void {
  try {
    const opened = file || plan ? open(file, plan, level) : undefined;
    const told = piece && take(piece);
    const pixels = grid && decode(grid);
    // What is open here has a copy of the codes, the largest part of a plan, in the kernel.
    const codes = opened?.plan && !isPreview(opened.plan) ? opened.plan.latents?.codes : undefined;
    const moved = [pixels, codes].flatMap((array) => (array ? [array.buffer as ArrayBuffer] : []));
    reply({ id, ...opened, ...told, ...(pixels && { pixels }) }, moved);
  } catch (error) {
    const isKnown = error instanceof ModelError;
    // After a trap or without memory the instance cannot be trusted any more.
    reply({ id, error: isKnown ? error.message : explain(error), fatal: !isKnown || error.isFatal });
  }
}

function reply(answer: Answer<Plan>, transfer: Transferable[] = []): void {
  self.postMessage(answer, { transfer });
}

/** Makes a network ready to be drawn: one that is read from a file here, or that another worker has read. */
function open(
  file: Uint8Array | undefined,
  plan: Plan | undefined,
  level: number | undefined,
): Partial<ReturnType<typeof told>> {
  if (!kernel) throw new ModelError('The decoder has no WebAssembly.');
  draw = undefined;
  kernel.clear();
  const own = plan ?? read(kernel, file ?? new Uint8Array(), level);
  draw = isPreview(own) ? drawPreview(own) : FAMILIES.get(own.family)?.open(kernel, own);
  return plan ? {} : told(own);
}

const isPreview = (plan: Plan): plan is Preview => 'offset' in plan;
const told = (plan: Plan) => ({ info: isPreview(plan) ? infoOfPreview(plan) : infoOf(plan), plan });

function read(own: Kernel, file: Uint8Array, level: number | undefined): Plan {
  if (!isAnir(file)) return readNetwork(own, file);
  const anir = newFile();
  anir.feed(file);
  return (level === undefined && anir.preview()) || anir.network(level);
}

function newFile(): AnirFile {
  if (!coder) throw new ModelError('The decoder has no WebAssembly.');
  return new AnirFile(coder);
}

/** Goes on with a stream. */
function take({ stream, at, bytes, level, close }: Piece): Partial<Answer<Plan>> {
  const file = streams.get(stream) ?? newFile();
  // A worker that was replaced knows no stream of before.
  if (file.size !== at && !close)
    throw new ModelError('The decoder had to start again: open the file again, too.');
  streams.set(stream, file);
  if (close) streams.delete(stream);
  if (bytes) file.feed(bytes);
  if (level === 'preview') {
    const plan = file.preview();
    return plan ? told(plan) : {};
  }
  if (level !== undefined) return told(level === 'refined' ? file.refined() : file.network(level));
  return { available: file.available, ...(file.header && { header: file.header }) };
}

function decode({ x, y, spacing }: NonNullable<Request['grid']>): Uint8ClampedArray<ArrayBuffer> {
  if (!draw) throw new ModelError('No picture is open.');
  return draw(x, y, spacing);
}

function explain(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return `The decoder failed: ${text.slice(0, 160)}`;
}
