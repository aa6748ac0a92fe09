import { expect, test } from 'vitest';
import type { Subnet } from '../../neural-img/src/manifest.ts';
import { bytesAt, cutAt, describeCut, PREVIEW, positionOf, STEPS, stepFrom } from '../../src/cut.ts';

const ENDS = [1000, 2000, 8000, 64_000];
const SUBNETS = ENDS.map((bytes, k) => ({ name: `d2w${k + 1}`, bytes, bpp: bytes / 1000 }) as Subnet);

test('positions are logarithmic from the end of the first level to that of the last', () => {
  expect(positionOf(1000, ENDS)).toBe(0);
  expect(positionOf(8000, ENDS)).toBe(STEPS / 2);
  expect(positionOf(64_000, ENDS)).toBe(STEPS);
  expect([positionOf(1, ENDS), positionOf(1e9, ENDS)]).toEqual([0, STEPS]);
});

test.each(ENDS)('positions at and near the end of a level at %i bytes snap to it', (end) => {
  const position = positionOf(end, ENDS);
  for (const near of [-6, 0, 6]) {
    expect(bytesAt(Math.min(Math.max(position + near, 0), STEPS), ENDS)).toBe(end);
  }
});

test('between levels the file is cut at any byte', () => {
  const bytes = bytesAt(350, ENDS);
  expect(bytes).toBe(Math.round(1000 * 64 ** 0.35));
  expect(positionOf(bytes, ENDS)).toBe(350);
});

test('a single level has a single position', () => {
  expect([positionOf(500, [500]), bytesAt(0, [500]), bytesAt(STEPS, [500])]).toEqual([0, 500, 500]);
});

test.each([
  [1000, 1, 2000],
  [1500, 1, 2000],
  [1500, -1, 1000],
  [2000, -1, 1000],
  [1000, -1, 1000],
  [64_000, 1, 64_000],
] as const)('a step from %i by %i goes to %i', (bytes, step, expected) => {
  expect(stepFrom(bytes, step, ENDS)).toBe(expected);
});

test('a cut shows the last complete subnet, with the bytes of the cut', () => {
  expect(cutAt(2000, SUBNETS)).toBe(SUBNETS[1]);
  expect(cutAt(3000, SUBNETS)).toEqual({ name: 'd2w2', bytes: 3000, bpp: 3 });
  expect(cutAt(10, [])).toBeUndefined();
});

test('a cut before the first level shows a preview, without a quality', () => {
  const subnets = [{ ...SUBNETS[0], psnr: 20 } as Subnet];
  expect(cutAt(250, subnets)).toEqual({ name: PREVIEW, bytes: 250, bpp: 0.25 });
});

test('a cut is described by its bytes', () => {
  expect(describeCut(1234, 48_846)).toBe('the first 1.2 kB of it');
  expect(describeCut(976, 48_846)).toBe('the first 976 B of it');
  expect(describeCut(48_846, 48_846)).toBe('all 48.8 kB of it');
});
