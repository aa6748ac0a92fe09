/** Evaluates networks off the main thread: one request after the other, one network at a time. */
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

/** What is drawn. */
type Plan = Network | Preview;

// They come before all that is asked.
let kernel: Kernel;
let coder: WebAssembly.Module;
let workers: number;
let draw: Draw | undefined;
/** What was asked is answered in turn. */
let queue = Promise.resolve();
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
    const told = piece && (await take(piece));
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
async function open(
  file: Uint8Array | undefined,
  plan: Plan | undefined,
  level: number | undefined,
): Promise<Partial<ReturnType<typeof told>>> {
  draw = undefined;
  kernel.clear();
  const own = plan ?? (await read(file ?? new Uint8Array(), level));
  draw = isPreview(own) ? drawPreview(own) : FAMILIES.get(own.family)?.open(kernel, own);
  return plan ? {} : told(own);
}

const isPreview = (plan: Plan): plan is Preview => 'offset' in plan;
const told = (plan: Plan) => ({ info: isPreview(plan) ? infoOfPreview(plan) : infoOf(plan), plan });

async function read(file: Uint8Array, level: number | undefined): Promise<Plan> {
  if (!isAnir(file)) return readNetwork(kernel, file);
  const anir = newFile();
  try {
    anir.feed(file);
    return (level === undefined && anir.preview()) || (await anir.network(level));
  } finally {
    anir.close();
  }
}

const newFile = () => new AnirFile(coder, connect);

/** Ports to the decoder's other workers, so many at most; the page starts them where it has to. */
function connect(most: number): MessagePort[] {
  return Array.from({ length: Math.min(most, workers - 1) }, (_, i) => {
    const { port1, port2 } = new MessageChannel();
    self.postMessage(i + 1, { transfer: [port2] });
    return port1;
  });
}

/** Goes on with a stream. */
async function take({ stream, at, bytes, level, close }: Piece): Promise<Partial<Answer<Plan>>> {
  const file = streams.get(stream) ?? newFile();
  // A worker that was replaced knows no stream of before.
  if (file.size !== at && !close)
    throw new ModelError('The decoder had to start again: open the file again, too.');
  streams.set(stream, file);
  if (close) {
    file.close();
    streams.delete(stream);
  }
  if (bytes) file.feed(bytes);
  if (level === 'preview') {
    const plan = file.preview();
    return plan ? told(plan) : {};
  }
  if (level !== undefined) return told(await (level === 'refined' ? file.refined() : file.network(level)));
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
