/** The strips of a large picture, each of which has a stream and a decoder of its own (docs/format.md, "Strips"). */
import { cellsOf, type Header } from './anir_header.ts';
import { Coder, MOST_DECISIONS } from './coder.ts';
import { Segments, stripStarts } from './segments.ts';

/** MOST_DECISIONS are divided equally among a picture's strips, but each strip may have at least this many. */
const LEAST_DECISIONS = 2 ** 20;

/** Strips from index `from` up to but excluding `to`, by default all up to the last. */
export type Range = [from: number, to?: number];

/** The decoded state of some strips. */
export interface Known {
  /** Number of levels whose digests are right in all of these strips. */
  right: number;
  /** Each strip's coefficients, [rows, columns, planes, pitch, pitch]. */
  values: Int32Array<ArrayBuffer>[];
}

/** Decoders for some or all strips of a picture, one `Coder` each, which take the same steps. */
export class Strips {
  #right = 0;
  #isRight = true;
  readonly #segments: Segments;
  readonly #coders: Coder[];

  /**
   * Starts decoding the strips of `range`, given the first bytes of the whole stream; cells have `pitch` frequencies along each axis.
   * Throws a ModelError if there is not enough memory.
   */
  constructor(
    module: WebAssembly.Module,
    header: Header,
    data: Uint8Array,
    private readonly range: Range = [0],
    pitch = header.pitch,
  ) {
    this.#segments = new Segments(header);
    const [columns] = cellsOf(header);
    const starts = stripStarts(header);
    const decisions = Math.max(Math.floor(MOST_DECISIONS / (starts.length - 1)), LEAST_DECISIONS);
    this.#coders = this.#share(data).map((own, i) => {
      const [start, end] = starts.slice(range[0] + i) as [number, number];
      const coder = new Coder(module, end - start, columns, header.colours, pitch, decisions);
      coder.decode(own);
      return coder;
    });
  }

  /** The decoder of the first of these strips; the picture's first strip has the side information in its stream. */
  get first(): Coder {
    return this.#coders[0] as Coder;
  }

  /** Takes more bytes of the whole stream. */
  feed(data: Uint8Array): void {
    this.#share(data).forEach((own, i) => void this.#coders[i]?.feed(own));
  }

  /** Decodes a level's coefficients (see `Coder.level`); returns whether each strip's bytes sufficed, in this and earlier levels. */
  level(width: number): boolean {
    this.#isRight &&= this.#coders.map((coder) => coder.level(width)).every(Boolean);
    return this.#isRight;
  }

  /** Decodes each strip's digest of the level; returns whether all are right, in this and earlier levels. */
  check(): boolean {
    this.#isRight &&= this.#coders.every((coder) => coder.check());
    if (this.#isRight) this.#right++;
    return this.#isRight;
  }

  known(): Known {
    return { right: this.#right, values: this.#coders.map((coder) => coder.values()) };
  }

  /** Saves the state of all decoders. */
  keep(): void {
    for (const coder of this.#coders) coder.keep();
  }

  /** Returns to the state saved by `keep`, in which nothing was damaged. */
  restore(): void {
    this.#isRight = true;
    for (const coder of this.#coders) coder.restore();
  }

  /** Drops the decoders. */
  end(): void {
    this.#coders.length = 0;
  }

  #share(data: Uint8Array): Uint8Array[] {
    return this.#segments.share(data).slice(...this.range);
  }
}
