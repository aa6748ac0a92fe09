/**
 * Decodes neural images in workers.
 *
 *     const decoder = new Decoder();
 *     const image = await decoder.open(bytes);
 *     for await (const tile of image.decode({ coarse: true })) drawTile(context, tile);
 */
import { axis, coarsen, spacingOf } from './coordinates.ts';
import { type Engine, Lane, type Source } from './lane.ts';
import { light } from './light.ts';
import { ModelError } from './model_error.ts';
import type { ModelInfo } from './network.ts';
import { AnirStream } from './stream.ts';

/** Some rows of the picture in its full width, as RGBA samples. */
export interface Tile {
  firstRow: number;
  width: number;
  height: number;
  /** Each sample stands for scale × scale pixels: 1 except in the coarse picture. */
  scale: number;
  pixels: Uint8ClampedArray<ArrayBuffer>;
}

export interface DecodeOptions {
  /** Coordinates of the columns to sample, by default those of native pixels: see `axis`. */
  x?: Float32Array | undefined;
  /** Coordinates of the rows. */
  y?: Float32Array | undefined;
  /** Whether to yield a coarse version of the whole picture first, as one tile with a scale above 1. */
  coarse?: boolean | undefined;
  /** Stops decoding after the tiles in progress; the signal's reason is thrown. */
  signal?: AbortSignal | undefined;
}

/** The bytes of a file. */
export type FileContent = Uint8Array | ArrayBuffer | Blob;

export interface NeuralImage {
  readonly info: ModelInfo;
  /** Length of the file given to `open`; in a stream, bytes of the prefix that the picture is decoded from. */
  readonly bytes: number;
  /** Yields the picture tile by tile, from top to bottom. */
  decode(options?: DecodeOptions): AsyncGenerator<Tile, void, void>;
}

/** The samples of one tile. */
interface Part {
  firstRow: number;
  scale: number;
  x: Float32Array;
  y: Float32Array;
  /** Native pixels from one sample to the next, across and down. */
  spacing: [number, number];
}

export interface DecoderOptions {
  /** Most workers that draw one picture; by default one per processor thread, up to four. They need no cross-origin isolated page. */
  threads?: number | undefined;
  /** The engine of the workers: by default the package's own WebAssembly; `neural-img/onnx` has another one. */
  engine?: Engine | undefined;
}

/** How large a part is: enough work to keep a worker busy while messages are in transit, little enough to stop promptly. */
const PART = {
  // Multiply-adds: the number aimed at, and the limit.
  macs: 1e9,
  mostMacs: 8e9,
  leastPixels: 16384,
  mostPixels: 49152,
  // The number of rows is a multiple of this, if it is larger.
  rows: 16,
};
/** The limits of smooth pictures: the taller a part, the fewer points per pixel. */
const SMOOTH = { mostMacs: 16e9, mostPixels: 196608 };
/** Samples of the coarse picture, at most. */
const COARSE_PIXELS = 8192;
/** Least `scale` of the coarse picture: samples asked for that one of its samples stands for, along each axis. */
const LEAST_COARSE_SCALE = 8;
const MAX_THREADS = 4;

/** Decodes pictures in workers, which start when they are first needed. */
export class Decoder {
  /** Most workers that draw one picture. */
  readonly threads: number;
  readonly #lanes: Lane[] = [];
  /** Settles when the picture asked for last is drawn: pictures are drawn one after the other. */
  #turn = Promise.resolve();

  constructor({
    // Server-side rendering may make a decoder, too.
    threads = Math.min(MAX_THREADS, globalThis.navigator?.hardwareConcurrency ?? 1),
    engine = light,
  }: DecoderOptions = {}) {
    this.threads = threads;
    while (this.#lanes.length < threads) this.#lanes.push(new Lane(engine, this.#lanes));
  }

  /** Starts the first worker ahead of time, while the file is still on its way. */
  start(): void {
    this.#lanes[0]?.start().catch(() => undefined);
  }

  /** Ends the workers for good: what is being decoded, and whatever is asked for later, fails. */
  close(): void {
    for (const lane of this.#lanes) lane.end();
  }

  /**
   * Opens a file, `.onnx` or `.anir`. Of an `.anir` file, which may be cut short, opens `level`, counted from 0, by default the last
   * complete level, or the preview if there is none. Throws a ModelError with a readable message if `content` is not a neural image.
   */
  async open(content: FileContent, { level }: { level?: number | undefined } = {}): Promise<NeuralImage> {
    const file = new Uint8Array(content instanceof Blob ? await content.arrayBuffer() : content);
    const source: Source = level === undefined ? { file } : { file, level };
    const { info, plan } = await this.#first().open(source);
    source.plan = plan;
    return this.#image(source, info as ModelInfo, file.length);
  }

  /** Opens an `.anir` file whose bytes are fed as they arrive. */
  stream(): AnirStream {
    return new AnirStream(this.#first(), (plan, info, bytes) => this.#image({ plan }, info, bytes));
  }

  #first(): Lane {
    const [lane] = this.#lanes;
    if (!lane) throw new ModelError('The decoder has no threads.');
    return lane;
  }

  #image(source: Source, info: ModelInfo, bytes: number): NeuralImage {
    return { info, bytes, decode: (options) => this.#decode(source, info, options) };
  }

  async *#decode(
    source: Source,
    info: ModelInfo,
    { x = axis(info.width), y = axis(info.height), coarse = false, signal }: DecodeOptions = {},
  ): AsyncGenerator<Tile, void, void> {
    signal?.throwIfAborted();
    const spacing: Part['spacing'] = [spacingOf(info.width, x), spacingOf(info.height, y)];
    const fine = fineParts(x, y, info, this.threads).map((part) => ({ ...part, spacing }));
    const parts = coarse ? [coarsePart(x, y, spacing), ...fine] : fine;
    const stop = new AbortController();
    const stopped = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
    const tiles = this.#start(source, parts, stopped);
    try {
      for (const tile of tiles) {
        const done = await tile;
        signal?.throwIfAborted();
        yield done;
      }
    } finally {
      stop.abort();
    }
  }

  /** Decodes all parts, after those of earlier pictures; workers do not wait until tiles are consumed. */
  #start(source: Source, parts: Part[], stopped: AbortSignal): Promise<Tile>[] {
    const waiting = parts.map(() => deferred<Tile>());
    const entries = parts.entries();
    const work = async (lane: Lane) => {
      for (const [index, part] of entries) {
        if (stopped.aborted) return waiting[index]?.reject(stopped.reason);
        await decodePart(lane, source, part).then(waiting[index]?.resolve, waiting[index]?.reject);
      }
    };
    // Two requests per worker are in flight, so that it never waits for the next one.
    const join = async (lane: Lane) => Promise.all([work(lane), work(lane)]);
    const helpers = this.#lanes.slice(1, parts.length);
    this.#turn = this.#turn.then(async () => {
      const first = this.#lanes[0];
      if (!first || stopped.aborted) return;
      // The other workers join once they have opened the picture; those that fail do not draw.
      const others = helpers.map((lane) => lane.open(source).then(() => join(lane)));
      await Promise.allSettled([join(first), ...others]);
    });
    stopped.addEventListener('abort', () => {
      for (const { reject } of waiting) reject(stopped.reason);
    });
    return waiting.map(({ promise }) => promise);
  }
}

async function decodePart(lane: Lane, source: Source, part: Part): Promise<Tile> {
  const { x, y, spacing, firstRow, scale } = part;
  const { pixels = new Uint8ClampedArray() } = await lane.open(source, { x, y, spacing });
  return { firstRow, width: x.length, height: y.length, scale, pixels };
}

/** Splits the picture into parts of whole rows, at full resolution. */
function fineParts(
  x: Float32Array,
  y: Float32Array,
  { isSmooth, macsPerPixel = PART.macs / PART.leastPixels }: ModelInfo,
  threads: number,
): Omit<Part, 'spacing'>[] {
  const { mostMacs, mostPixels } = isSmooth ? SMOOTH : PART;
  // Two parts per worker, as each has two requests in flight.
  const wanted = isSmooth ? (x.length * y.length) / (2 * threads) : PART.macs / macsPerPixel;
  const pixels = Math.min(Math.max(wanted, PART.leastPixels), mostPixels, mostMacs / macsPerPixel);
  const fitting = Math.floor(pixels / x.length);
  const rows = Math.max(1, fitting - (fitting > PART.rows ? fitting % PART.rows : 0));
  return Array.from({ length: Math.ceil(y.length / rows) }, (_, k) => {
    const firstRow = k * rows;
    return { firstRow, scale: 1, x, y: y.slice(firstRow, firstRow + rows) };
  });
}

/** The whole picture as a single part, with at most COARSE_PIXELS samples. */
function coarsePart(x: Float32Array, y: Float32Array, [across, down]: Part['spacing']): Part {
  let scale = LEAST_COARSE_SCALE;
  while (Math.ceil(x.length / scale) * Math.ceil(y.length / scale) > COARSE_PIXELS) scale *= 2;
  const spacing: Part['spacing'] = [across * scale, down * scale];
  return { firstRow: 0, scale, x: coarsen(x, scale), y: coarsen(y, scale), spacing };
}

/** A promise with its `resolve` and `reject`, whose rejection need not be handled; not all browsers have Promise.withResolvers. */
export function deferred<T>() {
  const made = {} as { resolve(value: T): void; reject(reason: unknown): void };
  const promise = new Promise<T>((resolve, reject) => Object.assign(made, { resolve, reject }));
  promise.catch(() => undefined);
  return { promise, ...made };
}
