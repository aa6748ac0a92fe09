import { expect, test } from 'vitest';
import { isAnir, readHeader } from '../../neural-img/src/anir_header.ts';
import { IncompleteError } from '../../neural-img/src/exp_golomb.ts';
import { type AnirCase, anirCases } from '../vectors.ts';

const cases = anirCases();
const [first] = cases as [AnirCase];
const MAGIC = [0x89, 0x61, 0x6e, 0x69];

test.each(cases)('is read as in Python, $family', ({ file, family, colours, bits, pitch, start, levels }) => {
  const header = readHeader(file);
  expect(header).toMatchObject({ family, size: [75, 52], colours, bits, pitch, start });
  expect(header.levels).toEqual(
    levels.map(({ name, end, psnr }) => {
      const [depth, channels] = name.slice(1).split('w').map(Number);
      return { name, depth, channels, end, psnr };
    }),
  );
});

test('an .anir file is recognized by its first bytes', () => {
  expect(isAnir(first.file)).toBe(true);
  expect(isAnir(first.file.subarray(0, 3))).toBe(false);
  expect(isAnir(Uint8Array.of(8, 10, 1, 2, 3))).toBe(false);
});

test('a truncated header is incomplete, not damaged', () => {
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

/** The bits of the Exp-Golomb code of a number. */
function golomb(number: number, order: number): string {
  const high = ((number >> order) + 1).toString(2);
  return (
    '0'.repeat(high.length - 1) + high + (order ? (number % 2 ** order).toString(2).padStart(order, '0') : '')
  );
}

/** A header of version 1, without checksum: its flags, and numbers, each with the order of its code. */
function headed(kind: number, ...numbers: [number, number][]): number[] {
  const code = numbers.map((number) => golomb(...number)).join('');
  const bytes = code.padEnd(8 * Math.ceil(code.length / 8), '0').match(/.{8}/g) ?? [];
  return [...MAGIC, 1, kind, ...bytes.map((byte) => Number.parseInt(byte, 2))];
}

const MORE: [number, number] = [2 ** 20, 0];
const SMALL: [number, number][] = [
  [15, 9],
  [15, 9],
];

test.each([
  ['GIF89a', [0x47, 0x49, 0x46, 0x38], 'not an .anir file'],
  ['a later version', [...MAGIC, 2], 'update the decoder'],
  ['too long a side', headed(3, [131072, 9], [0, 9]), 'out of range'],
  ['too many pixels', headed(3, [16384, 9], [16384, 9]), 'out of range'],
  ['too large a number', headed(3, [2 ** 30, 9]), 'damaged'],
  ['unknown colours', headed(51, ...SMALL), 'damaged'],
  ['seventeen depths', headed(3, ...SMALL, [16, 2]), 'damaged'],
  ['too many layers', headed(3, ...SMALL, [0, 2], [15, 1], [0, 2], [0, 4]), 'layers'],
  ['too many channels', headed(3, ...SMALL, [0, 2], [0, 1], [0, 2], [1024, 4]), 'channels'],
  ['seventeen levels', headed(3, ...SMALL, [0, 2], [0, 1], [0, 2], [0, 4], [16, 2], MORE), 'damaged'],
])('refuses %s', (_name, bytes, message) => {
  expect(() => readHeader(Uint8Array.from(bytes))).toThrow(message);
});

/** A header with its checksum, whose flags say that the levels are all subnets. */
function sealed(...numbers: [number, number][]): Uint8Array {
  const bytes = headed(64, ...SMALL, ...numbers);
  let [low, high] = [0, 0];
  for (const byte of bytes) {
    low = (low + byte) % 255;
    high = (high + low) % 255;
  }
  return Uint8Array.from([...bytes, low, high]);
}

test('lengths, qualities and gains of levels that are out of range are refused', () => {
  const subnet: [number, number][] = [
    [0, 2],
    [0, 1],
    [0, 2],
    [7, 4],
  ];
  const level = (length: number, psnr: number, ...gains: number[]) =>
    readHeader(
      sealed(...subnet, [length, 10], [psnr, 2], ...gains.map((gain): [number, number] => [gain, 0])),
    );
  // PSNR: 20 quarters of a decibel less than 100; gains: two halves and one half of a decibel.
  expect(level(8, 40, 0, 4).levels).toEqual([
    { name: 'd2w8', depth: 2, channels: 8, end: 25, psnr: [20, 21, 21.5] },
  ]);
  for (const [length, psnr, ...gains] of [
    [2 ** 30 - 30, 0, 0, 0],
    [8, 202, 0, 0],
    [8, 311, 0, 0],
    [8, 0, 6, 0],
    [8, 0, 0, 25],
  ] as [number, number, number, number][])
    expect(() => level(length, psnr, ...gains), `${length}, ${psnr}, ${gains}`).toThrow('damaged');
});
