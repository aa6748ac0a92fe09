/** The wire format of protobuf messages: https://protobuf.dev/programming-guides/encoding. */
import { ModelError } from './model_error.ts';

/** An integer for a varint, otherwise the bytes, without a copy. */
export type Content = number | Uint8Array;

const KINDS = { varint: 0, fixed64: 1, length: 2, fixed32: 5 };
const LONGEST_VARINT = 10;
const MOST_FIELDS = 1 << 18;
const HALF = 2 ** 28;

export const damaged = () => new ModelError('This is not an ONNX file, or a damaged one.');

/** Splits messages into fields, of which it takes a bounded number in all, so that time is bounded, too. */
export class Reader {
  #left = MOST_FIELDS;

  /** Number and content of each field. Throws a ModelError where the bytes are no message, or have too many fields. */
  *fields(message: Uint8Array): Generator<[number, Content]> {
    for (let at = 0; at < message.length; ) {
      if (--this.#left < 0) throw new ModelError('This is not a neural image: it has too many parts.');
      const [tag, from] = varint(message, at);
      const [number, kind] = [Math.floor(tag / 8), (message[at] as number) & 7];
      let [size, start] = [kind === KINDS.fixed64 ? 8 : 4, from];
      if (kind === KINDS.varint || kind === KINDS.length) [size, start] = varint(message, from);
      else if (kind !== KINDS.fixed64 && kind !== KINDS.fixed32) throw damaged();
      if (kind === KINDS.varint) {
        yield [number, size];
        at = start;
        continue;
      }
      if (number === 0 || size < 0 || size > message.length - start) throw damaged();
      at = start + size;
      yield [number, message.subarray(start, at)];
    }
  }
}

/** Exactly `count` integers, stored one after the other. Throws a ModelError if there are not so many. */
export function packedVarints(content: Uint8Array, count: number): number[] {
  if (content.length < count || content.length > count * LONGEST_VARINT) throw damaged();
  const values: number[] = [];
  for (let at = 0; at < content.length; ) {
    const [value, next] = varint(content, at);
    values.push(value);
    at = next;
  }
  if (values.length !== count) throw damaged();
  return values;
}

/** A field that holds text. Throws a ModelError if it does not. */
export function textOf(content: Content): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytesOf(content));
  } catch {
    throw damaged();
  }
}

export function bytesOf(content: Content): Uint8Array {
  if (typeof content === 'number') throw damaged();
  return content;
}

export function wholeOf(content: Content): number {
  if (typeof content !== 'number') throw damaged();
  return content;
}

/** The signed integer that begins there, of at most 64 bits, and where the next part begins; exact up to 2⁵³. */
function varint(message: Uint8Array, at: number): [number, number] {
  // Bits 0 to 27, 28 to 55, and 56 to 63.
  let [low, middle, high] = [0, 0, 0];
  for (let k = 0; k < LONGEST_VARINT; k++) {
    const octet = message[at + k];
    if (octet === undefined) break;
    const bits = octet & 127;
    if (k < 4) low += bits * 2 ** (7 * k);
    else if (k < 8) middle += bits * 2 ** (7 * k - 28);
    else high += k < 9 ? bits : (bits & 1) * 128;
    if (octet >= 128) continue;
    const isNegative = high >= 128;
    const rest = isNegative
      ? (middle - HALF) * HALF + (high - 255) * HALF ** 2
      : middle * HALF + high * HALF ** 2;
    return [low + rest, at + k + 1];
  }
  throw damaged();
}
