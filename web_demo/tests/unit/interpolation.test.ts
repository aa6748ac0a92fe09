import { expect, test } from 'vitest';
import { NOISE, points, spectrum, weights } from '../../neural-img/src/interpolation.ts';

const STRETCH = Float32Array.from({ length: 100 }, (_, k) => -0.4 + (0.65 * k) / 99);

test.each([1, 2, 7, 20])('polynomials below %i points are exact', (count) => {
  const at = points(STRETCH[0] ?? 0, STRETCH.at(-1) ?? 0, count);
  const taken = weights(STRETCH, count);
  for (let power = 0; power < count; power++)
    STRETCH.forEach((coordinate, k) => {
      const sum = at.reduce(
        (sum, place, i) => sum + place ** power * (taken[i * STRETCH.length + k] ?? 0),
        0,
      );
      expect(sum).toBeCloseTo(coordinate ** power, 5);
    });
});

test('a stretch of one coordinate', () => {
  expect([...points(0.25, 0.25, 3)]).toEqual([0.25, 0.25, 0.25]);
  expect(weights(Float32Array.of(0.25), 3).reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 6);
});

test('a spectrum has the largest coefficient of each degree, but no noise', () => {
  const cosines = (...sizes: [degree: number, size: number][]) =>
    Array.from({ length: 16 }, (_, k) =>
      sizes.reduce((sum, [degree, size]) => sum + size * Math.cos((degree * (k + 0.5) * Math.PI) / 16), 0),
    );
  const values = [...cosines([0, -2], [3, 0.5]), ...cosines([3, 0.25], [9, NOISE / 2])];
  const own = spectrum(Float32Array.from(values), 16);
  expect(own[0]).toBeCloseTo(2, 5);
  expect(own[3]).toBeCloseTo(0.5, 5);
  expect([...own].filter((size) => size > 0)).toHaveLength(2);
});

test('what is infinite somewhere is not smooth', () => {
  const values = new Float32Array(32);
  values[19] = Number.POSITIVE_INFINITY;
  expect(spectrum(values, 16).at(-1)).not.toBe(0);
});
