/** Makes latents of the coefficients decoded from an `.anir` file (docs/format.md, "Values"). */
import { LEAST_FREQUENCIES } from './lapped_transform.ts';
import { ModelError } from './model_error.ts';
import type { Latents } from './network.ts';

/** Most different magnitudes, as codes are signed 16-bit integers. */
const MOST_MAGNITUDES = 1 << 15;

/**
 * Makes latents of coefficients [rows, columns, planes, pitch, pitch], given their first three lengths.
 *
 * A code is the index of its magnitude among those that occur, so codes are as small as possible. `step` is what a
 * coefficient of 1 unit stands for in the lapped transform.
 */
export function latentsOf(
  values: Int32Array,
  [rows, columns, planes]: [number, number, number],
  step: number,
  pitch: number,
  reach: number,
): Latents {
  const cellOf = (row: number, column: number, plane: number) =>
    ((row * columns + column) * planes + plane) * pitch ** 2;
  const mean = (row: number, column: number, plane: number) => values[cellOf(row, column, plane)] as number;
  const down = goesDown(rows, columns, planes, mean);
  const order = frequenciesUsed(values, pitch);
  const [along, across] = down ? [rows, columns] : [columns, rows];
  const scanned = new Int32Array(planes * along * across * order ** 2);
  let to = 0;
  for (let plane = 0; plane < planes; plane++)
    for (let a = 0; a < along; a++)
      for (let b = 0; b < across; b++) {
        const first = to;
        const cell = down ? cellOf(a, b, plane) : cellOf(b, a, plane);
        for (let i = 0; i < order; i++)
          for (let j = 0; j < order; j++)
            scanned[to++] = values[cell + (down ? i * pitch + j : j * pitch + i)] as number;
        const before = down ? mean(a - 1, b, plane) : mean(b, a - 1, plane);
        if (a > 0) scanned[first] = (scanned[first] as number) - before;
      }
  return { ...indexed(scanned), shape: [along, across, order], step, pitch, down, reach };
}

/** Whether the scan goes down: whether means differ less from one row to the next than from one column to the next. */
function goesDown(
  rows: number,
  columns: number,
  planes: number,
  mean: (row: number, column: number, plane: number) => number,
): boolean {
  let [downwards, rightwards] = [0, 0];
  for (let plane = 0; plane < planes; plane++)
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++) {
        const own = mean(row, column, plane);
        if (row > 0) downwards += Math.abs(own - mean(row - 1, column, plane));
        if (column > 0) rightwards += Math.abs(own - mean(row, column - 1, plane));
      }
  return downwards < rightwards;
}

/** Number of frequencies along each axis up to the highest one with a nonzero coefficient, at least 4. */
function frequenciesUsed(values: Int32Array, pitch: number): number {
  let last = LEAST_FREQUENCIES - 1;
  for (let at = 0; at < values.length; at++)
    if (values[at] !== 0) last = Math.max(last, at % pitch, Math.floor(at / pitch) % pitch);
  return last + 1;
}

/** Returns the values as codes, and the magnitudes that codes 0, 1, 2 … stand for. */
function indexed(values: Int32Array): { codes: Int16Array; magnitudes: Float32Array } {
  // Most values are zero: skipping these is quicker.
  const occurring = new Set([0]);
  for (let at = 0; at < values.length && occurring.size <= MOST_MAGNITUDES; at++)
    if (values[at] !== 0) occurring.add(Math.abs(values[at] as number));
  if (occurring.size > MOST_MAGNITUDES)
    throw new ModelError('This file has more different coefficients than this decoder takes.');
  const magnitudes = Int32Array.from(occurring).sort();
  const index = new Map([...magnitudes].map((magnitude, code) => [magnitude, code]));
  const codes = new Int16Array(values.length);
  for (let at = 0; at < values.length; at++)
    if (values[at] !== 0) {
      const value = values[at] as number;
      codes[at] = Math.sign(value) * (index.get(Math.abs(value)) as number);
    }
  return { codes, magnitudes: Float32Array.from(magnitudes) };
}
