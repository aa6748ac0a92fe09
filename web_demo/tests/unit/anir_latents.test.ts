import { expect, test } from 'vitest';
import { latentsOf } from '../../neural-img/src/anir_latents.ts';
import { meansOf, valueOfCode } from '../../neural-img/src/lapped_transform.ts';

const PITCH = 16;

/** Coefficients of rows × columns cells, all 0 but some: [row, column, plane, vertical and horizontal frequency, value]. */
function coefficients(
  [rows, columns]: [number, number],
  some: [number, number, number, number, number, number][],
): Int32Array {
  const values = new Int32Array(rows * columns * 3 * PITCH ** 2);
  for (const [row, column, plane, u, v, value] of some)
    values[(((row * columns + column) * 3 + plane) * PITCH + u) * PITCH + v] = value;
  return values;
}

test('DC codes are differences down columns if these are smaller', () => {
  const means = [4, 40, 7, 45, 9, 52];
  const cells: [number, number] = [3, 2];
  const values = coefficients(
    cells,
    means.map((mean, k) => [k >> 1, k & 1, 0, 0, 0, mean]),
  );
  values.set(
    coefficients(cells, [[2, 1, 1, 4, 2, -7]]).filter((value) => value !== 0),
    (5 * 3 + 1) * 256 + 66,
  );
  const latents = latentsOf(values, [...cells, 3], 0.5, PITCH, 2);
  expect(latents).toMatchObject({ shape: [3, 2, 5], step: 0.5, pitch: 16, down: true, reach: 2 });
  expect([...(latents.magnitudes ?? [])]).toEqual([0, 2, 3, 4, 5, 7, 40]);
  expect([...meansOf(latents)].slice(0, 6)).toEqual(means);
  const cell = 6 + 5;
  expect(valueOfCode(latents, latents.codes[cell * 25 + 4 * 5 + 2] ?? 0)).toBe(-7);
});

test('DC codes are differences along rows otherwise, with frequencies transposed', () => {
  const values = coefficients(
    [2, 2],
    [
      [0, 0, 2, 0, 0, 10],
      [0, 1, 2, 0, 0, 11],
      [1, 0, 2, 0, 0, -30],
      [1, 1, 2, 0, 0, -31],
      [1, 0, 2, 3, 1, 9],
    ],
  );
  const latents = latentsOf(values, [2, 2, 3], 1, PITCH, 1);
  expect([latents.down, latents.shape]).toEqual([false, [2, 2, 4]]);
  // The scan now goes to the right: [column][row].
  expect([...meansOf(latents)].slice(8)).toEqual([10, -30, 11, -31]);
  const cell = 8 + 1;
  expect(valueOfCode(latents, latents.codes[cell * 16 + 1 * 4 + 3] ?? 0)).toBe(9);
});

test('a picture of zeros has an order of four', () => {
  const latents = latentsOf(coefficients([1, 1], []), [1, 1, 3], 1, PITCH, 1);
  expect(latents).toMatchObject({ shape: [1, 1, 4], magnitudes: Float32Array.of(0) });
  expect(latents.codes).toEqual(new Int16Array(48));
});

test('too many different magnitudes are refused', () => {
  const values = Int32Array.from({ length: 16 * 16 * 3 * 256 }, (_, k) => k);
  expect(() => latentsOf(values, [16, 16, 3], 1, PITCH, 1)).toThrow('more different coefficients');
});
