/** Concatenates pieces of bytes. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((all, { length }) => all + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Concatenates arrays of integers. */
export const joined = (parts: readonly Int32Array[]): Int32Array =>
  new Int32Array(concat(parts.map(({ buffer }) => new Uint8Array(buffer))).buffer);

/** Unpacks signed 4-bit codes, two to a byte, the first in the lower half. */
export const fromHalves = (bytes: Int8Array, count: number): Int8Array<ArrayBuffer> =>
  Int8Array.from({ length: count }, (_, k) => ((bytes[k >> 1] as number) << (k % 2 ? 24 : 28)) >> 28);

/** Bytes from hexadecimal digits: 4-bit codes compress best in this form when served. */
export function fromHex(digits: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(digits.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/**
 * Bytes from a text with one character for each, which compresses better than hexadecimal digits. The bytes 251 to 255 and 0 to 85,
 * most of those in WebAssembly, are the characters from "#" on without "\", the bytes from 86 on those from "À" on.
 * scripts/build.mjs writes such texts.
 */
export const fromCharacters = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(text, (character) => {
    const code = character.charCodeAt(0);
    // The array takes them modulo 256.
    return code - (code >= 0xc0 ? 0x6a : code > 0x5c ? 0x29 : 0x28);
  });
