/** Several pieces as one, in turn. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((all, { length }) => all + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Several arrays of integers as one, in turn. */
export const joined = (parts: readonly Int32Array[]): Int32Array =>
  new Int32Array(concat(parts.map(({ buffer }) => new Uint8Array(buffer))).buffer);

/** Codes of 4 bits, with signs, from bytes of two each: the first is the lower half. */
export const fromHalves = (bytes: Int8Array, count: number): Int8Array<ArrayBuffer> =>
  Int8Array.from({ length: count }, (_, k) => ((bytes[k >> 1] as number) << (k % 2 ? 24 : 28)) >> 28);

/** Bytes that are told as hexadecimal digits, two each: servers compress halves of bytes best so. */
export function fromHex(digits: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/**
 * Bytes that are told as characters, one each, which servers compress better than digits: byte 0 is "#", and others follow but for "\";
 * byte 91 is "À", and others follow. scripts/build.mjs writes them.
 */
export const fromCharacters = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(text, (character) => {
    const code = character.charCodeAt(0);
    return code - (code >= 0xc0 ? 0x65 : code > 0x5c ? 0x24 : 0x23);
  });
