/**
 * Downloads a file up to where it is needed. A stopped download resumes with a Range request or, if the host does not support
 * these or the file has changed, with the whole file.
 */
import { concat } from './bytes.ts';
import { ModelError } from './model_error.ts';

export interface Part {
  bytes: Uint8Array;
  /** Whether these are the file's first bytes: of a new download, or of a file that has been replaced. */
  isFirst: boolean;
}

/** A response of the host. */
interface Answer {
  body: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined;
  /** Offset in the file at which the requested range ends; infinite for the whole file. */
  end: number;
  /** How many of its next bytes were received earlier and are skipped. */
  known: number;
}

export class Download {
  /** Bytes received, including those received twice. */
  taken = 0;
  /** Offset in the file of the next part. */
  #at = 0;
  /** ETag or date of the file, which tells its versions apart. */
  #tag: string | undefined;
  #answer: Answer | undefined;
  #stop = new AbortController();

  constructor(
    private readonly address: string,
    /** The file's name in error messages. */
    private readonly name: string,
  ) {}

  /**
   * Returns the next bytes, or undefined at the file's end, or where `end` has been reached. Throws a ModelError if the host has no
   * such file or the connection breaks off, and an AbortError if `stop` is called.
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

  /** Returns all remaining bytes, with `first` in front. */
  async rest(first?: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    const parts = first ? [first] : [];
    for (let part = await this.next(); part; part = await this.next()) parts.push(part.bytes);
    return concat(parts);
  }

  /** Aborts the current request. */
  stop(): void {
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#answer = undefined;
  }

  /** Returns the next new bytes of a response, possibly none; undefined at its end. */
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
    const response = await fetch(this.address, { signal }).catch(() => undefined);
    signal.throwIfAborted();
    if (!response) throw new ModelError(`${this.name} could not be fetched.`);
    if (!response.ok) throw new ModelError(`${this.name} answered ${response.status}.`);
    return this.#whole(response);
  }

  /** Requests the bytes from here to `end`. Returns a response with them or with the whole file; undefined if that fails. */
  async #askForRange(end: number, signal: AbortSignal): Promise<Response | undefined> {
    const last = Number.isFinite(end) ? end - 1 : '';
    const headers: Record<string, string> = { Range: `bytes=${this.#at}-${last}` };
    // To another origin, this header would cost a CORS preflight request.
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

  /** Takes a response with the whole file; known bytes are skipped if the file is certainly the same. */
  #whole(response: Response): Answer {
    const tag = tagOf(response);
    if (tag === undefined || tag !== this.#tag) this.#at = 0;
    this.#tag = tag;
    return { body: response.body?.getReader(), end: Number.POSITIVE_INFINITY, known: this.#at };
  }
}

const tagOf = ({ headers }: Response) => headers.get('ETag') ?? headers.get('Last-Modified') ?? undefined;
