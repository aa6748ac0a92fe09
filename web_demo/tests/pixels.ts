/** What counts as the same picture: at most one level apart, in at most a thousandth of the values. */
import { expect } from 'vitest';

export const withoutAlpha = (rgba: ArrayLike<number>) => Array.from(rgba).filter((_, k) => k % 4 !== 3);

export function expectSamePixels(got: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(got.length).toBe(expected.length);
  const steps = Array.from(expected, (value, k) => Math.abs(value - (got[k] ?? Number.NaN)));
  expect(Math.max(...steps)).toBeLessThanOrEqual(1);
  expect(steps.filter((step) => step > 0).length).toBeLessThanOrEqual(0.001 * steps.length);
}
