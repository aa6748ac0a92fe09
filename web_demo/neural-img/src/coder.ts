/**
 * The entropy decoder of `.anir` files: the WebAssembly module of assembly/coder, with an instance for each stream.
 *
 * The Python package has the same module; docs/format.md describes what it decodes.
 */
import { ModelError } from './model_error.ts';

type Function = (...addressesAndSizes: number[]) => number;
type Names = 'bits' | 'check' | 'create' | 'extend' | 'keep' | 'kept' | 'level' | 'restore' | 'room';
type Exports = Record<Names | 'startDecoding' | 'symbols' | 'values', Function> & {
  memory: WebAssembly.Memory;
};

/** Decisions that a picture's streams may have besides 1,024 for each of their bytes: this limit bounds the decoding time. */
export const MOST_DECISIONS = 2 ** 23;
const PAGE = 65536;

/** The decoder of one stream, with the coefficients known so far and the probability models. */
export class Coder {
  readonly #run: Exports;
  readonly #coefficients: number;
  // Addresses from `room` on: the coefficients, the state that `keep` saves, and the stream.
  readonly #known: number;
  readonly #kept: number;
  readonly #stream: number;
  #length = 0;

  /**
   * Takes memory for rows × columns cells of pitch² frequencies in each plane; the stream may have `decisions` decisions, and 1,024
   * more for each of its bytes. Throws a ModelError if there is not enough memory.
   */
  constructor(
    module: WebAssembly.Module,
    rows: number,
    columns: number,
    planes: number,
    pitch: number,
    private readonly decisions = MOST_DECISIONS,
  ) {
    this.#run = new WebAssembly.Instance(module).exports as unknown as Exports;
    if (!this.#run.create(rows, columns, planes, pitch)) throw tooLarge();
    this.#coefficients = rows * columns * planes * pitch ** 2;
    // Addresses are unsigned.
    this.#known = this.#run.room() >>> 0;
    this.#kept = this.#known + 4 * this.#coefficients;
    this.#stream = this.#kept + (this.#run.kept() >>> 0);
  }

  /** Starts decoding a stream, of which `data` are the first bytes. */
  decode(data: Uint8Array): void {
    this.#append(data);
    this.#run.startDecoding(this.#stream, data.length, this.decisions);
  }

  /** Takes more bytes of the stream. */
  feed(data: Uint8Array): void {
    this.#append(data);
    this.#run.extend(this.#length);
  }

  /** Decodes a number of `many` plain bits, at most 32, which are coded with probability ½. */
  bits(many: number): number {
    return this.#run.bits(0, many) >>> 0;
  }

  /** Decodes `count` numbers of `many` bits, at most 8, with the adaptive probabilities of group 0 to 255. */
  symbols(group: number, many: number, count: number): Uint8Array {
    const at = this.#stream + this.#length;
    this.#reserve(at + count);
    this.#run.symbols(at, count, many, group);
    return new Uint8Array(this.#run.memory.buffer, at, count).slice();
  }

  /** Decodes a level's coefficients, given its width (see `LevelStep`); returns whether the bytes and the allowed decisions sufficed. */
  level(width: number): boolean {
    return this.#run.level(width, 0) !== 0;
  }

  /** Decodes the digest, 10 bits that depend on all decisions so far; returns whether it is right. */
  check(): boolean {
    return this.#run.check() !== 0;
  }

  /** The coefficients as far as they are known, in units, [rows, columns, planes, pitch, pitch]. */
  values(): Int32Array<ArrayBuffer> {
    this.#reserve(this.#kept);
    this.#run.values(this.#known);
    return new Int32Array(this.#run.memory.buffer as ArrayBuffer, this.#known, this.#coefficients).slice();
  }

  /** Saves the state of the decoder: the coefficients and the models. */
  keep(): void {
    this.#reserve(this.#stream);
    this.#run.keep(this.#kept);
  }

  /** Returns to the state saved by `keep`. */
  restore(): void {
    this.#run.restore(this.#kept);
  }

  #append(data: Uint8Array): void {
    const at = this.#stream + this.#length;
    this.#length += data.length;
    this.#reserve(at + data.length);
    new Uint8Array(this.#run.memory.buffer).set(data, at);
  }

  /** Grows the memory if it ends before address `end`. */
  #reserve(end: number): void {
    const missing = end - this.#run.memory.buffer.byteLength;
    if (missing <= 0) return;
    try {
      this.#run.memory.grow(Math.ceil(missing / PAGE));
    } catch {
      throw tooLarge();
    }
  }
}

const tooLarge = () => new ModelError('This picture needs too much memory.');
