/** An `.anir` file at a URL, fetched as far as its levels are wanted and decoded as it arrives. */
import { type Level, leastBytes } from './anir_header.ts';
import { type Decoder, deferred } from './decoder.ts';
import type { Download } from './download.ts';
import type { Size } from './layout.ts';
import { ModelError } from './model_error.ts';
import { type Picture, Prefix } from './prefix.ts';

/** Chooses the level to show, counted from 0. */
type Choose = (levels: readonly Level[]) => number;

export class AnirSource {
  #file: Prefix;
  /** Undefined while nobody waits for a picture. */
  #choose: Choose | undefined;
  #isFetching = false;
  /** The error that ended the download. */
  #error: unknown;
  /** Settles when bytes have arrived or the download has failed. */
  #news = deferred<void>();

  /** Continues a download whose `first` bytes have arrived. */
  constructor(
    private readonly download: Download,
    first: Uint8Array,
    private readonly decoder: Decoder,
    /** The file's name in error messages. */
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
   * Yields better and better pictures up to the level that `choose` returns, never worse than those of earlier calls. Of levels that
   * arrive while a picture is drawn, only the last one is decoded. Throws the error of a failed file or download after the best picture.
   */
  async *pictures(choose: Choose, signal: AbortSignal): AsyncGenerator<Picture, void, void> {
    this.#choose = choose;
    this.#error = undefined;
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
        } else if (file.damage) throw file.damage;
        else if (file.header && level >= this.#goalOf(file)) return;
        else await this.#more(news, signal);
      }
    } finally {
      // A call that was aborted has been superseded by another one, which continues the download.
      if (!signal.aborted) this.pause();
    }
  }

  /** Stops the download and frees the workers' memory; the bytes and the best picture remain. */
  pause(): void {
    this.#choose = undefined;
    this.download.stop();
    this.#file.close();
  }

  /** Like `pause`, and drops the best picture, too. */
  rest(): void {
    this.pause();
    this.#file.best = undefined;
  }

  /** Number of levels to fetch and decode. */
  #goalOf({ header, limit, level }: Prefix): number {
    const chosen = header && this.#choose ? this.#choose(header.levels) + 1 : 1;
    return Math.min(Math.max(chosen, level), limit);
  }

  /** Waits for more bytes. Throws the error of a failed download once; the next call tries again. */
  async #more(news: Promise<void>, signal: AbortSignal): Promise<void> {
    const error = this.#error;
    this.#error = undefined;
    if (error) throw error;
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
        if (this.#error) return;
        this.#notify();
      }
      if (this.#choose) this.download.stop();
    } catch (error) {
      if ((error as Error).name !== 'AbortError') this.#error = error;
    } finally {
      this.#isFetching = false;
      this.#notify();
    }
  }

  #take(bytes: Uint8Array): void {
    try {
      this.#file.add(bytes);
    } catch (error) {
      // Without a readable header, the rest of the file is of no use.
      this.#error = error;
      this.download.stop();
    }
  }

  /** How many of the file's bytes to fetch: as many as the wanted level needs; no limit before there is a header, 0 if nobody waits. */
  #end(): number {
    const { header } = this.#file;
    if (!header) return Number.POSITIVE_INFINITY;
    const end = this.#choose && header.levels[this.#goalOf(this.#file) - 1]?.end;
    return end ? Math.max(end, leastBytes(header)) : 0;
  }

  /** Handles a file that ends too early. */
  async #cut(): Promise<void> {
    const file = this.#file;
    const message = `${this.name} was cut: it ends after ${file.bytes} bytes.`;
    if (!file.header) throw new ModelError(message);
    await file.endHere(new ModelError(message));
  }

  /** Starts over, as the file on the server has changed. */
  #replace(): void {
    this.#file.close();
    this.#file = new Prefix(this.decoder);
  }

  #notify(): void {
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
