/** An `.anir` file at some address: it is fetched as far as it is worth, and drawn as it comes. */
import { type Level, leastBytes } from './anir_header.ts';
import { type Decoder, deferred } from './decoder.ts';
import type { Download } from './download.ts';
import type { Size } from './layout.ts';
import { ModelError } from './model_error.ts';
import { type Picture, Prefix } from './prefix.ts';

/** Which of the levels is worth its bytes, counted from 0. */
type Choose = (levels: readonly Level[]) => number;

export class AnirSource {
  #file: Prefix;
  /** None while nobody waits for a picture. */
  #choose: Choose | undefined;
  #isFetching = false;
  /** What went wrong while the file came. */
  #trouble: unknown;
  /** Settles when something has come or gone wrong. */
  #news = deferred<void>();

  /** Goes on with a file of which the first bytes have come. */
  constructor(
    private readonly download: Download,
    first: Uint8Array,
    private readonly decoder: Decoder,
    /** What messages call it. */
    private readonly name: string,
  ) {
    this.#file = new Prefix(decoder);
    this.#take(first);
  }

  /** The picture's native size. */
  async size(signal: AbortSignal): Promise<Size> {
    while (!this.#file.header) await this.#more(this.#news.promise, signal);
    const [width, height] = this.#file.header.size;
    return { width, height };
  }

  /**
   * Better and better pictures up to the level that `choose` gives, never one worse than before. Levels that come while a picture
   * is drawn are passed over for the last one. Throws what hinders more after the best picture that there is.
   */
  async *pictures(choose: Choose, signal: AbortSignal): AsyncGenerator<Picture, void, void> {
    this.#choose = choose;
    this.#trouble = undefined;
    let given: Picture | undefined;
    try {
      for (;;) {
        const file = this.#file;
        const news = this.#news.promise;
        const level = Math.min(file.available, this.#goalOf(file));
        await (level > 0 ? file.improve(level) : file.preview());
        signal.throwIfAborted();
        if (file !== this.#file) continue;
        if (file.best && file.best !== given) {
          given = file.best;
          yield given;
        } else if (file.damage) throw file.tellDamage();
        else if (file.header && level >= this.#goalOf(file)) return;
        else await this.#more(news, signal);
      }
    } finally {
      // Otherwise another call takes over.
      if (!signal.aborted) this.pause();
    }
  }

  /** Stops fetching, and lets workers forget the file; what has come and the best picture remain. */
  pause(): void {
    this.#choose = undefined;
    this.download.stop();
    this.#file.close();
  }

  /** Lets go of the picture, too. */
  rest(): void {
    this.pause();
    this.#file.best = undefined;
  }

  /** How many levels to fetch and decode. */
  #goalOf({ header, limit, best }: Prefix): number {
    const chosen = header && this.#choose ? this.#choose(header.levels) + 1 : 1;
    return Math.min(Math.max(chosen, best?.refinement?.level ?? 0), limit);
  }

  /** Waits for news. Throws what went wrong instead, once: who asks again tries again. */
  async #more(news: Promise<void>, signal: AbortSignal): Promise<void> {
    const trouble = this.#trouble;
    this.#trouble = undefined;
    if (trouble) throw trouble;
    void this.#fetch();
    await unlessAborted(news, signal);
  }

  async #fetch(): Promise<void> {
    if (this.#isFetching) return;
    this.#isFetching = true;
    try {
      for (let end = this.#end(); this.#file.bytes < end; end = this.#end()) {
        const part = await this.download.next(end);
        if (!part) return await this.#cut();
        if (part.isFirst) this.#replace();
        this.#take(part.bytes);
        if (this.#trouble) return;
        this.#tell();
      }
      if (this.#choose) this.download.stop();
    } catch (error) {
      if ((error as Error).name !== 'AbortError') this.#trouble = error;
    } finally {
      this.#isFetching = false;
      this.#tell();
    }
  }

  #take(bytes: Uint8Array): void {
    try {
      this.#file.add(bytes);
    } catch (error) {
      // What comes after a header that cannot be read is of no use.
      this.#trouble = error;
      this.download.stop();
    }
  }

  /** Up to where the file is wanted: a level's end, but as much as any level takes. Unknown before there is a header. */
  #end(): number {
    const { header } = this.#file;
    if (!header) return Number.POSITIVE_INFINITY;
    const end = this.#choose && header.levels[this.#goalOf(this.#file) - 1]?.end;
    return end ? Math.max(end, leastBytes(header)) : 0;
  }

  /** The file ends too early. */
  async #cut(): Promise<void> {
    const file = this.#file;
    const message = `${this.name} was cut: it ends after ${file.bytes} bytes.`;
    if (!file.header) throw new ModelError(message);
    await file.endHere(new ModelError(message));
  }

  /** The file is another one by now. */
  #replace(): void {
    this.#file.close();
    this.#file = new Prefix(this.decoder);
  }

  #tell(): void {
    const news = this.#news;
    this.#news = deferred();
    news.resolve();
  }
}

/** Waits for a promise, or throws the signal's reason if that comes first. */
async function unlessAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = deferred<void>();
  const stop = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', stop);
  try {
    signal.throwIfAborted();
    await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
