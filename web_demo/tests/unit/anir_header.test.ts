import { expect, test } from 'vitest';
import { IncompleteError, isAnir, readHeader } from '../../neural-img/src/anir_header.ts';
import { type AnirCase, anirCases } from '../vectors.ts';

const cases = anirCases();
const [first] = cases as [AnirCase];
const MAGIC = [0x89, 0x61, 0x6e, 0x69];

test.each(cases)(
  'says what Python reads, $family',
  ({ file, family, colours, bits, pitch, start, levels }) => {
    const header = readHeader(file);
    expect(header).toMatchObject({ family, size: [75, 52], colours, bits, pitch, start });
    expect(header.levels).toEqual(
      levels.map(({ name, end, psnr }) => {
        const [depth, channels] = name.slice(1).split('w').map(Number);
        return { name, depth, channels, end, psnr };
      }),
    );
  },
);

test('tells a file by its beginning', () => {
  expect(isAnir(first.file)).toBe(true);
  expect(isAnir(first.file.subarray(0, 3))).toBe(false);
  expect(isAnir(Uint8Array.of(8, 10, 1, 2, 3))).toBe(false);
});

test('a beginning of a header asks for more', () => {
  for (let length = 0; length < first.start; length++)
    expect(() => readHeader(first.file.subarray(0, length)), `${length}`).toThrow(IncompleteError);
  expect(readHeader(first.file.subarray(0, first.start)).levels.length).toBe(4);
});

test('a header with any bit changed is refused', () => {
  for (let at = 0; at < 8 * first.start; at++) {
    const changed = first.file.with(at >> 3, (first.file[at >> 3] ?? 0) ^ (1 << (at & 7)));
    expect(() => readHeader(changed), `${at}`).toThrow(/^[^\n]{10,120}$/);
  }
});

test.each([
  ['GIF89a', [0x47, 0x49, 0x46, 0x38], 'not an .anir file'],
  ['a version', [...MAGIC, 2], 'update the decoder'],
  ['no width', [...MAGIC, 1, 3, 0, 16], 'out of range'],
  ['too many pixels', [...MAGIC, 1, 3, 255, 255, 127, 255, 255, 127], 'out of range'],
  ['a long number', [...MAGIC, 1, 3, 255, 255, 255, 255, 1], 'damaged'],
  ['seventeen levels', [...MAGIC, 1, 3, 16, 16, 17, 1, 1], 'damaged'],
  ['no levels', [...MAGIC, 1, 3, 16, 16, 0, 1, 1], 'damaged'],
  ['unknown colours', [...MAGIC, 1, 51, 16, 16, 1, 1, 1], 'damaged'],
  ['too many layers', [...MAGIC, 1, 3, 16, 16, 1, 1, 1, 127, 8], 'layers'],
  ['too many channels', [...MAGIC, 1, 3, 16, 16, 1, 1, 1, 2, 255, 127], 'channels'],
])('refuses %s', (_name, bytes, message) => {
  expect(() => readHeader(Uint8Array.from(bytes))).toThrow(message);
});

/** A header of one level with its checksum. */
function sealed(...bytes: number[]): Uint8Array {
  let [low, high] = [0, 0];
  for (const byte of [...MAGIC, 1, ...bytes]) {
    low = (low + byte) % 255;
    high = (high + low) % 255;
  }
  return Uint8Array.from([...MAGIC, 1, ...bytes, low, high]);
}

test('levels that are not there, empty or beyond all bounds are refused', () => {
  const level = (...bytes: number[]) => readHeader(sealed(0, 16, 16, 1, 1, 1, 2, 8, ...bytes));
  expect(level(0, 9, 80, 0x21).levels).toEqual([
    { name: 'd2w8', depth: 2, channels: 8, end: 28, psnr: [20, 21, 21.5] },
  ]);
  for (const [index = 0, ...length] of [
    [0, 0],
    [1, 9],
    [16, 9],
  ])
    expect(() => level(index, ...length, 80, 0)).toThrow('damaged');
  const four = [255, 255, 255, 127];
  const levels = [0, 1, 2, 3].flatMap(() => [0, ...four, 80, 0]);
  expect(() => readHeader(sealed(0, 16, 16, 4, 1, 1, 2, 8, ...levels))).toThrow('damaged');
});
