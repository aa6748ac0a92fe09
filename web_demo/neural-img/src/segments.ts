/** Strips of large pictures, and which bytes of a stream are whose (docs/format.md, "Strips"). */
import { type Header, hasLatents } from './anir_header.ts';
import { concat } from './bytes.ts';

/** Cells along a side of a block, whose means are coded as cosines: strips are whole rows of blocks. */
const BLOCK = 8;
/** Pixels of a strip, at least, and strips of a picture at most. */
const PIXELS = 2 ** 20;
const MOST = 32;
/** Bytes that tell a segment's length. */
const LENGTH = 3;

/**
 * The row of cells with which each strip of a picture begins, and behind these the number of rows. A picture that has no
 * coefficients is one strip without rows.
 */
export function stripStarts(header: Pick<Header, 'family' | 'size' | 'pitch'>): number[] {
  if (!hasLatents(header)) return [0, 0];
  const { size, pitch } = header;
  const [columns, rows] = size.map((pixels) => Math.ceil(pixels / pitch)) as [number, number];
  const blocks = Math.ceil(rows / BLOCK);
  const count = Math.max(1, Math.min(Math.floor((rows * columns * pitch ** 2) / PIXELS), blocks, MOST));
  return [...Array.from({ length: count }, (_, i) => BLOCK * Math.floor((blocks * i) / count)), rows];
}

/** Bytes of a level, the first one or a later one, that tell lengths before its first segment. */
export const tableBytes = (header: Header, isFirst = false) =>
  LENGTH * told(stripStarts(header).length - 1, isFirst);

/** How many lengths are told before segments, either of the first level's means or of all else. */
const told = (strips: number, areMeans: boolean) => (areMeans && strips > 1 ? strips : strips - 1);

/** Shares out a stream's bytes as they come. */
export class Segments {
  /** Bytes of the levels that are to come, and what is left of this one. */
  readonly #levels: number[];
  #left = 0;
  readonly #strips: number;
  #areMeans: boolean;
  /** The lengths that are being told; none while segments follow. */
  #table: number[] | undefined;
  /** Bytes of the lengths, then those of each strip's segment, that are still to come. */
  #due: number[] = [];

  /** For the stream of a file with that header. */
  constructor(header: Header) {
    this.#levels = header.levels.map(({ end }, k) => end - (header.levels[k - 1]?.end ?? header.start));
    this.#strips = stripStarts(header).length - 1;
    this.#areMeans = this.#strips > 1;
  }

  /** What of the stream's next bytes, none of which are beyond its last level, is each strip's. */
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

  /** So many bytes, or as many as are left of the level. */
  #take(most: number): number {
    const own = Math.min(most, this.#left);
    this.#left -= own;
    return own;
  }

  #lengths(): number[] {
    this.#left ||= this.#levels.shift() as number;
    this.#table = [];
    return [this.#take(LENGTH * told(this.#strips, this.#areMeans))];
  }

  #segments(table: number[]): number[] {
    const lengths = Array.from({ length: told(this.#strips, this.#areMeans) }, (_, strip) => {
      const [low = 0, middle = 0, high = 0] = table.slice(LENGTH * strip);
      return this.#take(low | (middle << 8) | (high << 16));
    });
    if (!this.#areMeans) lengths.push(this.#take(this.#left));
    this.#table = undefined;
    this.#areMeans = false;
    return [0, ...lengths];
  }
}
