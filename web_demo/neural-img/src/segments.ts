/** Strips of large pictures, and which bytes of a stream are whose (docs/format.md, "Strips"). */
import type { Header } from './anir_header.ts';
import { concat } from './bytes.ts';

/** Cells along a side of a block, whose means are coded as cosines: strips are whole rows of blocks. */
const BLOCK = 8;
/** Pixels of a strip, at least, and strips of a picture at most. */
const [PIXELS, MOST] = [2 ** 20, 32];
/** Bytes that tell a segment's length; those of the first segment that tell a level's step. */
const [LENGTH, STEP] = [3, 3];
/** Stands for the lengths, in place of a strip. */
const TABLE = -1;

/**
 * The row of cells with which each strip of a picture begins, and behind these the number of rows. A picture of another family
 * than `lapped` is one strip without rows.
 */
export function stripStarts({ family, size, pitch }: Pick<Header, 'family' | 'size' | 'pitch'>): number[] {
  if (family !== 'lapped') return [0, 0];
  const [columns, rows] = size.map((pixels) => Math.ceil(pixels / pitch)) as [number, number];
  const blocks = Math.ceil(rows / BLOCK);
  const count = Math.max(1, Math.min(Math.floor((rows * columns * pitch ** 2) / PIXELS), blocks, MOST));
  return [...Array.from({ length: count }, (_, i) => BLOCK * Math.floor((blocks * i) / count)), rows];
}

/** Bytes of a level, the first one or a later one, after which its step is known. */
export const stepBytes = (header: Header, isFirst = false) =>
  LENGTH * told(stripStarts(header).length - 1, isFirst) + STEP;

/** How many lengths are told before segments, either of the first level's means or of all else. */
const told = (strips: number, areMeans: boolean) => (areMeans && strips > 1 ? strips : strips - 1);

/** Shares out a stream's bytes as they come. */
export class Segments {
  /** Bytes of the levels that are to come, and what is left of this one. */
  readonly #levels: number[];
  #left = 0;
  readonly #strips: number;
  #areMeans: boolean;
  #table: number[] = [];
  /** Whose the next bytes are, and how many. */
  readonly #due: { to: number; count: number }[] = [];

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
      if (this.#due.length === 0) {
        this.#left ||= this.#levels.shift() as number;
        this.#table = [];
        this.#expect(TABLE, LENGTH * told(this.#strips, this.#areMeans));
      }
      const next = this.#due[0] as { to: number; count: number };
      const own = data.subarray(at, at + next.count);
      at += own.length;
      next.count -= own.length;
      if (next.to === TABLE) this.#table.push(...own);
      else shares[next.to]?.push(own);
      if (next.count > 0) break;
      this.#due.shift();
      if (next.to === TABLE) this.#expectSegments();
    }
    return shares.map(concat);
  }

  /** Waits for so many bytes, or as many as are left of the level. */
  #expect(to: number, most: number): void {
    const count = Math.min(most, this.#left);
    this.#due.push({ to, count });
    this.#left -= count;
  }

  #expectSegments(): void {
    for (let strip = 0; strip < told(this.#strips, this.#areMeans); strip++) {
      const [low = 0, middle = 0, high = 0] = this.#table.slice(LENGTH * strip);
      this.#expect(strip, low | (middle << 8) | (high << 16));
    }
    if (!this.#areMeans) this.#expect(this.#strips - 1, this.#left);
    this.#areMeans = false;
  }
}
