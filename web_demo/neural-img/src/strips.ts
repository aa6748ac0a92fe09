/** The strips of a large picture, each with a decoder of its own (docs/format.md, "Strips"). */
import type { Header } from './anir_header.ts';
import { Coder, MOST_DECISIONS } from './coder.ts';
import { Segments, stripStarts } from './segments.ts';

/** Of those decisions of a picture that need no bytes, a strip has its share, but so many at least. */
const LEAST_DECISIONS = 2 ** 20;

/** What is known of the coefficients of a picture's lapped transform: a `Coder` for each of its strips. */
export class Strips {
  readonly #segments: Segments;
  readonly #coders: Coder[];
  readonly #coefficients: number;

  /**
   * For the stream of a file with that header; `pitch` frequencies of a cell along an axis are decoded. Throws a ModelError if
   * there is not as much memory.
   */
  constructor(module: WebAssembly.Module, header: Header, pitch = header.pitch) {
    this.#segments = new Segments(header);
    const columns = Math.ceil(header.size[0] / header.pitch);
    const starts = stripStarts(header);
    this.#coefficients = (starts.at(-1) as number) * columns * header.colours * pitch ** 2;
    const decisions = Math.max(Math.floor(MOST_DECISIONS / (starts.length - 1)), LEAST_DECISIONS);
    this.#coders = starts
      .slice(1)
      .map(
        (end, i) => new Coder(module, end - (starts[i] as number), columns, header.colours, pitch, decisions),
      );
  }

  /** The decoder of the first strip, in whose stream is all that is no coefficient, too. */
  get first(): Coder {
    return this.#coders[0] as Coder;
  }

  /** Begins to decode a file's stream, or what there is of it. */
  decode(data: Uint8Array): void {
    this.#segments.share(data).forEach((own, i) => void this.#coders[i]?.decode(own));
  }

  /** Takes more bytes of the stream. */
  feed(data: Uint8Array): void {
    this.#segments.share(data).forEach((own, i) => void this.#coders[i]?.feed(own));
  }

  /** Decodes what a level tells of the coefficients (see `Coder.level`); whether all bytes sufficed. */
  level(width: number, factor: number): boolean {
    return this.#coders.map((coder) => coder.level(width, factor)).every(Boolean);
  }

  /** Decodes 10 bits of each strip that all its decisions so far decide; whether they are right. */
  check(): boolean {
    return this.#coders.every((coder) => coder.check());
  }

  /** What is known of the coefficients, [rows, columns, planes, pitch, pitch]. */
  values(): Int32Array {
    const values = new Int32Array(this.#coefficients);
    let at = 0;
    for (const coder of this.#coders) {
      const own = coder.values();
      values.set(own, at);
      at += own.length;
    }
    return values;
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
