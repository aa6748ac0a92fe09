/** The beginning of an `.anir` file, as much of it as has come, and its pictures. */
import { availableLevels, type Header, previewFrom, readHeader } from './anir_header.ts';
import { concat } from './bytes.ts';
import type { Decoder, NeuralImage } from './decoder.ts';
import { IncompleteError } from './exp_golomb.ts';
import { ModelError } from './model_error.ts';
import type { AnirStream } from './stream.ts';

/** What a picture shows of its file. */
export interface Refinement {
  /** How many of the file's levels; 0 of a preview, which shows what has come of the first. */
  level: number;
  /** Bytes of the file up to there. */
  bytes: number;
  /** In dB, at the picture's own size; no file tells that of its preview. */
  psnr?: number;
}

export interface Picture {
  image: NeuralImage;
  /** Of an `.anir` file. */
  refinement?: Refinement;
}

/** So many times as many bytes are worth another preview: each is decoded from the file's beginning. */
const GROWTH = 1.25;
/** Native pixels of files that workers may keep half decoded while more is to come; each takes some 80 bytes. */
const MOST_PIXELS = 4e6;
/** Files that workers keep. */
const kept = new Set<Prefix>();
/** One file after the other is decoded, so that memory is taken for one at a time. */
let turn: Promise<unknown> = Promise.resolve();

export class Prefix {
  /** None until all of it has come. */
  header: Header | undefined;
  /** Bytes that have come. */
  bytes = 0;
  /** The best picture that was decoded. */
  best: Picture | undefined;
  /** How many levels can be had: fewer than there are if the file is damaged or was cut. */
  limit = Number.POSITIVE_INFINITY;
  /** What is wrong with the file, until it was told. */
  damage: Error | undefined;
  readonly #parts: Uint8Array[] = [];
  #stream: AnirStream | undefined;
  /** How many of the parts the stream has. */
  #fed = 0;

  constructor(private readonly decoder: Decoder) {}

  /** Takes the bytes that come next. Throws a ModelError if they begin no `.anir` file. */
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

  /** Number of levels that have come whole. */
  get available(): number {
    return this.header ? availableLevels(this.header, this.bytes) : 0;
  }

  /** Native pixels. */
  get pixels(): number {
    const [width, height] = this.header?.size ?? [0, 0];
    return width * height;
  }

  /** Before the first level is decoded, makes the best picture a preview, if so many times as many bytes have come as it shows. */
  async preview(growth = GROWTH): Promise<void> {
    const { header, best, bytes } = this;
    const [level, seen] = [best?.refinement?.level ?? 0, best?.refinement?.bytes ?? 0];
    if (!header || level > 0 || this.limit === 0 || bytes < previewFrom(header)) return;
    if (bytes <= seen || bytes < growth * seen) return;
    const stream = this.#opened();
    try {
      await this.#decode(stream, 0, () => stream.preview());
    } catch (error) {
      if (this.#stream !== stream) return;
      this.damage = error as Error;
      this.limit = 0;
      this.close();
    }
  }

  /** Makes the best picture that of so many levels, or, if they are damaged, of those before the damage. */
  async improve(level: number): Promise<void> {
    const known = this.best?.refinement?.level ?? 0;
    for (let most = Math.min(level, this.limit); most > known; most = Math.min(level, this.limit)) {
      const stream = this.#opened();
      try {
        await this.#decode(stream, most, () => stream.image(most - 1));
        // Somebody else, who asks at the same time, may have met damage, and closed the stream.
        if (this.limit >= most) return;
      } catch (error) {
        if (this.#stream !== stream) {
          if (this.limit >= most) return;
          continue;
        }
        this.damage = error as Error;
        this.limit = error instanceof ModelError && error.isFatal ? known : most - 1;
        this.close();
      }
    }
  }

  /** No more is to come: makes the best picture the last level with what there is of the next, or else a preview. */
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

  /** What is wrong with the file, once. */
  tellDamage(): Error | undefined {
    const { damage } = this;
    this.damage = undefined;
    return damage;
  }

  /** Gives the workers' memory back; what was decoded remains. */
  close(): void {
    kept.delete(this);
    this.#stream?.close();
    this.#stream = undefined;
    this.#fed = 0;
  }

  /** A stream in a worker, which `close` may take away at any time. */
  #opened(): AnirStream {
    this.#stream ??= this.decoder.stream();
    return this.#stream;
  }

  /** Makes a picture of a stream the best, once the stream has all that has come. */
  #decode(stream: AnirStream, level: number, picture: () => Promise<NeuralImage | undefined>): Promise<void> {
    const decoded = turn.then(async () => {
      if (this.#stream !== stream) return;
      kept.add(this);
      const parts = this.#parts.slice(this.#fed);
      this.#fed += parts.length;
      if (parts.length > 0) await stream.feed(concat(parts));
      const image = await picture();
      const psnr = this.header?.levels[level - 1]?.psnr[0];
      const refinement = (bytes: number) => ({ level, bytes, ...(psnr !== undefined && { psnr }) });
      if (image) this.best = { image, refinement: refinement(image.bytes) };
      this.#makeRoom();
    });
    turn = decoded.catch(() => undefined);
    return decoded;
  }

  /** Lets the workers forget this file if they have too many others, too: it can be read again. */
  #makeRoom(): void {
    const pixels = [...kept].reduce((all, own) => all + own.pixels, 0);
    if (kept.size > 1 && pixels > MOST_PIXELS) this.close();
  }
}
