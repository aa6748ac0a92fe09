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

/** Some rows of the picture over its full width, RGBA. */
export interface Tile {
  firstRow: number;
  width: number;
  height: number;
  /** One sample stands for scale × scale pixels: 1, but for the coarse picture. */
  scale: number;
  pixels: Uint8ClampedArray<ArrayBuffer>;
}

export interface DecodeOptions {
  /** Where to sample the picture, by default at its native pixels: see `axis`. */
  x?: Float32Array;
  y?: Float32Array;
  /** Yields the whole picture coarsely first, as one tile of a scale over 1. */
  coarse?: boolean;
  /** Stops after the tiles in work and throws the signal's reason. */
  signal?: AbortSignal;
}

export interface NeuralImage {
  readonly info: ModelInfo;
  readonly bytes: number;
  /** Yields the picture from the top, tile by tile. */
  decode(options?: DecodeOptions): AsyncGenerator<Tile, void, void>;
}

interface Part {
  firstRow: number;
  scale: number;
  x: Float32Array;
  y: Float32Array;
  /** Native pixels from one sample to the next, across and down. */
  spacing: [number, number];
}

export interface DecoderOptions {
  /** How many workers share a picture at most, by default up to four; they need no isolated page. */
  threads?: number;
  /** By default the package's own; `neural-img/onnx` has another. */
  engine?: Engine;
}

// A part takes long enough for a worker to be busy while messages are on their way, and so short that a stop is prompt.
const PART = { macs: 1e9, mostMacs: 8e9, leastPixels: 16384, mostPixels: 49152, rows: 16 };
/** Families that are drawn from few points (docs/decoding.md): the taller a part, the fewer points for each of its pixels. */
const SMOOTH = { families: ['fourier', 'gabor'], mostMacs: 16e9, mostPixels: 196608 };
const COARSE_PIXELS = 8192;
const COARSEST_STEP = 8;
const MAX_THREADS = 4;

export class Decoder {
  /** How many workers share a picture at most. */
  readonly threads: number;
  readonly #lanes: Lane[] = [];
  #turn = Promise.resolve();

  constructor({
    threads = Math.min(MAX_THREADS, navigator.hardwareConcurrency),
    engine = light,
  }: DecoderOptions = {}) {
    this.threads = threads;
    while (this.#lanes.length < threads) this.#lanes.push(new Lane(engine, this.#lanes));
  }

  /** Starts a worker, so that it is ready by the time that there is a file. */
  start(): void {
    this.#lanes[0]?.start().catch(() => undefined);
  }

  /**
   * Opens a whole file, `.onnx` or `.anir`; of the latter the level that is asked for, or else the last one that is whole, and of
   * one that was cut before that its preview. Throws a ModelError with a readable message when `file` is not a neural image.
   */
  async open(file: Uint8Array, { level }: { level?: number } = {}): Promise<NeuralImage> {
    const source: Source = level === undefined ? { file } : { file, level };
    const { info, plan } = await this.#first().open(source);
    source.plan = plan;
    return this.#image(source, info as ModelInfo, file.length);
  }

  /** Opens an `.anir` file of which the bytes are yet to come. */
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

  /** Has all parts decoded after those of the pictures before; no worker waits for who reads the tiles. */
  #start(source: Source, parts: Part[], stopped: AbortSignal): Promise<Tile>[] {
    const waiting = parts.map(() => deferred<Tile>());
    const entries = parts.entries();
    const work = async (lane: Lane) => {
      for (const [index, part] of entries) {
        if (stopped.aborted) return waiting[index]?.reject(stopped.reason);
        await decodePart(lane, source, part).then(waiting[index]?.resolve, waiting[index]?.reject);
      }
    };
    // Two parts for each worker, so that it has the next one before it is asked for.
    const join = async (lane: Lane) => Promise.all([work(lane), work(lane)]);
    const helpers = this.#lanes.slice(1, parts.length);
    this.#turn = this.#turn.then(async () => {
      const first = this.#lanes[0];
      if (!first || stopped.aborted) return;
      // The others join once they have the picture; one that cannot is not missed.
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

function fineParts(
  x: Float32Array,
  y: Float32Array,
  { family, macsPerPixel = PART.macs / PART.leastPixels }: ModelInfo,
  threads: number,
): Omit<Part, 'spacing'>[] {
  const isSmooth = SMOOTH.families.includes(family);
  const { mostMacs, mostPixels } = isSmooth ? SMOOTH : PART;
  // Two for each worker, which has the next one before it is asked for.
  const wanted = isSmooth ? (x.length * y.length) / (2 * threads) : PART.macs / macsPerPixel;
  const pixels = Math.min(Math.max(wanted, PART.leastPixels), mostPixels, mostMacs / macsPerPixel);
  const fitting = Math.floor(pixels / x.length);
  const rows = Math.max(1, fitting - (fitting > PART.rows ? fitting % PART.rows : 0));
  return Array.from({ length: Math.ceil(y.length / rows) }, (_, k) => {
    const firstRow = k * rows;
    return { firstRow, scale: 1, x, y: y.slice(firstRow, firstRow + rows) };
  });
}

/** The whole picture with so few samples that it is one part. */
function coarsePart(x: Float32Array, y: Float32Array, [across, down]: Part['spacing']): Part {
  let scale = COARSEST_STEP;
  while (Math.ceil(x.length / scale) * Math.ceil(y.length / scale) > COARSE_PIXELS) scale *= 2;
  const spacing: Part['spacing'] = [across * scale, down * scale];
  return { firstRow: 0, scale, x: coarsen(x, scale), y: coarsen(y, scale), spacing };
}

/** A promise that is settled from outside, and that nobody has to wait for: not all browsers have Promise.withResolvers. */
export function deferred<T>() {
  const made = {} as { resolve(value: T): void; reject(reason: unknown): void };
  const promise = new Promise<T>((resolve, reject) => Object.assign(made, { resolve, reject }));
  promise.catch(() => undefined);
  return { promise, ...made };
}
