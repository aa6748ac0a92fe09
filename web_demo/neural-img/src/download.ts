/**
 * The bytes of a file in turn, as many as are asked for. An answer that was given up goes on later with a Range request; where
 * the host does not know these, or the file is another one by now, with the whole file.
 */
import { concat } from './bytes.ts';
import { ModelError } from './model_error.ts';

export interface Part {
  bytes: Uint8Array;
  /** Whether the file begins with these: nothing of it came before, or it was replaced. */
  isFirst: boolean;
}

/** What a host sends. */
interface Answer {
  body: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined;
  /** Where in the file it ends, as far as that was asked for. */
  end: number;
  /** Bytes that are known already. */
  known: number;
}

export class Download {
  /** Bytes that have come, those that came twice included. */
  taken = 0;
  /** Where in the file the next part begins. */
  #at = 0;
  /** What tells one state of the file from another. */
  #tag: string | undefined;
  #answer: Answer | undefined;
  #stop = new AbortController();

  constructor(
    private readonly address: string,
    /** What messages call it. */
    private readonly name: string,
  ) {}

  /**
   * The bytes that come next, up to `end` at least if the file is so long; nothing where it ends. Throws a ModelError if the host
   * has no such file or breaks off, and an AbortError if `stop` is called.
   */
  async next(end = Number.POSITIVE_INFINITY): Promise<Part | undefined> {
    const { signal } = this.#stop;
    for (;;) {
      this.#answer ??= await this.#ask(end, signal);
      const answer = this.#answer;
      const bytes = await this.#read(answer, signal);
      if (bytes?.length) {
        const isFirst = this.#at === 0;
        this.#at += bytes.length;
        return { bytes, isFirst };
      }
      if (bytes) continue;
      this.#answer = undefined;
      if (this.#at < answer.end || this.#at >= end) return;
    }
  }

  /** All bytes from here on, after some that came before. */
  async rest(first?: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    const parts = first ? [first] : [];
    for (let part = await this.next(); part; part = await this.next()) parts.push(part.bytes);
    return concat(parts);
  }

  /** Gives up the answer that is coming. */
  stop(): void {
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#answer = undefined;
  }

  /** New bytes of an answer, which may be none; undefined at its end. */
  async #read(answer: Answer, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer> | undefined> {
    try {
      const { value } = (await answer.body?.read()) ?? {};
      signal.throwIfAborted();
      if (!value) return;
      this.taken += value.length;
      const known = Math.min(answer.known, value.length);
      answer.known -= known;
      return value.subarray(known);
    } catch {
      signal.throwIfAborted();
      this.#answer = undefined;
      throw new ModelError(`${this.name} broke off after ${this.#at} bytes.`);
    }
  }

  async #ask(end: number, signal: AbortSignal): Promise<Answer> {
    if (this.#at > 0) {
      const response = await this.#askForRange(end, signal);
      if (response?.status === 206) return { body: response.body?.getReader(), end, known: 0 };
      if (response) return this.#whole(response);
    }
    const response = await fetch(this.address, { signal });
    if (!response.ok) throw new ModelError(`${this.name} answered ${response.status}.`);
    return this.#whole(response);
  }

  /** The part that is asked for, or the whole file; nothing if that fails. */
  async #askForRange(end: number, signal: AbortSignal): Promise<Response | undefined> {
    const last = Number.isFinite(end) ? end - 1 : '';
    const headers: Record<string, string> = { Range: `bytes=${this.#at}-${last}` };
    // Another site would be asked first whether it allows this header.
    const isOwn = new URL(this.address, document.baseURI).origin === location.origin;
    if (isOwn && this.#tag && !this.#tag.startsWith('W/')) headers['If-Range'] = this.#tag;
    const response = await fetch(this.address, { signal, headers }).catch(() => undefined);
    signal.throwIfAborted();
    if (response?.status === 200) return response;
    const begins = response?.headers.get('Content-Range')?.startsWith(`bytes ${this.#at}-`) ?? true;
    if (response?.status === 206 && begins && tagOf(response) === this.#tag) return response;
    void response?.body?.cancel();
    return undefined;
  }

  /** An answer with all of the file, of which what is known is passed over if it is the same file for certain. */
  #whole(response: Response): Answer {
    const tag = tagOf(response);
    if (tag === undefined || tag !== this.#tag) this.#at = 0;
    this.#tag = tag;
    return { body: response.body?.getReader(), end: Number.POSITIVE_INFINITY, known: this.#at };
  }
}

const tagOf = ({ headers }: Response) => headers.get('ETag') ?? headers.get('Last-Modified') ?? undefined;
