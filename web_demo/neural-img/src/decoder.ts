/**
 * Decodes neural images in a worker.
 *
 *     const decoder = new Decoder(new URL('ort/', document.baseURI));
 *     const image = await decoder.open(bytes);
 *     for await (const tile of image.decode()) context.putImageData(new ImageData(tile.pixels, tile.width), 0, tile.firstRow);
 */
import { axis } from './coordinates.ts';
import type { Reply, Request } from './decoder.worker.ts';
import { ModelError, type ModelInfo, readModelInfo } from './onnx_metadata.ts';

/** Some full-width rows of the picture, opaque RGBA. */
export interface Tile {
  firstRow: number;
  width: number;
  height: number;
  pixels: Uint8ClampedArray<ArrayBuffer>;
}

export interface DecodeOptions {
  /** Where to sample the picture, by default at its native pixels: see `axis`. */
  x?: Float32Array;
  y?: Float32Array;
  /** Stops before the next tile and throws the signal's reason. */
  signal?: AbortSignal;
}

export interface NeuralImage {
  readonly info: ModelInfo;
  readonly bytes: number;
  /** Yields the picture from the top, tile by tile. */
  decode(options?: DecodeOptions): AsyncGenerator<Tile, void, void>;
}

// Small enough that a layer's values stay in the processor's cache and that a stop is prompt.
const TILE_PIXELS = 8192;

interface Pending {
  resolve(pixels: Uint8ClampedArray<ArrayBuffer> | undefined): void;
  reject(error: Error): void;
}

export class Decoder {
  #worker: Worker | undefined;
  #loaded: Uint8Array | undefined;
  #pending = new Map<number, Pending>();
  #lastId = 0;

  /** `runtime` is the folder with ONNX Runtime's WebAssembly files, on the page's own origin. */
  constructor(private readonly runtime: URL) {}

  /** Throws a ModelError with a readable message when `file` is not a neural image. */
  async open(file: Uint8Array): Promise<NeuralImage> {
    const info = readModelInfo(file);
    await this.#ask(file);
    return { info, bytes: file.length, decode: (options) => this.#decode(file, info, options) };
  }

  async *#decode(
    file: Uint8Array,
    info: ModelInfo,
    options: DecodeOptions = {},
  ): AsyncGenerator<Tile, void, void> {
    const { x = axis(info.width), y = axis(info.height), signal } = options;
    const rows = Math.max(1, Math.floor(TILE_PIXELS / x.length));
    for (let firstRow = 0; firstRow < y.length; firstRow += rows) {
      signal?.throwIfAborted();
      const some = y.slice(firstRow, firstRow + rows);
      const pixels = await this.#ask(file, { x, y: some });
      signal?.throwIfAborted();
      if (pixels) yield { firstRow, width: x.length, height: some.length, pixels };
    }
  }

  #ask(file: Uint8Array, grid?: Request['grid']): Promise<Uint8ClampedArray<ArrayBuffer> | undefined> {
    this.#worker ??= this.#start();
    const request: Request = { id: ++this.#lastId, runtime: this.runtime.href };
    if (grid) request.grid = grid;
    // The worker answers in order, so it still holds the model of the request before this one.
    if (this.#loaded !== file) request.file = this.#loaded = file;
    this.#worker.postMessage(request);
    return new Promise((resolve, reject) => this.#pending.set(request.id, { resolve, reject }));
  }

  #start(): Worker {
    const worker = new Worker(new URL('./decoder.worker.ts', import.meta.url), { type: 'module' });
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
