/** The strips of large pictures, and the segments of their streams in a file (docs/format.md, "Strips"). */
import { cellsOf, type Header, hasLatents } from './anir_header.ts';
import { concat } from './bytes.ts';

/** Cells along a side of a block, over which means are transformed once more: strips consist of whole rows of blocks. */
const BLOCK = 8;
/** Where there are several strips, they have at least this many pixels on average. */
const LEAST_PIXELS = 2 ** 20;
const MOST_STRIPS = 32;
/** Bytes that a segment's length takes. */
const LENGTH_BYTES = 3;

/** The first row of cells of each strip, then the number of rows. A picture without coefficients is one strip without rows. */
export function stripStarts(header: Pick<Header, 'family' | 'size' | 'pitch'>): number[] {
  if (!hasLatents(header)) return [0, 0];
  const [columns, rows] = cellsOf(header);
  const blocks = Math.ceil(rows / BLOCK);
  const count = Math.max(
    1,
    Math.min(Math.floor((rows * columns * header.pitch ** 2) / LEAST_PIXELS), blocks, MOST_STRIPS),
  );
  return [...Array.from({ length: count }, (_, i) => BLOCK * Math.floor((blocks * i) / count)), rows];
}

/** Bytes of the segment lengths at the beginning of a level, either the first one or a later one. */
export const tableBytes = (header: Header, isFirst = false) =>
  LENGTH_BYTES * lengthsOf(stripStarts(header).length - 1, isFirst);

/** Number of lengths before a run of segments: one for each strip's means in the first level; elsewhere the last segment needs none. */
const lengthsOf = (strips: number, areMeans: boolean) => (areMeans && strips > 1 ? strips : strips - 1);

/** Distributes a stream's bytes to the strips as they arrive. */
export class Segments {
  /** Sizes in bytes of the levels that have not begun. */
  readonly #levels: number[];
  /** Bytes of the current level that are not assigned to a table or segment yet. */
  #left = 0;
  readonly #strips: number;
  /** Whether the current segments are those of the first level's means. */
  #areMeans: boolean;
  /** Bytes of the lengths that are being read; undefined while segments follow. */
  #table: number[] | undefined;
  /** Bytes still to arrive: of the lengths, then of each strip's segment. */
  #due: number[] = [];

  constructor(header: Header) {
    this.#levels = header.levels.map(({ end }, k) => end - (header.levels[k - 1]?.end ?? header.start));
    this.#strips = stripStarts(header).length - 1;
    this.#areMeans = this.#strips > 1;
  }

  /** Returns each strip's part of the stream's next bytes, which must not go beyond the last level. */
  share(data: Uint8Array): Uint8Array[] {
    const shares: Uint8Array[][] = Array.from({ length: this.#strips }, () => []);
    for (let at = 0; at < data.length; ) {
      const to = this.#due.findIndex(Boolean);
      if (to < 0) {
        this.#due = this.#table ? this.#segments(this.#table) : this.#lengths();
        continue;
      }
      const own = data.subarray(at, at + (this.#due[to] as number));
      at += own.length;
      (this.#due[to] as number) -= own.length;
      if (to > 0) shares[to - 1]?.push(own);
      else this.#table?.push(...own);
    }
    return shares.map(concat);
  }

  /** Assigns up to `most` bytes of what is left of the level, and returns how many. */
  #take(most: number): number {
    const own = Math.min(most, this.#left);
    this.#left -= own;
    return own;
  }

  #lengths(): number[] {
    this.#left ||= this.#levels.shift() as number;
    this.#table = [];
    return [this.#take(LENGTH_BYTES * lengthsOf(this.#strips, this.#areMeans))];
  }

  #segments(table: number[]): number[] {
    const lengths = Array.from({ length: lengthsOf(this.#strips, this.#areMeans) }, (_, strip) => {
      const [low = 0, middle = 0, high = 0] = table.slice(LENGTH_BYTES * strip);
      return this.#take(low | (middle << 8) | (high << 16));
    });
    if (!this.#areMeans) lengths.push(this.#take(this.#left));
    this.#table = undefined;
    this.#areMeans = false;
    return [0, ...lengths];
  }
}
