/** The wire format of protobuf messages: https://protobuf.dev/programming-guides/encoding. */
import { ModelError } from './model_error.ts';

/** Of a field: a varint, the bytes of a number of fixed size, or what has a length, which is not copied. */
export type Content = number | number[] | Uint8Array;

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;
const LONGEST_VARINT = 10;
const MOST_PARTS = 1 << 18;
const HALF = 2 ** 28;

/** The error for bytes that are no message, or not the one that they should be. */
export const damaged = () => new ModelError('This is not an ONNX file, or a damaged one.');

/** Takes messages apart, into a bounded number of parts in all: the time that it takes is bounded, too. */
export class Reader {
  #left = MOST_PARTS;

  /** Number and content of each field. Throws a ModelError where this is no message, or has too many. */
  *fields(message: Uint8Array): Generator<[number, Content]> {
    for (let at = 0; at < message.length; ) {
      const kind = (message[at] as number) & 7;
      let [tag, next] = this.#varint(message, at);
      const number = Math.floor(tag / 8);
      let size = kind === FIXED64 ? 8 : 4;
      if (kind === VARINT || kind === LENGTH) [size, next] = this.#varint(message, next);
      else if (kind !== FIXED64 && kind !== FIXED32) throw damaged();
      at = next;
      if (kind === VARINT) {
        yield [number, size];
        continue;
      }
      if (number === 0 || size < 0 || size > message.length - at) throw damaged();
      const content = message.subarray(at, at + size);
      at += size;
      yield [number, kind === LENGTH ? content : [...content]];
    }
  }

  /** Integers that are stored one after the other. Throws a ModelError as `fields` does. */
  *varints(content: Uint8Array): Generator<number> {
    for (let at = 0, value = 0; at < content.length; ) {
      [value, at] = this.#varint(content, at);
      yield value;
    }
  }

  /** The signed integer of at most 64 bits that begins there, exact up to 2⁵³, and where the next part begins. */
  #varint(message: Uint8Array, at: number): [number, number] {
    if (--this.#left < 0) throw new ModelError('This has too many parts for a neural image.');
    // Bits 0 to 27, 28 to 55, and 56 to 63.
    const parts: [number, number, number] = [0, 0, 0];
    for (let k = 0; k < LONGEST_VARINT; k++) {
      const octet = message[at + k];
      if (octet === undefined) break;
      const part = k >> 2;
      parts[part as 0 | 1 | 2] += (octet & 127) * 2 ** (7 * (k & 3));
      if (octet >= 128) continue;
      const [low, middle, high] = [parts[0], parts[1], parts[2] & 255];
      return [
        low + (high < 128 ? middle : middle - HALF) * HALF + (high < 128 ? high : high - 255) * HALF ** 2,
        at + k + 1,
      ];
    }
    throw damaged();
  }
}

/** A field that holds text. Throws a ModelError if it does not. */
export function textOf(content: Content): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(messageIn(content));
  } catch {
    throw damaged();
  }
}

/** A field that has a length. Throws a ModelError if it has none. */
export function messageIn(content: Content): Uint8Array {
  if (!(content instanceof Uint8Array)) throw damaged();
  return content;
}
