/** One worker, its pending requests, and the messages between it and the page. */
import type { Header } from './anir_header.ts';
import { ModelError } from './model_error.ts';
import type { ModelInfo } from './network.ts';

/** A request to a worker. A plan is the result of opening a file: workers that are sent it need not decode the file again. */
export interface Request<Plan = unknown> {
  id: number;
  /** The file or its plan, unless the picture is that of the previous request. */
  file?: Uint8Array;
  plan?: Plan;
  /** Of a file with several levels, the one to open, counted from 0; the last complete one by default. */
  level?: number;
  /** Coordinates to decode at, and native pixels between samples (across, down); without it the picture is only opened. */
  grid?: { x: Float32Array; y: Float32Array; spacing: [number, number] };
  /** A request about a file that arrives piece by piece; it leaves the open picture as it is. */
  piece?: Piece;
}

/** A request about a stream: bytes to take, a picture to return, or both. */
export interface Piece {
  /** The stream's number. */
  stream: number;
  /** How many of its bytes were sent before; 0 in a new stream. */
  at: number;
  /** The next bytes. */
  bytes?: Uint8Array<ArrayBuffer>;
  /**
   * The picture whose plan to return: a level, counted from 0; `refined`, the last complete level refined by what has arrived of the
   * next; or `preview`, what can be shown before the first level is complete.
   */
  level?: number | 'refined' | 'preview';
  /** Whether to close the stream, so that the worker forgets it. */
  close?: true;
}

export type Answer<Plan = unknown> =
  | {
      id: number;
      info?: ModelInfo;
      plan?: Plan;
      pixels?: Uint8ClampedArray<ArrayBuffer>;
      /** Of a stream: its header, once complete. */
      header?: Header;
      /** Of a stream: the number of levels that are complete. */
      available?: number;
    }
  /** `fatal`: the worker has to be replaced. */
  | { id: number; error: string; fatal: boolean };

/** How pictures are decoded: starts workers that answer requests. */
export interface Engine {
  /**
   * Starts one of a decoder's `workers` workers. The first one opens all pictures; the others get its plan, or the file if it has
   * made none. The first may post the index of another one, with a port for it. Throws a ModelError if this browser cannot run one.
   */
  start(workers: number): Promise<Worker>;
}

/** A picture: a file, or the plan that the first worker made of it. */
export interface Source {
  file?: Uint8Array;
  level?: number;
  plan?: unknown;
}

/** An answer without an error. */
type Done = Exclude<Answer, { error: string }>;

interface Pending {
  resolve(answer: Done): void;
  reject(error: Error): void;
}

/** Milliseconds that an answer may take after the one before it. */
const TIME_LIMIT = 30_000;
const CLOSED = 'The decoder was closed.';

/** A worker, started when it is first needed and replaced after a failure. */
export class Lane {
  #worker: Promise<Worker> | undefined;
  /** The picture of the last request. */
  #loaded: Source | undefined;
  #pending = new Map<number, Pending>();
  /** Runs out when the worker takes too long. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastId = 0;
  #isEnded = false;

  constructor(
    private readonly engine: Engine,
    /** All lanes of the decoder, including this one. */
    private readonly all: readonly Lane[],
  ) {}

  /** Opens the picture and, if there is a grid, decodes it there. */
  async open(source: Source, grid?: Request['grid']): Promise<Done> {
    const worker = await this.start();
    // The worker answers in order, so by then the picture of the previous request is the open one.
    const isLoaded = this.#loaded === source;
    this.#loaded = source;
    const { plan, ...file } = source;
    return this.#ask(worker, { ...(grid && { grid }), ...(!isLoaded && (plan ? { plan } : file)) });
  }

  /** Sends a request about a file that arrives piece by piece. */
  async take(piece: Piece): Promise<Done> {
    return this.#ask(await this.start(), { piece });
  }

  /** Gives the worker a port through which another worker asks it to decode strips (help.ts). */
  help(port: MessagePort): void {
    this.start().then(
      (worker) => worker.postMessage({}, [port]),
      () => port.postMessage(undefined),
    );
  }

  #ask(worker: Worker, question: Omit<Request, 'id'>): Promise<Done> {
    const request: Request = { id: ++this.#lastId, ...question };
    worker.postMessage(request, question.piece?.bytes ? [question.piece.bytes.buffer] : []);
    return new Promise((resolve, reject) => {
      this.#pending.set(request.id, { resolve, reject });
      if (this.#pending.size === 1) this.#watch();
    });
  }

  /** Gives the worker, from now on, its time for the next answer, if any is pending. */
  #watch(): void {
    clearTimeout(this.#timer);
    if (this.#pending.size === 0) return;
    this.#timer = setTimeout(() => this.#close('The decoder took too long and was stopped.'), TIME_LIMIT);
  }

  /** Starts the worker unless it runs already. */
  start(): Promise<Worker> {
    this.#worker ??= this.#start();
    return this.#worker;
  }

  async #start(): Promise<Worker> {
    try {
      const worker = this.#isEnded ? undefined : await this.engine.start(this.all.length);
      // It may have been ended meanwhile.
      if (!worker || this.#isEnded) {
        worker?.terminate();
        throw new ModelError(CLOSED);
      }
      worker.addEventListener('message', ({ data, ports: [port] }: MessageEvent) => {
        if (port) this.all[data]?.help(port);
        else this.#settle(data);
      });
      worker.addEventListener('error', () => this.#close('The decoder stopped in this browser.'));
      return worker;
    } catch (error) {
      this.#worker = undefined;
      throw error;
    }
  }

  #settle(answer: Answer): void {
    const pending = this.#pending.get(answer.id);
    this.#pending.delete(answer.id);
    this.#watch();
    if (!('error' in answer)) {
      pending?.resolve(answer);
      return;
    }
    // The worker may have no open picture now, so the next request has to send it.
    this.#loaded = undefined;
    pending?.reject(new ModelError(answer.error, answer.fatal));
    if (answer.fatal) this.#close(answer.error);
  }

  /** Like `#close`, but all later requests are rejected, too. */
  end(): void {
    this.#isEnded = true;
    this.#close(CLOSED);
  }

  /** Terminates the worker and rejects its pending requests; the next request starts a new one. */
  #close(reason: string): void {
    this.#worker?.then(
      (worker) => worker.terminate(),
      () => {},
    );
    this.#worker = this.#loaded = undefined;
    for (const { reject } of this.#pending.values()) reject(new ModelError(reason, true));
    this.#pending.clear();
    this.#watch();
  }
}
