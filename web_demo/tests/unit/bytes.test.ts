import { expect, test } from 'vitest';
import { concat, fromCharacters, fromHalves, fromHex } from '../../neural-img/src/bytes.ts';

test('two hexadecimal digits are one byte', () => {
  expect([...fromHex('007f80ff0A')]).toEqual([0, 127, 128, 255, 10]);
  expect(fromHex('')).toHaveLength(0);
});

test('one character is one byte', () => {
  expect([...fromCharacters("#'([]~ÀŤ")]).toEqual([0xfb, 0xff, 0, 0x33, 0x34, 0x55, 0x56, 0xfa]);
  expect(fromCharacters('')).toHaveLength(0);
});

test('bytes are two signed 4-bit numbers, the lower half first', () => {
  expect([...fromHalves(Int8Array.of(0x21, -0x71, 0x08), 5)]).toEqual([1, 2, -1, -8, -8]);
});

test('pieces are concatenated', () => {
  expect([...concat([new Uint8Array([1, 2]), new Uint8Array(), new Uint8Array([3])])]).toEqual([1, 2, 3]);
});
