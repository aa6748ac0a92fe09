/** A file that is fetched from its beginning as far as it is needed, and further later on. */

import { fetchFile } from './site_file.ts';

/** Opens the bytes from `from` up to `end`; `at` is the offset at which the body begins, as some hosts always send the whole file. */
export type Opener = (
  from: number,
  end: number,
  signal: AbortSignal,
) => Promise<{ body: ReadableStream<Uint8Array>; at: number }>;

export class Streamed {
  /** Number of the file's first bytes that have arrived. */
  size = 0;
  #held = new Uint8Array(1 << 14);
  #wanted = 0;
  #isWhole = false;
  #loading: Promise<void> | undefined;
  #grown = signal();

  /** `head` holds the file's first bytes, if they are known already. */
  constructor(
    private readonly open: Opener,
    head = new Uint8Array(),
  ) {
    this.#append(head);
  }

  /** The first `end` bytes, or all that have arrived. */
  prefix(end: number): Uint8Array {
    return this.#held.subarray(0, Math.min(end, this.size));
  }

  /** Starts fetching the bytes up to `end` that have not arrived, without waiting for them. */
  want(end: number): void {
    this.#wanted = Math.max(this.#wanted, end);
    if (this.size < this.#wanted && !this.#isWhole) this.#load().catch(() => undefined);
  }

  /** Yields the number of bytes that have arrived, up to `end`, whenever it grows; stops sooner if the file is shorter. */
  async *until(end: number): AsyncGenerator<number, void, void> {
    this.want(end);
    for (let known = 0; known < end; ) {
      if (this.size > known) {
        known = Math.min(this.size, end);
        yield known;
      } else if (this.#isWhole) {
        return;
      } else {
        await Promise.race([this.#load(), this.#grown.promise]);
      }
    }
  }

  #load(): Promise<void> {
    this.#loading ??= this.#read().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  /** Reads the bytes wanted so far, and aborts the rest of the response. */
  async #read(): Promise<void> {
    const stop = new AbortController();
    const end = this.#wanted;
    const { body, at } = await this.open(this.size, end, stop.signal);
    const reader = body.getReader();
    let surplus = this.size - at;
    while (this.size < end) {
      const { done, value } = await reader.read();
      if (done) {
        this.#isWhole = true;
        break;
      }
      this.#append(value.subarray(Math.min(surplus, value.length)));
      surplus = Math.max(0, surplus - value.length);
    }
    reader.cancel().catch(() => undefined);
    stop.abort();
  }

  #append(chunk: Uint8Array): void {
    if (this.size + chunk.length > this.#held.length) {
      const larger = new Uint8Array(Math.max(2 * this.#held.length, this.size + chunk.length));
      larger.set(this.#held.subarray(0, this.size));
      this.#held = larger;
    }
    this.#held.set(chunk, this.size);
    this.size += chunk.length;
    this.#grown.fire();
    this.#grown = signal();
  }
}

/** A promise, and a function that resolves it. */
function signal(): { promise: Promise<void>; fire(): void } {
  let fire = () => {};
  const promise = new Promise<void>((resolve) => {
    fire = resolve;
  });
  return { promise, fire };
}

export const fileOpener =
  (file: Blob): Opener =>
  async (from, end) => ({ body: file.slice(from, end).stream(), at: from });

/** Opens a file on a host, which sends the whole file if it does not support Range requests. */
export const siteOpener =
  (url: URL): Opener =>
  async (from, end, signal) => {
    const headers = { Range: `bytes=${from}-${end - 1}` };
    const { body, status } = await fetchFile(url, { headers, signal, priority: 'high' });
    return { body: body ?? new Blob().stream(), at: status === 206 ? from : 0 };
  };
