import fc from 'fast-check';
import { expect, test } from 'vitest';
import cases from '../../../tests/vectors/coordinates.json';
import { axis, coarsen, spacingOf } from '../../neural-img/src/coordinates.ts';

interface Case {
  n: number;
  start?: number;
  count?: number;
  size?: number;
  values?: number[];
  first3?: number[];
  last?: number;
}

test.each(cases as Case[])('coordinates of $n pixels from $start are the same as in Python', (expected) => {
  const { n, start = 0, count = n, size = count } = expected;
  const values = [...axis(n, { start, count }, size)];
  expect(values).toHaveLength(size);
  if (expected.values) expect(values).toEqual(expected.values);
  if (expected.first3) expect(values.slice(0, 3)).toEqual(expected.first3);
  if (expected.last) expect(values.at(-1)).toBe(expected.last);
});

test('the whole axis has its samples at pixel centres', () => {
  const centres = Float32Array.from({ length: 600 }, (_, j) => (2 * j + 1) / 600 - 1);
  expect(axis(600)).toEqual(centres);
});

test('samples in reverse are as far apart', () => {
  expect(spacingOf(600, axis(600, undefined, 150))).toBeCloseTo(4, 5);
  expect(spacingOf(600, axis(600, undefined, 150).reverse())).toBeCloseTo(4, 5);
});

test('any crop at native size is a part of the whole', () => {
  const crops = fc.tuple(fc.integer({ min: 1, max: 5000 }), fc.nat(), fc.nat());
  fc.assert(
    fc.property(crops, ([n, a, b]) => {
      const start = a % n;
      const count = 1 + (b % (n - start));
      expect(axis(n, { start, count })).toEqual(axis(n).slice(start, start + count));
    }),
  );
});

test.each([
  [96, 8, 12],
  [20, 8, 2.5],
  [1, 8, 1],
])('a coarse sample lies in the middle of the samples that it replaces: %i by %i', (n, step, size) => {
  const whole = axis(n);
  const coarse = coarsen(whole, step);
  expect(coarse).toHaveLength(Math.ceil(size));
  coarse.forEach((value, k) => {
    const middle = n === 1 ? 0 : ((k + 0.5) * step * 2) / n - 1;
    expect(value).toBeCloseTo(middle, 6);
  });
});

test.each([
  [axis(768), 1],
  [axis(768, { start: 100, count: 50 }, 20), 2.5],
  [axis(768, undefined, 2), 384],
  [axis(768, undefined, 1), 1],
])('spacing is measured in native pixels, %#', (samples, spacing) => {
  expect(spacingOf(768, samples)).toBeCloseTo(spacing, 4);
});
