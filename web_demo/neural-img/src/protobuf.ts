/** Parses the wire format of protobuf messages: https://protobuf.dev/programming-guides/encoding. */
import { ModelError } from './model_error.ts';

/** The content of a field: a varint, the bytes of a fixed-size number, or length-delimited bytes, which are not copied. */
export type Content = number | number[] | Uint8Array;

// Wire types.
const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;
const LONGEST_VARINT = 10;
const MOST_PARTS = 1 << 18;

/** The error for bytes that are not a valid message of the expected kind. */
export const damaged = () => new ModelError('This is not an ONNX file or .anir file, or is damaged.');

/** Parses messages into a bounded total number of parts, which bounds the time, too. */
export class Reader {
  #left = MOST_PARTS;

  /** Yields the number and content of each field. Throws a ModelError if the message is invalid, or has too many fields. */
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

  /** Yields packed integers. Throws a ModelError as `fields` does. */
  *varints(content: Uint8Array): Generator<number> {
    for (let at = 0, value = 0; at < content.length; ) {
      [value, at] = this.#varint(content, at);
      yield value;
    }
  }

  /** Returns the signed integer of at most 64 bits that begins at `at`, exact up to 2⁵³, and the offset after it. */
  #varint(message: Uint8Array, at: number): [number, number] {
    if (--this.#left < 0) throw new ModelError('This has too many parts for a neural image.');
    let bits = 0n;
    for (let k = 0; k < LONGEST_VARINT; k++) {
      const octet = message[at + k];
      if (octet === undefined) break;
      bits |= BigInt(octet & 127) << BigInt(7 * k);
      if (octet < 128) return [Number(BigInt.asIntN(64, bits)), at + k + 1];
    }
    throw damaged();
  }
}

/** The text of a field. Throws a ModelError if it is not text. */
export function textOf(content: Content): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(messageIn(content));
  } catch {
    throw damaged();
  }
}

/** The bytes of a length-delimited field. Throws a ModelError if it is of another type. */
export function messageIn(content: Content): Uint8Array {
  if (!(content instanceof Uint8Array)) throw damaged();
  return content;
}
