/** The worker: answers requests in order, with one picture open at a time. */
import { AnirFile } from './anir_file.ts';
import { isAnir } from './anir_header.ts';
import { FAMILIES } from './families/index.ts';
import { help } from './help.ts';
import { type Draw, Kernel } from './kernel.ts';
import type { Answer, Piece, Request } from './lane.ts';
import type { Modules } from './light.ts';
import { ModelError } from './model_error.ts';
import { infoOf, type Network } from './network.ts';
import { readNetwork } from './onnx_reader.ts';
import { drawPreview, infoOfPreview, type Preview } from './preview.ts';

/** What is drawn. The page gets it from the first worker and sends it to the others, which then need not decode the file. */
type Plan = Network | Preview;

// Set by the first message, which comes before all requests.
let kernel: Kernel;
let coder: WebAssembly.Module;
let workers: number;
let draw: Draw | undefined;
/** Settles when all requests so far are answered: they are answered in order. */
let queue = Promise.resolve();
/** Files that arrive piece by piece, by the numbers of their streams. */
const streams = new Map<number, AnirFile>();

type Message = Request<Plan> & { modules?: Modules; workers: number };
self.addEventListener('message', ({ data, ports: [port] }: MessageEvent<Message>) => {
  if (data.modules) {
    kernel = new Kernel(data.modules.kernel);
    coder = data.modules.coder;
    workers = data.workers;
  } else if (port) help(port, coder);
  else queue = queue.then(() => answer(data));
});
self.postMessage('ready');

async function answer({ id, file, plan, level, grid, piece }: Request<Plan>): Promise<void> {
  try {
    const opened = file || plan ? await open(file, plan, level) : undefined;
    const described = piece && (await take(piece));
    const pixels = grid && decode(grid);
    // The codes, the largest part of a plan, can be transferred: the open picture has its own copy in the kernel.
    const codes = opened?.plan && !isPreview(opened.plan) ? opened.plan.latents?.codes : undefined;
    const moved = [pixels, codes].flatMap((array) => (array ? [array.buffer as ArrayBuffer] : []));
    reply({ id, ...opened, ...described, ...(pixels && { pixels }) }, moved);
  } catch (error) {
    const isKnown = error instanceof ModelError;
    // After a WebAssembly trap or an out-of-memory error the instance's state is unknown.
    reply({ id, error: isKnown ? error.message : explain(error), fatal: !isKnown || error.isFatal });
  }
}

function reply(answer: Answer<Plan>, transfer: Transferable[] = []): void {
  self.postMessage(answer, { transfer });
}

/** Prepares a picture for drawing: one read from `file` here, or a `plan` that another worker made. */
async function open(
  file: Uint8Array | undefined,
  plan: Plan | undefined,
  level: number | undefined,
): Promise<Partial<ReturnType<typeof described>>> {
  draw = undefined;
  kernel.clear();
  const own = plan ?? (await read(file ?? new Uint8Array(), level));
  draw = isPreview(own) ? drawPreview(own) : FAMILIES.get(own.family)?.open(kernel, own);
  return plan ? {} : described(own);
}

const isPreview = (plan: Plan): plan is Preview => 'offset' in plan;
function described(plan: Plan) {
  if (isPreview(plan)) return { info: infoOfPreview(plan), plan };
  return { info: { ...infoOf(plan), isSmooth: FAMILIES.get(plan.family)?.isSmooth }, plan };
}

async function read(file: Uint8Array, level: number | undefined): Promise<Plan> {
  if (!isAnir(file)) return readNetwork(kernel, file);
  const anir = newFile();
  try {
    anir.feed(file);
    if (level !== undefined) return await anir.network(level);
    return anir.preview() ?? (await anir.refined());
  } finally {
    anir.close();
  }
}

const newFile = () => new AnirFile(coder, connect);

/** Returns ports to at most `most` of the decoder's other workers; the page starts those that do not run yet. */
function connect(most: number): MessagePort[] {
  return Array.from({ length: Math.min(most, workers - 1) }, (_, i) => {
    const { port1, port2 } = new MessageChannel();
    self.postMessage(i + 1, { transfer: [port2] });
    return port1;
  });
}

/** Feeds a stream, closes it, or returns one of its pictures. */
async function take({ stream, at, bytes, level, close }: Piece): Promise<Partial<Answer<Plan>>> {
  const file = streams.get(stream) ?? newFile();
  // A worker that replaced a failed one does not know earlier streams.
  if (file.size !== at && !close) throw new ModelError('The stream was closed: open the file again.');
  streams.set(stream, file);
  if (close) {
    file.close();
    streams.delete(stream);
  }
  if (bytes) file.feed(bytes);
  if (level === 'preview') {
    const plan = file.preview();
    return plan ? described(plan) : {};
  }
  if (level !== undefined)
    return described(await (level === 'refined' ? file.refined() : file.network(level)));
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
