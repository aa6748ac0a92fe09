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

/** A header of version 2, without checksum: its flags, and numbers, each with the order of its code. */
function headed(kind: number, ...numbers: [number, number][]): number[] {
  const code = numbers.map((number) => golomb(...number)).join('');
  const bytes = code.padEnd(8 * Math.ceil(code.length / 8), '0').match(/.{8}/g) ?? [];
  return [...MAGIC, 2, kind, ...bytes.map((byte) => Number.parseInt(byte, 2))];
}

const MORE: [number, number] = [2 ** 20, 0];
const SMALL: [number, number][] = [
  [15, 9],
  [15, 9],
];

test.each([
  ['GIF89a', [0x47, 0x49, 0x46, 0x38], 'not an .anir file'],
  ['a later version', [...MAGIC, 3], 'has format 3, this decoder reads 2; update the decoder.'],
  ['an earlier version', [...MAGIC, 1], 'has format 1, this decoder reads 2; an earlier anir made it: fit'],
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
const sealed = (...numbers: [number, number][]) => withChecksum(headed(64, ...SMALL, ...numbers));

function withChecksum(bytes: number[]): Uint8Array {
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

/** The header that test_anir_header.py writes, and the ends of its levels. */
const SIXTEEN = Uint8Array.from(
  Buffer.from(
    '89616e6902534fffffd574739ce7161894af9d7c2bcae5e6eaf585e19d2f0d5d7bb2f897942bc4a979babc1cc5783a82f05ee0',
    'hex',
  ),
);
const RATES = [0.03, 0.04, 0.05, 0.07, 0.1, 0.125, 0.15, 0.18, 0.25, 0.35, 0.42, 0.5, 0.75, 1, 1.25, 1.5];
const ERRORS = [-9, -4, 0, 1, -70, 25, -3, -400, 12, -31, -32, 33, -100, -5, 900, -20];

test('the lengths of sixteen levels are relative to predicted ones', () => {
  const { levels, start, size } = readHeader(SIXTEEN);
  expect([start, ...size]).toEqual([SIXTEEN.length, 768, 512]);
  const ends = RATES.map((rate, k) => Math.floor(rate * 768 * 64 + 1e-6) + (ERRORS[k] as number));
  expect(levels.map(({ end }) => end)).toEqual(ends);
  expect(levels.map(({ psnr }) => psnr)).toEqual(RATES.map((_, k) => [20 + k, 22.5 + k, 25 + k]));
  for (let length = 0; length < start; length++)
    expect(() => readHeader(SIXTEEN.subarray(0, length)), `${length}`).toThrow(IncompleteError);
});

/** Sixteen levels of `lapped`, 16384×16384 pixels if `large`, else 16×16, with differences to predicted lengths. */
function sixteen(large: boolean, differences: number[]): Uint8Array {
  const side: [number, number] = [large ? 16383 : 15, 9];
  const entries = differences.flatMap((d): [number, number][] => [
    [d > 0 ? 2 * d - 1 : -2 * d, 5],
    [0, 2],
    [0, 0],
    [0, 0],
  ]);
  const four: [number, number][] = Array.from({ length: 4 }, () => [0, 1]);
  const widths = four.map((): [number, number] => [0, 4]);
  return withChecksum(headed(67, side, side, [3, 2], ...four, [3, 2], ...widths, ...entries));
}

test('predicted ends are exact for the largest picture', () => {
  const { levels, start } = readHeader(sixteen(true, Array(16).fill(0)));
  const ends = RATES.map((rate) => start - 64 + Number((BigInt(Math.round(1000 * rate)) << 28n) / 8000n));
  expect(levels.map(({ end }) => end)).toEqual(ends);
});

test('ends that do not ascend or are beyond a gigabyte are refused', () => {
  // Predicted lengths for 16×16 pixels, whose ends are at 0, 1, 1, 2, 3, 4, 4, 5, 8, 11, 13, 16, 24, 32, 40 and 48 bytes.
  const lengths = [-64, 1, 0, 1, 1, 1, 0, 1, 3, 3, 2, 3, 8, 8, 8, 8];
  const read = (at: number, length: number) =>
    readHeader(
      sixteen(
        false,
        lengths.map((predicted, k) => (k === at ? length : 1) - predicted),
      ),
    );
  const { levels, start } = read(0, 1);
  expect(levels.map(({ end }) => end)).toEqual(lengths.map((_, k) => start + 1 + k));
  for (const [at, length] of [
    [0, 0],
    [0, -5],
    [7, 0],
    [7, -100_000],
    [15, 0],
    [15, 2 ** 30],
  ] as const)
    expect(() => read(at, length), `${at}, ${length}`).toThrow('damaged');
  expect(read(15, 2 ** 29 - 100).levels.at(-1)?.end).toBeGreaterThan(2 ** 29 - 100);
});

test('ends of at most a gigabyte are read', () => {
  const rest = (more: number) => {
    const differences = Array(16).fill(0);
    differences[13] = 2 ** 29 - 100;
    differences[15] = more;
    return sixteen(true, differences);
  };
  const known = readHeader(rest(2 ** 28)).levels.at(-1)?.end as number;
  const most = 2 ** 28 + 2 ** 30 - known;
  expect(readHeader(rest(most)).levels.at(-1)?.end).toBe(2 ** 30);
  expect(() => readHeader(rest(most + 1))).toThrow('damaged');
});
