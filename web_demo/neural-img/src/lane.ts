/** One worker and what it was asked. */
import type { Header } from './anir_header.ts';
import { ModelError } from './model_error.ts';
import type { ModelInfo } from './network.ts';

/** What a worker is asked; `Plan` is what opening a file gives that other workers need not work out again. */
export interface Request<Plan = unknown> {
  id: number;
  /** One of them comes when the picture is another than that of the request before. */
  file?: Uint8Array;
  plan?: Plan;
  /** Of a file with several levels, which one to open; the last one by default. */
  level?: number;
  /** What to decode; without it the picture is only opened. */
  grid?: { x: Float32Array; y: Float32Array; spacing: [number, number] };
  /** Something to do with a file that comes piece by piece; the picture that is open stays so. */
  piece?: Piece;
}

/** What a stream of a file is to take or to give. */
export interface Piece {
  /** The stream's number. */
  stream: number;
  /** How many of its bytes were sent before; a stream begins at 0. */
  at: number;
  /** Those that come next. */
  bytes?: Uint8Array<ArrayBuffer>;
  /** The level whose plan is asked for, the last whole one with what has come of the next, or what can be seen before the first. */
  level?: number | 'refined' | 'preview';
  /** Whether the stream is to be forgotten. */
  close?: true;
}

export type Answer<Plan = unknown> =
  | {
      id: number;
      info?: ModelInfo;
      plan?: Plan;
      pixels?: Uint8ClampedArray<ArrayBuffer>;
      /** Of a stream: its header, if it has come, and the number of levels that have come whole. */
      header?: Header;
      available?: number;
    }
  /** `fatal`: the worker cannot be trusted any more. */
  | { id: number; error: string; fatal: boolean };

/** How pictures are decoded: starts workers that answer requests. */
export interface Engine {
  /**
   * Starts one of so many workers of a decoder. The first one alone is asked for files; it may post numbers of others, each with a
   * port that these are to be given. Throws a ModelError if this browser cannot run one.
   */
  start(workers: number): Promise<Worker>;
}

/** A file, or what the first worker made of it. */
export interface Source {
  file?: Uint8Array;
  level?: number;
  plan?: unknown;
}

export type Done = Exclude<Answer, { error: string }>;

interface Pending {
  resolve(answer: Done): void;
  reject(error: Error): void;
  timer: ReturnType<typeof setTimeout>;
}

/** For one answer, those asked before included, of which there are two at most. */
const TIME_LIMIT = 30_000;

/** Started when it is first needed. */
export class Lane {
  #worker: Promise<Worker> | undefined;
  #loaded: Source | undefined;
  #pending = new Map<number, Pending>();
  #lastId = 0;

  /** One of all that a decoder has. */
  constructor(
    private readonly engine: Engine,
    private readonly all: readonly Lane[],
  ) {}

  /** Opens the picture and, with a grid, decodes there. */
  async open(source: Source, grid?: Request['grid']): Promise<Done> {
    const worker = await this.start();
    // The worker answers in order, so it still holds the picture of the request before this one.
    const isLoaded = this.#loaded === source;
    this.#loaded = source;
    const { plan, ...file } = source;
    return this.#ask(worker, { ...(grid && { grid }), ...(!isLoaded && (plan ? { plan } : file)) });
  }

  /** Goes on with a file that comes piece by piece. */
  async take(piece: Piece): Promise<Done> {
    return this.#ask(await this.start(), { piece });
  }

  /** Gives the worker a port through which another one has it decode strips (help.ts). */
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
      const timer = setTimeout(() => this.#abandon('The decoder took too long and was stopped.'), TIME_LIMIT);
      this.#pending.set(request.id, { resolve, reject, timer });
    });
  }

  start(): Promise<Worker> {
    this.#worker ??= this.#start();
    return this.#worker;
  }

  async #start(): Promise<Worker> {
    try {
      const worker = await this.engine.start(this.all.length);
      worker.addEventListener('message', ({ data, ports: [port] }: MessageEvent) => {
        if (port) this.all[data]?.help(port);
        else this.#settle(data);
      });
      worker.addEventListener('error', () => this.#abandon('The decoder stopped in this browser.'));
      return worker;
    } catch (error) {
      this.#worker = undefined;
      throw error;
    }
  }

  #settle(answer: Answer): void {
    const pending = this.#pending.get(answer.id);
    this.#pending.delete(answer.id);
    clearTimeout(pending?.timer);
    if (!('error' in answer)) {
      pending?.resolve(answer);
      return;
    }
    // The worker may have lost its picture, so the next request brings it along.
    this.#loaded = undefined;
    pending?.reject(new ModelError(answer.error, answer.fatal));
    if (answer.fatal) this.#abandon(answer.error);
  }

  /** Lets the worker go with all that it was asked; the next request starts a fresh one. */
  #abandon(reason: string): void {
    void this.#worker?.then((worker) => worker.terminate());
    this.#worker = this.#loaded = undefined;
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(new ModelError(reason, true));
    }
    this.#pending.clear();
  }
}
