/** The WebAssembly module that does the arithmetic of drawing (assembly/kernel), and its memory. */
import { ModelError } from './model_error.ts';

/** A matrix at address `at` of the kernel's memory, in panels of eight rows: [rows / 8][columns][8] (assembly/kernel/products.ts). */
export interface Matrix {
  at: number;
  rows: number;
  columns: number;
}

/**
 * Draws RGBA samples at the columns x and the rows y, which are `spacing` native pixels apart (across, down), by default 1. If that is
 * more than 1, families that can do so average over the area of each sample (docs/decoding.md).
 */
export type Draw = (
  x: Float32Array,
  y: Float32Array,
  spacing?: readonly [number, number],
) => Uint8ClampedArray<ArrayBuffer>;

type Function = (...addressesAndSizes: number[]) => number;
type Names =
  | 'coefficients'
  | 'decode'
  | 'fillSlots'
  | 'inputs'
  | 'multiply'
  | 'normalize'
  | 'pixels'
  | 'sines'
  | 'subtract'
  | 'waves';
type Exports = Record<Names, Function> & { memory: WebAssembly.Memory };

/** Bytes of eight floats side by side. */
export const PANEL = 32;
/** Address of eight zeros. */
export const ZEROS = 64;
/** Address of eight ones. */
export const ONES = 96;
/** First free address, after the module's own constants, which begin at 1024. */
const FIRST = 1088;
const PAGE = 65536;

/** An instance of the module, whose memory is a stack: `take` allocates on its top. */
export class Kernel {
  /** The functions of assembly/kernel. */
  readonly run: Exports;
  #top = FIRST;

  constructor(module: WebAssembly.Module) {
    this.run = new WebAssembly.Instance(module).exports as unknown as Exports;
    this.floats(ONES, 8).fill(1);
  }

  /** Frees all memory. */
  clear(): void {
    this.#top = FIRST;
  }

  /** Calls `use`, and frees all memory that it has taken. */
  scope<T>(use: () => T): T {
    const top = this.#top;
    try {
      return use();
    } finally {
      this.#top = top;
    }
  }

  /** Wraps `make` so that its last result and the memory it took are reused until other columns or options are asked for. */
  keeping<O, T>(make: (x: Float32Array, options: O) => T): (x: Float32Array, options: O) => T {
    const base = this.#top;
    let kept: { x: Float32Array; key: string; value: T } | undefined;
    return (x, options) => {
      const key = String(JSON.stringify(options));
      if (kept?.key === key && isSame(kept.x, x)) return kept.value;
      kept = undefined;
      this.#top = base;
      kept = { x, key, value: make(x, options) };
      return kept.value;
    };
  }

  /** Allocates memory for some floats, which is not cleared, and returns its address. */
  take(floats: number): number {
    const at = this.#top;
    this.#top += Math.ceil(floats / 16) * 64;
    const missing = this.#top - this.run.memory.buffer.byteLength;
    if (missing <= 0) return at;
    try {
      this.run.memory.grow(Math.ceil(missing / PAGE));
    } catch {
      throw new ModelError('This picture needs too much memory.', true);
    }
    return at;
  }

  /** A view of the memory, valid until more is taken. */
  floats(at: number, count: number): Float32Array<ArrayBuffer> {
    return new Float32Array(this.run.memory.buffer as ArrayBuffer, at, count);
  }

  /** Copies values into the memory and returns their address. */
  put(values: ArrayBufferView): number {
    const at = this.take(Math.ceil(values.byteLength / 4));
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    new Uint8Array(this.run.memory.buffer).set(bytes, at);
    return at;
  }

  /** Writes a matrix, padded with zero rows to a multiple of eight. */
  matrix(rows: number, columns: number, value: (row: number, column: number) => number): Matrix {
    const count = Math.ceil(rows / 8) * 8 * columns;
    const at = this.take(count);
    const data = this.floats(at, count).fill(0);
    for (let row = 0; row < rows; row++)
      for (let column = 0, to = (row >> 3) * 8 * columns + (row & 7); column < columns; column++, to += 8)
        data[to] = value(row, column);
    return { at, rows, columns };
  }

  /** Returns the RGBA pixels that `draw` writes at the address `at`, with rows `pitch` bytes apart, in whole panels of eight pixels. */
  picture(width: number, height: number, draw: (at: number, pitch: number) => void) {
    return this.scope(() => {
      const pitch = Math.ceil(width / 8) * PANEL;
      const at = this.take((height * pitch) / 4);
      draw(at, pitch);
      const [drawn, pixels] = [
        new Uint8Array(this.run.memory.buffer, at),
        new Uint8ClampedArray(width * height * 4),
      ];
      for (let row = 0; row < height; row++)
        pixels.set(drawn.subarray(row * pitch, row * pitch + width * 4), row * width * 4);
      return pixels;
    });
  }
}

const isSame = (a: Float32Array, b: Float32Array) => a.length === b.length && a.every((v, k) => v === b[k]);
