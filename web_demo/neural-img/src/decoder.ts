/**
 * Decodes neural images in workers.
 *
 *     const decoder = new Decoder();
 *     const image = await decoder.open(bytes);
 *     for await (const tile of image.decode({ coarse: true })) drawTile(context, tile);
 */
import { axis, coarsen } from './coordinates.ts';
import type { Reply, Request } from './decoder.worker.ts';
import { ModelError, type ModelInfo, readModelInfo } from './onnx_metadata.ts';

/** Some rows of the picture over its full width, opaque RGBA. */
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
}

// Enough for a worker to be busy while messages are on their way, little enough that a stop is prompt.
const PART_PIXELS = 16384;
const PART_ROWS = 16;
const COARSE_PIXELS = 8192;
const COARSEST_STEP = 8;
const MAX_THREADS = 4;

export class Decoder {
  /** How many workers share a picture at most; they need no isolated page. */
  readonly threads: number;
  readonly #lanes: Lane[];
  #turn = Promise.resolve();

  /**
   * `runtime` is the folder with ONNX Runtime's ort-wasm-simd-threaded.wasm and .mjs; without it, the
   * bundler's copy is used.
   */
  constructor(runtime?: URL, threads = Math.min(MAX_THREADS, navigator.hardwareConcurrency)) {
    this.threads = threads;
    this.#lanes = Array.from({ length: threads }, () => new Lane(runtime));
  }

  /** Throws a ModelError with a readable message when `file` is not a neural image. */
  async open(file: Uint8Array): Promise<NeuralImage> {
    const info = readModelInfo(file);
    await this.#lanes[0]?.ask(file);
    return { info, bytes: file.length, decode: (options) => this.#decode(file, info, options) };
  }

  async *#decode(
    file: Uint8Array,
    info: ModelInfo,
    { x = axis(info.width), y = axis(info.height), coarse = false, signal }: DecodeOptions = {},
  ): AsyncGenerator<Tile, void, void> {
    const parts = [...(coarse ? [coarsePart(x, y)] : []), ...fineParts(x, y)];
    const stop = new AbortController();
    const stopped = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
    const tiles = this.#start(file, parts, stopped);
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
  #start(file: Uint8Array, parts: Part[], stopped: AbortSignal): Promise<Tile>[] {
    const waiting = parts.map(() => Promise.withResolvers<Tile>());
    const entries = parts.entries();
    const work = async (lane: Lane) => {
      for (const [index, part] of entries) {
        if (stopped.aborted) return waiting[index]?.reject(stopped.reason);
        await decodePart(lane, file, part).then(waiting[index]?.resolve, waiting[index]?.reject);
      }
    };
    // Two parts for each worker, so that it has the next one before it is asked for.
    const join = async (lane: Lane) => Promise.all([work(lane), work(lane)]);
    const helpers = this.#lanes.slice(1, parts.length);
    this.#turn = this.#turn.then(async () => {
      const first = this.#lanes[0];
      if (!first || stopped.aborted) return;
      // The others join once they have the model; one that cannot is not missed.
      const ready = helpers.map((lane) =>
        lane.ask(file).then(
          () => join(lane),
          () => undefined,
        ),
      );
      await join(first);
      await Promise.all(ready);
    });
    stopped.addEventListener('abort', () => {
      for (const { reject } of waiting) reject(stopped.reason);
    });
    for (const { promise } of waiting) promise.catch(() => undefined);
    return waiting.map(({ promise }) => promise);
  }
}

async function decodePart(lane: Lane, file: Uint8Array, { x, y, firstRow, scale }: Part): Promise<Tile> {
  const pixels = await lane.ask(file, { x, y });
  if (!pixels) throw new ModelError('The decoder gave no pixels.');
  return { firstRow, width: x.length, height: y.length, scale, pixels };
}

function fineParts(x: Float32Array, y: Float32Array): Part[] {
  const fitting = Math.floor(PART_PIXELS / x.length);
  const rows = Math.max(1, fitting - (fitting > PART_ROWS ? fitting % PART_ROWS : 0));
  return Array.from({ length: Math.ceil(y.length / rows) }, (_, k) => {
    const firstRow = k * rows;
    return { firstRow, scale: 1, x, y: y.slice(firstRow, firstRow + rows) };
  });
}

/** The whole picture with so few samples that it is one part. */
function coarsePart(x: Float32Array, y: Float32Array): Part {
  let scale = COARSEST_STEP;
  while (Math.ceil(x.length / scale) * Math.ceil(y.length / scale) > COARSE_PIXELS) scale *= 2;
  return { firstRow: 0, scale, x: coarsen(x, scale), y: coarsen(y, scale) };
}

interface Pending {
  resolve(pixels: Uint8ClampedArray<ArrayBuffer> | undefined): void;
  reject(error: Error): void;
}

/** One worker, started when it is first needed. */
class Lane {
  #worker: Worker | undefined;
  #loaded: Uint8Array | undefined;
  #pending = new Map<number, Pending>();
  #lastId = 0;

  constructor(private readonly runtime: URL | undefined) {}

  /** Opens the model and, with a grid, decodes there. */
  ask(file: Uint8Array, grid?: Request['grid']): Promise<Uint8ClampedArray<ArrayBuffer> | undefined> {
    this.#worker ??= this.#start();
    const request: Request = { id: ++this.#lastId };
    if (this.runtime) request.runtime = this.runtime.href;
    if (grid) request.grid = grid;
    // The worker answers in order, so it still holds the model of the request before this one.
    if (this.#loaded !== file) request.file = this.#loaded = file;
    this.#worker.postMessage(request);
    return new Promise((resolve, reject) => this.#pending.set(request.id, { resolve, reject }));
  }

  #start(): Worker {
    const worker = new Worker(new URL('./decoder.worker.js', import.meta.url), { type: 'module' });
    worker.addEventListener('message', ({ data }: MessageEvent<Reply>) => this.#settle(data));
    worker.addEventListener('error', () => this.#abandon('The decoder could not start in this browser.'));
    return worker;
  }

  #settle(reply: Reply): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if (!('error' in reply)) {
      pending?.resolve(reply.pixels);
      return;
    }
    // The worker may have lost its session, so the next request brings its model along.
    this.#loaded = undefined;
    pending?.reject(new ModelError(reply.error));
    if (reply.fatal) this.#abandon(reply.error);
  }

  /** Lets the worker go with all that it was asked; the next request starts a fresh one. */
  #abandon(reason: string): void {
    this.#worker?.terminate();
    this.#worker = this.#loaded = undefined;
    for (const { reject } of this.#pending.values()) reject(new ModelError(reason));
    this.#pending.clear();
  }
}
