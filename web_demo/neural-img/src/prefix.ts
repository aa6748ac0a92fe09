/** The bytes of an `.anir` file that have arrived so far, and the best picture decoded from them. */
import { availableLevels, type Header, previewFrom, readHeader } from './anir_header.ts';
import { concat } from './bytes.ts';
import type { Decoder, NeuralImage } from './decoder.ts';
import { IncompleteError } from './exp_golomb.ts';
import { ModelError } from './model_error.ts';
import type { AnirStream } from './stream.ts';

/** How much of its file a picture shows. */
export interface Refinement {
  /** Number of complete levels; 0 for a preview, which shows what has arrived of the first level. */
  level: number;
  /** Bytes of the file that the picture is decoded from. */
  bytes: number;
  /** PSNR in dB at native size; unknown for a preview. */
  psnr?: number;
}

export interface Picture {
  image: NeuralImage;
  /** Only for `.anir` files. */
  refinement?: Refinement;
}

/** A new preview needs this many times the bytes of the last one, as each is decoded from the file's beginning. */
const PREVIEW_GROWTH = 1.25;
/** Total native pixels of the files that workers may keep partly decoded until more arrives; a pixel takes some 80 bytes of memory. */
const MOST_PIXELS = 4e6;
/** Files that workers keep partly decoded. */
const kept = new Set<Prefix>();
/** Settles when the last decoding is done: files are decoded one after the other, so that only one at a time takes memory. */
let turn: Promise<unknown> = Promise.resolve();

/** An `.anir` file that arrives piece by piece. */
export class Prefix {
  /** The file's header, once it is complete. */
  header: Header | undefined;
  /** Number of bytes that have arrived. */
  bytes = 0;
  /** The best picture decoded so far. */
  best: Picture | undefined;
  /** Number of levels that can be decoded: less than all if the file is damaged or cut short. */
  limit = Number.POSITIVE_INFINITY;
  /** What is wrong with the file. */
  damage: Error | undefined;
  /** Whether no preview can be shown, because the first level is damaged. */
  #hasNoPreview = false;
  readonly #parts: Uint8Array[] = [];
  #stream: AnirStream | undefined;
  /** The first stream that failed. */
  #failed: AnirStream | undefined;
  /** How many of the parts have been fed to the stream. */
  #fed = 0;

  constructor(private readonly decoder: Decoder) {}

  /** Takes the next bytes. Throws a ModelError if the file does not begin as an `.anir` file. */
  add(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.bytes += bytes.length;
    if (this.header) return;
    try {
      this.header = readHeader(concat(this.#parts));
    } catch (error) {
      if (!(error instanceof IncompleteError)) throw error;
    }
  }

  /** Number of complete levels that `best` shows. */
  get level(): number {
    return this.best?.refinement?.level ?? 0;
  }

  /** Number of levels that have arrived completely. */
  get available(): number {
    return this.header ? availableLevels(this.header, this.bytes) : 0;
  }

  /** Number of the picture's native pixels. */
  get pixels(): number {
    const [width, height] = this.header?.size ?? [0, 0];
    return width * height;
  }

  /** While no level is decoded, replaces `best` by a new preview if there are at least `growth` times the bytes of the last one. */
  async preview(growth = PREVIEW_GROWTH): Promise<void> {
    const { header, best, bytes } = this;
    const seen = best?.refinement?.bytes ?? 0;
    if (!header || this.level > 0 || this.#hasNoPreview || bytes < previewFrom(header)) return;
    if (bytes <= seen || bytes < growth * seen) return;
    const stream = this.#opened();
    try {
      await this.#decode(stream, 0, () => stream.preview());
    } catch (error) {
      if (this.#stream === stream) this.#endAt(0, error as Error);
    }
  }

  /** Decodes up to `level` levels, as far as they are undamaged, and makes the last one `best`. */
  async improve(level: number): Promise<void> {
    for (let most = Math.min(level, this.limit); most > this.level; most = Math.min(level, this.limit)) {
      const stream = this.#opened();
      // While this call waited, a concurrent one may have decoded as much or more.
      const picture = async () => (most > this.level ? stream.image(most - 1) : undefined);
      try {
        await this.#decode(stream, most, picture);
      } catch (error) {
        const isFatal = error instanceof ModelError && error.isFatal;
        if (this.#stream === stream && !isFatal && !this.#failed) {
          // Once more, as the worker may have been replaced because of another file.
          this.#failed = stream;
          this.close();
        } else if (this.#stream === stream) this.#endAt(isFatal ? this.level : most - 1, error as Error);
      }
      // Else this call or a concurrent one has found damage, or the level is to be decoded once more.
      if (this.limit >= most && stream !== this.#failed) return;
    }
  }

  /** The file ends here: makes `best` the last complete level with what there is of the next, or else a preview. */
  async endHere(damage: Error): Promise<void> {
    if (this.available === 0) await this.preview(1);
    this.damage = damage;
    this.limit = this.available;
    await this.improve(this.limit);
    // If the last level is damaged, the one before it is the best.
    if (this.limit === 0 || this.limit < this.available) return;
    const stream = this.#opened();
    await this.#decode(stream, this.limit, () => stream.refined()).catch((error) => {
      if (this.#stream === stream) throw error;
    });
  }

  /** Only the first `limit` levels can be decoded, because of `damage`. */
  #endAt(limit: number, damage: Error): void {
    this.#hasNoPreview = limit === 0;
    this.damage = damage;
    this.limit = limit;
    this.close();
  }

  /** Frees the workers' memory; `best` remains. */
  close(): void {
    kept.delete(this);
    this.#stream?.close();
    this.#stream = undefined;
    this.#fed = 0;
  }

  /** The stream in a worker, opened if need be; `close` may end it at any time. */
  #opened(): AnirStream {
    this.#stream ??= this.decoder.stream();
    return this.#stream;
  }

  /** Feeds the stream all bytes that have arrived, then makes the result of `picture` the best one. */
  #decode(stream: AnirStream, level: number, picture: () => Promise<NeuralImage | undefined>): Promise<void> {
    const decoded = turn.then(async () => {
      if (this.#stream !== stream) return;
      kept.add(this);
      const parts = this.#parts.slice(this.#fed);
      this.#fed += parts.length;
      if (parts.length > 0) await stream.feed(concat(parts));
      const image = await picture();
      const psnr = this.header?.levels[level - 1]?.psnr[0];
      if (image)
        this.best = { image, refinement: { level, bytes: image.bytes, ...(psnr !== undefined && { psnr }) } };
      this.#makeRoom();
    });
    turn = decoded.catch(() => undefined);
    return decoded;
  }

  /** Closes this file's stream if the workers keep too many pixels: it can be decoded again from its bytes. */
  #makeRoom(): void {
    const pixels = [...kept].reduce((all, own) => all + own.pixels, 0);
    if (kept.size > 1 && pixels > MOST_PIXELS) this.close();
  }
}
