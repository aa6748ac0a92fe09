import { expect, test } from 'vitest';
import { Axis, context, inputsOf, lattice, meansOf } from '../../neural-img/src/lapped_transform.ts';
import { vectors } from '../vectors.ts';

interface Vectors {
  axes: { pixels: number; pitch: number; frequencies: number; at: number[]; cosines: number[][][] }[];
  seen_by: { channels: number; planes: number; seen: number[][] }[];
}
const { axes, seen_by } = vectors<Vectors>('lapped_transform');

test.each(axes)(
  'cosines of $pixels pixels are the same as in Python',
  ({ pixels, pitch, frequencies, at, cosines }) => {
    const axis = new Axis(pixels, pitch);
    expect(axis.cells).toBe(cosines.length);
    const own = axis.cosines(Float32Array.from(at), frequencies);
    cosines.forEach((cell, i) => {
      cell.forEach((frequency, k) => {
        frequency.forEach((value, lane) => {
          const isOpen = i >= own.start && i < own.end;
          const got = isOpen ? own.values[((i - own.start) * frequencies + k) * 8 + lane] : 0;
          expect(got).toBeCloseTo(value, 5);
        });
      });
    });
  },
);

test('only cells whose windows are open are listed', () => {
  const { start, end } = new Axis(160, 16).openCells([-0.9, -0.85]);
  expect([start, end]).toEqual([0, 2]);
});

test.each(seen_by)(
  '$channels channels have the same inputs from $planes planes as in Python',
  ({ channels, planes, seen }) => {
    expect(inputsOf(channels, planes).map(({ plane, right, down }) => [plane, right, down])).toEqual(seen);
  },
);

test('DC coefficients are sums of differences along the scan', () => {
  // Two planes of 2 × 2 cells with a single frequency.
  const magnitudes = Float32Array.of(0, 1, 2, 3, 48, 5, 6, 7, 8);
  const latents = { shape: [2, 2, 1], codes: Int16Array.of(1, 2, 3, -4, 5, 6, 7, 8), magnitudes };
  const means = meansOf({ ...latents, step: 1, pitch: 16, down: true, reach: 1 } as Parameters<
    typeof meansOf
  >[0]);
  expect([...means]).toEqual([1, 2, 4, -46, 5, 6, 12, 14]);
});

test('a lattice covers the picture', () => {
  expect(lattice([33, 16], 16, true)).toEqual([1, 3]);
  expect(lattice([33, 16], 16, false)).toEqual([3, 1]);
});

test('equal distances of a context are counted once, with the sum of their weights', () => {
  const { weights, prior } = context(4);
  expect(weights.get(4)).toBe(12 + 1);
  expect(weights.get(16)).toBe(15 + 1);
  expect([...prior.slice(0, 2)]).toEqual([280, 0]);
});
