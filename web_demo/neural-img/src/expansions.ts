/** Expansions: a constant array times functions of rows and functions of columns, of which a tile needs but some. */

export interface Expansion {
  /** Of each function of rows with each one of columns, [P, R, C]. */
  coefficients: Float32Array;
  /** How many functions there are: R and C. */
  counts: { rows: number; columns: number };
  /** The values of the exported graph that give the functions, [R, H] and [C, W]. */
  values: { rows: string; columns: string };
  /** The tile's inputs: the coefficients it needs, float32[P, r, c], and functions, [h, r] of rows, [c, w] of columns. */
  inputs: { part: string; rows: string; columns: string };
}

/** An operand of an Einsum, with a letter for each axis. */
export interface Operand {
  letters: string;
  dims: readonly number[];
}

/** The functions that matter on a stretch of points. */
export interface Stretch {
  indices: number[];
  /** Their values, [functions, points]. */
  values: Float32Array;
}

// A window's end, sin(π), is no zero in float32.
const NEXT_TO_NOTHING = 1e-6;

/**
 * The letters of a constant's axes as they are in an expansion: its own, those of the functions of rows, and of columns;
 * nothing where an Einsum is of another kind.
 */
export function expansionOrder(
  result: string,
  rows: Operand,
  columns: Operand,
  constant: Operand,
): string | undefined {
  const points = rows.letters.slice(-1) + columns.letters.slice(-1);
  const channel = result.slice(2);
  const order = channel + rows.letters.slice(0, -1) + columns.letters.slice(0, -1);
  const isOnce = new Set(order + points).size === order.length + 2;
  const isWhole = isOnce && channel.length === 1 && sorted(order) === sorted(constant.letters);
  const fits = [rows, columns, constant].every(({ letters, dims }) => letters.length === dims.length);
  return isWhole && result === points + channel && fits && haveSameSizes([rows, columns], constant)
    ? order
    : undefined;
}

const sorted = (letters: string) => [...letters].sort().join('');

/** Whether all axes of functions are as long in the constant: Einsum would repeat one of length 1. */
function haveSameSizes(functions: Operand[], constant: Operand): boolean {
  const sizeOf = (letter: string) => constant.dims[constant.letters.indexOf(letter)];
  return functions.every(({ letters, dims }) =>
    [...letters.slice(0, -1)].every((letter, axis) => sizeOf(letter) === dims[axis]),
  );
}

/** An array with its axes in another order. */
export function reorder(data: Float32Array, { letters, dims }: Operand, order: string): Float32Array {
  const reordered = new Float32Array(data.length);
  const sizes = [...order].map((letter) => dims[letters.indexOf(letter)] ?? 1);
  const strides = [...order].map((letter) => product(dims.slice(letters.indexOf(letter) + 1)));
  let to = 0;
  const walk = (axis: number, from: number) => {
    const [size = 1, stride = 0] = [sizes[axis], strides[axis]];
    if (axis < sizes.length - 1) for (let k = 0; k < size; k++) walk(axis + 1, from + k * stride);
    else for (let k = 0; k < size; k++) reordered[to++] = data[from + k * stride] ?? 0;
  };
  walk(0, 0);
  return reordered;
}

const product = (factors: readonly number[]) => factors.reduce((all, factor) => all * factor, 1);

/** Of functions [R, length], those that are more than next to nothing somewhere on a stretch; at least one. */
export function stretchOf(functions: Float32Array, length: number, start: number, points: number): Stretch {
  const indices: number[] = [];
  for (let index = 0, from = start; from < functions.length; index++, from += length)
    for (let at = from; at < from + points; at++)
      if (Math.abs(functions[at] ?? 0) > NEXT_TO_NOTHING) {
        indices.push(index);
        break;
      }
  if (indices.length === 0) indices.push(0);
  const values = new Float32Array(indices.length * points);
  indices.forEach((index, k) => {
    const from = index * length + start;
    values.set(functions.subarray(from, from + points), k * points);
  });
  return { indices, values };
}

/** Functions as [points, functions]. */
export function transposed({ indices, values }: Stretch): Float32Array {
  const points = values.length / indices.length;
  const turned = new Float32Array(values.length);
  for (let index = 0, from = 0; index < indices.length; index++)
    for (let point = 0; point < points; point++) turned[point * indices.length + index] = values[from++] ?? 0;
  return turned;
}

/** The coefficients of some functions of rows, [P, r, C]. */
export function rowsOf({ coefficients, counts }: Expansion, indices: number[]): Float32Array {
  const { rows, columns } = counts;
  const planes = coefficients.length / (rows * columns);
  const some = new Float32Array(planes * indices.length * columns);
  for (let plane = 0, to = 0; plane < planes; plane++)
    for (const index of indices) {
      const from = (plane * rows + index) * columns;
      some.set(coefficients.subarray(from, from + columns), to);
      to += columns;
    }
  return some;
}

/** Of coefficients [P, r, C] those of some functions of columns, [P, r, c]. */
export function columnsOf(coefficients: Float32Array, columns: number, indices: number[]): Float32Array {
  const some = new Float32Array((coefficients.length / columns) * indices.length);
  for (let from = 0, to = 0; from < coefficients.length; from += columns)
    for (const index of indices) some[to++] = coefficients[from + index] ?? 0;
  return some;
}
