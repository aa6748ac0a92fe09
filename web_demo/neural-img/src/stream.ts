/**
 * An `.anir` file that arrives piece by piece: each complete level is a picture, and there may be a preview before the first.
 *
 *     const stream = decoder.stream();
 *     for await (const chunk of response.body) {
 *       await stream.feed(chunk);
 *       if (stream.available > drawn) drawn = await draw(await stream.image());
 *     }
 *
 * A worker holds the file's bytes and the state of its decoder until `close`.
 */
import type { Header } from './anir_header.ts';
import type { NeuralImage } from './decoder.ts';
import type { Lane, Piece } from './lane.ts';
import { ModelError } from './model_error.ts';
import type { ModelInfo } from './network.ts';

let last = 0;

export class AnirStream {
  /** The picture's size, and the end in bytes and the PSNR of each level; undefined until the header is complete. */
  header: Header | undefined;
  /** Number of bytes fed: a Range request continues there. */
  bytes = 0;
  /** Number of complete levels. */
  available = 0;
  readonly #key = ++last;

  /** Called by `Decoder.stream`. */
  constructor(
    private readonly lane: Lane,
    private readonly imageOf: (plan: unknown, info: ModelInfo, bytes: number) => NeuralImage,
  ) {}

  /** Takes the next bytes. Throws a ModelError if the file does not begin as an `.anir` file that this decoder reads. */
  async feed(chunk: Uint8Array | ArrayBuffer): Promise<void> {
    // A copy, as its memory moves to the worker.
    const bytes = new Uint8Array(chunk).slice();
    const piece: Piece = { stream: this.#key, at: this.bytes, bytes };
    this.bytes += bytes.length;
    const { header, available } = await this.lane.take(piece);
    if (available === undefined) throw new ModelError('This engine does not read .anir files.');
    this.header ??= header;
    this.available = available;
  }

  /**
   * Returns the picture of a level, counted from 0, by default the last complete one. Levels are decoded in order: throws a ModelError
   * if a later level has already been decoded, or if the level is incomplete or damaged.
   */
  image(level = this.available - 1): Promise<NeuralImage> {
    return this.#draw(level, this.header?.levels[level]?.end) as Promise<NeuralImage>;
  }

  /** Returns the last complete level refined by what has arrived of the next. Throws a ModelError if no level is complete. */
  refined(): Promise<NeuralImage> {
    return this.#draw('refined') as Promise<NeuralImage>;
  }

  /** Returns what can be shown before the first level is complete; undefined if nothing can. */
  preview(): Promise<NeuralImage | undefined> {
    return this.#draw('preview');
  }

  /** Frees the worker's memory; pictures returned earlier stay valid. */
  close(): void {
    this.lane.take({ stream: this.#key, at: this.bytes, close: true }).catch(() => undefined);
  }

  /** The picture that is decoded from `bytes` bytes; only of a preview there may be none. */
  async #draw(level: NonNullable<Piece['level']>, bytes = this.bytes): Promise<NeuralImage | undefined> {
    const { info, plan } = await this.lane.take({ stream: this.#key, at: this.bytes, level });
    return info && this.imageOf(plan, info, bytes);
  }
}
