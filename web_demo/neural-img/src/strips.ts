/** The strips of a large picture, each with a decoder of its own (docs/format.md, "Strips"). */
import type { Header } from './anir_header.ts';
import { concat } from './bytes.ts';
import { Coder, MOST_DECISIONS } from './coder.ts';
import { Segments, stripStarts } from './segments.ts';

/** Of those decisions of a picture that need no bytes, a strip has its share, but so many at least. */
const LEAST_DECISIONS = 2 ** 20;

/** What is known of the coefficients of a picture's lapped transform: a `Coder` for each of its strips. */
export class Strips {
  readonly #segments: Segments;
  readonly #coders: Coder[];

  /**
   * Begins to decode the stream of a file with that header, or what there is of it, in `pitch` frequencies of a cell along an axis.
   * Throws a ModelError if there is not as much memory.
   */
  constructor(module: WebAssembly.Module, header: Header, data: Uint8Array, pitch = header.pitch) {
    this.#segments = new Segments(header);
    const columns = Math.ceil(header.size[0] / header.pitch);
    const starts = stripStarts(header);
    this.#coders = this.#segments.share(data).map((own, i, { length }) => {
      const rows = (starts[i + 1] as number) - (starts[i] as number);
      const decisions = Math.max(Math.floor(MOST_DECISIONS / length), LEAST_DECISIONS);
      const coder = new Coder(module, rows, columns, header.colours, pitch, decisions);
      coder.decode(own);
      return coder;
    });
  }

  /** The decoder of the first strip, in whose stream is all that is no coefficient, too. */
  get first(): Coder {
    return this.#coders[0] as Coder;
  }

  /** Takes more bytes of the stream. */
  feed(data: Uint8Array): void {
    this.#segments.share(data).forEach((own, i) => void this.#coders[i]?.feed(own));
  }

  /** Decodes what a level tells of the coefficients (see `Coder.level`); whether all bytes sufficed. */
  level(width: number): boolean {
    return this.#coders.map((coder) => coder.level(width)).every(Boolean);
  }

  /** Decodes 10 bits of each strip that all its decisions so far decide; whether they are right. */
  check(): boolean {
    return this.#coders.every((coder) => coder.check());
  }

  /** What is known of the coefficients, [rows, columns, planes, pitch, pitch]. */
  values(): Int32Array {
    const parts = this.#coders.map((coder) => new Uint8Array(coder.values().buffer));
    return new Int32Array(concat(parts).buffer);
  }

  /** Keeps all that is known and learned. */
  keep(): void {
    for (const coder of this.#coders) coder.keep();
  }

  /** Goes back to what was kept. */
  restore(): void {
    for (const coder of this.#coders) coder.restore();
  }
}
