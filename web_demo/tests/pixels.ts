/** Compares pictures: they are the same if values differ by at most 1, and at most one in a thousand differs at all. */
import { expect } from 'vitest';

export const withoutAlpha = (rgba: ArrayLike<number>) => Array.from(rgba).filter((_, k) => k % 4 !== 3);

/** Converts pixels of one, three or four channels to RGBA. */
export function asRgba(pixels: number[], colours: number): number[] {
  const of = (pixel: number, k: number) => pixels[pixel * colours + (k % colours)] as number;
  return Array.from({ length: (pixels.length / colours) * 4 }, (_, at) => {
    const [pixel, k] = [Math.floor(at / 4), at % 4];
    return k < Math.max(colours, 3) ? of(pixel, k) : 255;
  });
}

export function expectSamePixels(got: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(got.length).toBe(expected.length);
  const steps = Array.from(expected, (value, k) => Math.abs(value - (got[k] ?? Number.NaN)));
  expect(Math.max(...steps)).toBeLessThanOrEqual(1);
  expect(steps.filter((step) => step > 0).length).toBeLessThanOrEqual(0.001 * steps.length);
}
