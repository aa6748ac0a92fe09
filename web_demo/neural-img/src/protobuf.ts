/** The wire format of protocol buffers, as far as ONNX files need it. */

export interface Field {
  number: number;
  /** The value of a number field, else 0. */
  varint: number;
  /** The content of a text, bytes or message field, else empty. */
  bytes: Uint8Array;
}

/** Walks the fields of one message; views, no copies. Throws a RangeError where the message is damaged. */
export function* fields(message: Uint8Array): Generator<Field> {
  let at = 0;

  function readVarint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = message[at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('damaged message');
  }

  function take(length: number): Uint8Array {
    if (length > message.length - at) throw new RangeError('damaged message');
    at += length;
    return message.subarray(at - length, at);
  }

  while (at < message.length) {
    const tag = readVarint();
    const field: Field = { number: Math.floor(tag / 8), varint: 0, bytes: message.subarray(0, 0) };
    const wireType = tag % 8;
    if (wireType === 0) field.varint = readVarint();
    else if (wireType === 1) take(8);
    else if (wireType === 2) field.bytes = take(readVarint());
    else if (wireType === 5) take(4);
    else throw new RangeError('damaged message');
    yield field;
  }
}

/** One field of a message. */
export function field(number: number, content: number | string | Uint8Array): Uint8Array {
  if (typeof content === 'number') return Uint8Array.from([...varint(number * 8), ...varint(content)]);
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return concat(Uint8Array.from([...varint(number * 8 + 2), ...varint(bytes.length)]), bytes);
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export const decodeText = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(Math.floor(value / 0x80))];
}
