/**
 * An `.anir` file that comes piece by piece: every level that has come whole is a picture, and there may be a preview before.
 *
 *     const stream = decoder.stream();
 *     for await (const chunk of response.body) {
 *       await stream.feed(chunk);
 *       if (stream.available > drawn) drawn = await draw(await stream.image());
 *     }
 *
 * The file's bytes, and what is known of its picture, are in a worker until `close`.
 */
import type { Header } from './anir_header.ts';
import type { NeuralImage } from './decoder.ts';
import type { Lane, Piece } from './lane.ts';
import { ModelError } from './model_error.ts';
import type { ModelInfo } from './network.ts';

let last = 0;

export class AnirStream {
  /** Size, and each level's end in bytes and PSNR; nothing until all of the header has come. */
  header: Header | undefined;
  /** Bytes that were fed: where a Range request goes on. */
  bytes = 0;
  /** Number of levels that have come whole. */
  available = 0;
  readonly #key = ++last;

  /** `Decoder.stream` makes one. */
  constructor(
    private readonly lane: Lane,
    private readonly imageOf: (plan: unknown, info: ModelInfo, bytes: number) => NeuralImage,
  ) {}

  /** Takes the bytes that come next. Throws a ModelError if they do not begin an `.anir` file that can be read. */
  async feed(chunk: Uint8Array): Promise<void> {
    const piece: Piece = { stream: this.#key, at: this.bytes, bytes: chunk.slice() };
    this.bytes += chunk.length;
    const { header, available } = await this.lane.take(piece);
    if (available === undefined) throw new ModelError('This engine does not read .anir files.');
    this.header ??= header;
    this.available = Math.max(this.available, available);
  }

  /**
   * The picture of a level, counted from 0, by default of the last one that has come whole. Levels are decoded in turn, so none
   * can be asked for after a later one. Throws a ModelError if it was, has not come, or is damaged.
   */
  async image(level = this.available - 1): Promise<NeuralImage> {
    return this.#draw(level, this.header?.levels[level]?.end ?? this.bytes);
  }

  /** The last picture that has come whole, with what has come of the next. Throws a ModelError if there is none. */
  refined(): Promise<NeuralImage> {
    return this.#draw('refined', this.bytes);
  }

  /** What can be seen before the first level is whole, if there is anything. */
  async preview(): Promise<NeuralImage | undefined> {
    const { info, plan } = await this.lane.take({ stream: this.#key, at: this.bytes, level: 'preview' });
    return info && this.imageOf(plan, info, this.bytes);
  }

  /** Lets go of what the worker has; pictures of before remain. */
  close(): void {
    this.lane.take({ stream: this.#key, at: this.bytes, close: true }).catch(() => undefined);
  }

  async #draw(level: number | 'refined', bytes: number): Promise<NeuralImage> {
    const { info, plan } = await this.lane.take({ stream: this.#key, at: this.bytes, level });
    return this.imageOf(plan, info as ModelInfo, bytes);
  }
}
