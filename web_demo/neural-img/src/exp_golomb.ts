/**
 * Exp-Golomb codes, which spend few bits on small numbers and have no upper bound (Teuhola 1978).
 *
 * The code of order k of n ≥ 0 is ⌊n / 2ᵏ⌋ + 1 in binary, preceded by one zero for each of its bits but the first, and followed by
 * the lowest k bits of n.
 */
import { ModelError } from './model_error.ts';

const MOST_BITS = 30;

/** Thrown where a file ends within its header. */
export class IncompleteError extends ModelError {}

export const damaged = () => new ModelError('The header of this .anir file is damaged; fetch it again.');

/** Reads numbers bit by bit, the highest bit of each byte first. */
export class BitReader {
  #at: number;

  /** Starts at byte `at`. */
  constructor(
    private readonly data: Uint8Array,
    at: number,
  ) {
    this.#at = 8 * at;
  }

  /** Number of bytes up to here, including one that is partly read. */
  position(): number {
    return Math.ceil(this.#at / 8);
  }

  /** Reads the next whole byte. Throws an IncompleteError if there is none. */
  byte(): number {
    this.#at = 8 * this.position();
    return this.bits(8);
  }

  /** Reads a number of `count` bits, at most 30. Throws an IncompleteError if there are fewer. */
  bits(count: number): number {
    let result = 0;
    for (const end = this.#at + count; this.#at < end; this.#at++) {
      const byte = this.data[this.#at >> 3];
      if (byte === undefined) throw new IncompleteError('This .anir file ends within its header.');
      result = (result << 1) | ((byte >> (7 - (this.#at & 7))) & 1);
    }
    return result;
  }

  /** Reads a number ≥ 0 by its code of the given order. Throws a ModelError if it has more than 30 bits. */
  golomb(order: number): number {
    let zeros = 0;
    while (!this.bits(1)) if (++zeros + order >= MOST_BITS) throw damaged();
    const high = ((1 << zeros) | this.bits(zeros)) - 1;
    return (high << order) | this.bits(order);
  }

  /** Reads a number of either sign: 0, 1, -1, 2, -2 have the codes of 0, 1, 2, 3, 4. */
  signed(order: number): number {
    const number = this.golomb(order);
    return number & 1 ? (number + 1) >> 1 : -(number >> 1);
  }
}
