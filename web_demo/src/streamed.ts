/** A file that comes as it is needed: so many bytes of it now, and more later. */

/** Opens the bytes from `from` up to `end`; `at` says where what it gives begins, as some hosts always give all. */
export type Opener = (
  from: number,
  end: number,
  signal: AbortSignal,
) => Promise<{ body: ReadableStream<Uint8Array>; at: number }>;

export class Streamed {
  /** Bytes that are here, from the file's first on. */
  size = 0;
  #held = new Uint8Array(1 << 14);
  #wanted = 0;
  #isWhole = false;
  #loading: Promise<void> | undefined;
  #grown = signal();

  /** `head` are bytes of the file that are here already. */
  constructor(
    private readonly open: Opener,
    head = new Uint8Array(),
  ) {
    this.#append(head);
  }

  prefix(end: number): Uint8Array {
    return this.#held.subarray(0, Math.min(end, this.size));
  }

  /** Fetches up to byte `end`, as far as it is not here, without waiting for it. */
  want(end: number): void {
    this.#wanted = Math.max(this.#wanted, end);
    if (this.size < this.#wanted && !this.#isWhole) this.#load().catch(() => undefined);
  }

  /** Yields how many bytes are here, `end` at most, whenever there are more; a shorter file ends sooner. */
  async *until(end: number): AsyncGenerator<number, void, void> {
    this.want(end);
    for (let told = 0; told < end; ) {
      if (this.size > told) {
        told = Math.min(this.size, end);
        yield told;
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

  /** Reads all that is wanted by now, and lets go of the rest. */
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

/** Something to wait for. */
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

/** A host that knows ranges gives just what it is asked for; another one gives all, from the start. */
export const siteOpener =
  (url: URL): Opener =>
  async (from, end, signal) => {
    const headers = { Range: `bytes=${from}-${end - 1}` };
    const response = await fetch(url, { headers, signal, priority: 'high' });
    if (!response.ok || !response.body)
      throw new Error(`${url.pathname.split('/').at(-1)} answered ${response.status}.`);
    return { body: response.body, at: response.status === 206 ? from : 0 };
  };
