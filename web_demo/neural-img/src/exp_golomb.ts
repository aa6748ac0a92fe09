/**
 * Exp-Golomb codes: numbers as few bits if they are small, without an end (Teuhola 1978).
 *
 * Of order k, a number n from 0 on is told as ⌊n / 2ᵏ⌋ + 1 in binary, after as many zeros as that has bits beyond its first,
 * and then the lowest k bits of n.
 */
import { ModelError } from './model_error.ts';

const MOST_BITS = 30;

/** The file ends within its header. */
export class IncompleteError extends ModelError {}

export const damaged = () => new ModelError('The header of this .anir file is damaged; fetch it again.');

/** Numbers from the bits of bytes, the highest bit of a byte first. */
export class BitReader {
  #at: number;

  /** Reads from byte `at` on. */
  constructor(
    private readonly data: Uint8Array,
    at: number,
  ) {
    this.#at = 8 * at;
  }

  /** Bytes up to here, the one under way included. */
  position(): number {
    return Math.ceil(this.#at / 8);
  }

  /** The next whole byte. Throws an IncompleteError if there is none. */
  byte(): number {
    this.#at = 8 * this.position();
    return this.bits(8);
  }

  /** A number of so many bits, at most 30. Throws an IncompleteError if there are not as many. */
  bits(count: number): number {
    let result = 0;
    for (const end = this.#at + count; this.#at < end; this.#at++) {
      const byte = this.data[this.#at >> 3];
      if (byte === undefined) throw new IncompleteError('This .anir file ends within its header.');
      result = (result << 1) | ((byte >> (7 - (this.#at & 7))) & 1);
    }
    return result;
  }

  /** A number from 0 on by its code. Throws a ModelError if it has more than 30 bits. */
  golomb(order: number): number {
    let zeros = 0;
    while (!this.bits(1)) if (++zeros + order >= MOST_BITS) throw damaged();
    const high = ((1 << zeros) | this.bits(zeros)) - 1;
    return (high << order) | this.bits(order);
  }

  /** A number of either sign: 0, 1, -1, 2, -2 have the codes of 0, 1, 2, 3, 4. */
  signed(order: number): number {
    const number = this.golomb(order);
    return number & 1 ? (number + 1) >> 1 : -(number >> 1);
  }
}
