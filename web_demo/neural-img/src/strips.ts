/** The strips of a large picture, each with a decoder of its own (docs/format.md, "Strips"). */
import type { Header } from './anir_header.ts';
import { Coder, MOST_DECISIONS } from './coder.ts';
import { Segments, stripStarts } from './segments.ts';

/** Of those decisions of a picture that need no bytes, a strip has its share, but so many at least. */
const LEAST_DECISIONS = 2 ** 20;

/** The first of some strips of a picture, and the one before which they end; the last one is theirs, too, by default. */
export type Range = [from: number, to?: number];

/** What is known of strips. */
export interface Known {
  /** How many levels were right. */
  right: number;
  /** Each strip's coefficients, [rows, columns, planes, pitch, pitch]. */
  values: Int32Array<ArrayBuffer>[];
}

/** What is known of the coefficients of a picture's lapped transform: a `Coder` for each of its strips. */
export class Strips {
  #right = 0;
  #isRight = true;
  readonly #segments: Segments;
  readonly #coders: Coder[];

  /**
   * Begins to decode the stream of a file with that header, or what there is of it, in `pitch` frequencies of a cell along an axis:
   * all strips, or those from one to before another. Throws a ModelError if there is not as much memory.
   */
  constructor(
    module: WebAssembly.Module,
    header: Header,
    data: Uint8Array,
    private readonly range: Range = [0],
    pitch = header.pitch,
  ) {
    this.#segments = new Segments(header);
    const columns = Math.ceil(header.size[0] / header.pitch);
    const starts = stripStarts(header);
    const decisions = Math.max(Math.floor(MOST_DECISIONS / (starts.length - 1)), LEAST_DECISIONS);
    this.#coders = this.#share(data).map((own, i) => {
      const [start, end] = starts.slice(range[0] + i) as [number, number];
      const coder = new Coder(module, end - start, columns, header.colours, pitch, decisions);
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
    this.#share(data).forEach((own, i) => void this.#coders[i]?.feed(own));
  }

  /** Decodes what a level tells of the coefficients (see `Coder.level`); whether all bytes sufficed. */
  level(width: number): boolean {
    this.#isRight &&= this.#coders.map((coder) => coder.level(width)).every(Boolean);
    return this.#isRight;
  }

  /** Decodes 10 bits of each strip that all its decisions so far decide; whether they are right. */
  check(): boolean {
    this.#isRight &&= this.#coders.every((coder) => coder.check());
    if (this.#isRight) this.#right++;
    return this.#isRight;
  }

  /** What is known. */
  known(): Known {
    return { right: this.#right, values: this.#coders.map((coder) => coder.values()) };
  }

  /** Keeps all that is known and learned. */
  keep(): void {
    for (const coder of this.#coders) coder.keep();
  }

  /** Goes back to what was kept, when all was right. */
  restore(): void {
    this.#isRight = true;
    for (const coder of this.#coders) coder.restore();
  }

  /** Forgets all. */
  end(): void {
    this.#coders.length = 0;
  }

  #share(data: Uint8Array): Uint8Array[] {
    return this.#segments.share(data).slice(...this.range);
  }
}
