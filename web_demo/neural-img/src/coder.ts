/**
 * The entropy decoder of `.anir` files: the WebAssembly of assembly/coder.ts, one instance and memory for each file.
 *
 * It is the module that the Python package carries, too; docs/format.md tells what it does.
 */
import { ModelError } from './model_error.ts';

type Function = (...addressesAndSizes: number[]) => number;
type Names = 'bits' | 'check' | 'create' | 'extend' | 'keep' | 'kept' | 'level' | 'restore' | 'room';
type Exports = Record<Names | 'startDecoding' | 'symbols' | 'values', Function> & {
  memory: WebAssembly.Memory;
};

/** Decisions that a stream may have, beside 1,024 for each of its bytes: others would take long. */
export const MOST_DECISIONS = 2 ** 23;
const PAGE = 65536;

/** What is known of the coefficients of a picture's lapped transform, and the models of their codes. */
export class Coder {
  readonly #run: Exports;
  readonly #coefficients: number;
  // From `room` on, memory has coefficients that are known, what is kept, and the stream.
  readonly #known: number;
  readonly #kept: number;
  readonly #stream: number;
  #length = 0;

  /**
   * For so many rows and columns of cells, of so many planes and pitch² frequencies each; so many decisions are allowed, and 1,024
   * more for each byte. Throws a ModelError if there is not as much memory.
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

  /** Begins to decode a stream, or what there is of it. */
  decode(data: Uint8Array): void {
    this.#append(data);
    this.#run.startDecoding(this.#stream, data.length, this.decisions);
  }

  /** Takes more bytes of the stream. */
  feed(data: Uint8Array): void {
    this.#append(data);
    this.#run.extend(this.#length);
  }

  /** A number of so many bits, at most 32, that was coded as it is. */
  bits(many: number): number {
    return this.#run.bits(0, many) >>> 0;
  }

  /** So many numbers of `many` bits, at most 8, that were coded by how often such occurred in their group, 0 to 255. */
  symbols(group: number, many: number, count: number): Uint8Array {
    const at = this.#stream + this.#length;
    this.#reserve(at + count);
    this.#run.symbols(at, count, many, group);
    return new Uint8Array(this.#run.memory.buffer, at, count).slice();
  }

  /** Decodes what intervals of such a width tell of the coefficients (see `Step`); whether the bytes sufficed. */
  level(width: number): boolean {
    return this.#run.level(width, 0) !== 0;
  }

  /** Decodes 10 bits that all decisions so far decide; whether they are right. */
  check(): boolean {
    return this.#run.check() !== 0;
  }

  /** What is known of the coefficients, [rows, columns, planes, pitch, pitch]. */
  values(): Int32Array<ArrayBuffer> {
    this.#reserve(this.#kept);
    this.#run.values(this.#known);
    return new Int32Array(this.#run.memory.buffer as ArrayBuffer, this.#known, this.#coefficients).slice();
  }

  /** Keeps all that is known and learned. */
  keep(): void {
    this.#reserve(this.#stream);
    this.#run.keep(this.#kept);
  }

  /** Goes back to what was kept. */
  restore(): void {
    this.#run.restore(this.#kept);
  }

  #append(data: Uint8Array): void {
    const at = this.#stream + this.#length;
    this.#length += data.length;
    this.#reserve(at + data.length);
    new Uint8Array(this.#run.memory.buffer).set(data, at);
  }

  /** Grows memory up to an address. */
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

const tooLarge = () => new ModelError('This picture needs more memory than the decoder can get.');
