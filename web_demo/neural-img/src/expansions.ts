/**
 * Expansions: a constant array times functions of rows and functions of columns, of which a tile needs but some.
 * Functions may be seen from several places beside a point, and so is what comes out.
 */

export interface Expansion {
  /** Of each function of rows with each one of columns, [P, R, C]. */
  coefficients: Float32Array;
  /** How many functions there are: R and C. */
  counts: { rows: number; columns: number };
  /** From how many places they are seen: V and U. */
  views: { rows: number; columns: number };
  /** The values of the exported graph that give the functions, [V, R, H] and [U, C, W]. */
  values: { rows: string; columns: string };
  /**
   * The tile's inputs: the coefficients it needs, float32[P, r, c], and functions, [V, 1, h, r] of rows,
   * [U, 1, 1, c, w] of columns.
   */
  inputs: { part: string; rows: string; columns: string };
}

/** What an expansion gives, [U, V, P]: planes, seen from places across and down; and the tile's inputs for it. */
export interface Features {
  inputs: Expansion['inputs'];
  shape: { columns: number; rows: number; planes: number };
}

/** Planes that are seen from the same places across and down: one product of matrices. */
type Product = { columns: number[]; rows: number[]; planes: number[] };

/**
 * The products that give some features, by their indices in [U, V, P], and where those are among all that
 * these give.
 */
export function productsOf(
  { columns, rows, planes }: Features['shape'],
  picked: number[],
): { products: Product[]; order: number[] } {
  const total = columns * rows * planes;
  const features = picked.map((index) => (index + total) % total);
  const groups = new Map<string, Product>();
  for (let plane = 0; plane < planes; plane++) {
    const own = features.filter((feature) => feature % planes === plane);
    const places = distinct(own.map((feature) => Math.floor(feature / planes)));
    const group = groups.get(places.join());
    if (group) group.planes.push(plane);
    else if (places.length > 0)
      groups.set(places.join(), {
        columns: distinct(places.map((place) => Math.floor(place / rows))),
        rows: distinct(places.map((place) => place % rows)),
        planes: [plane],
      });
  }
  const products = [...groups.values()];
  const given = products.flatMap((own) =>
    own.columns.flatMap((u) => own.rows.flatMap((v) => own.planes.map((p) => (u * rows + v) * planes + p))),
  );
  return { products, order: features.map((feature) => given.indexOf(feature)) };
}

const distinct = (numbers: number[]) => [...new Set(numbers)].sort((a, b) => a - b);

/** An operand of an Einsum, with a letter for each axis. */
export interface Operand {
  letters: string;
  dims: readonly number[];
}

/** The functions that matter on a stretch of points. */
export interface Stretch {
  indices: number[];
  /** Their values, [views, functions, points]. */
  values: Float32Array;
}

// A window's end, sin(π), is no zero in float32.
const NEXT_TO_NOTHING = 1e-6;

/** The letter of functions' views, if they have any: the first one, unless it is the constant's, too. */
function viewLetter({ letters }: Operand, constant: Operand): string {
  const [first = ''] = letters.slice(0, -1);
  return constant.letters.includes(first) ? '' : first;
}

/** From how many places functions are seen. */
export function viewsOf(functions: Operand, constant: Operand): number {
  return viewLetter(functions, constant) ? (functions.dims[0] ?? 1) : 1;
}

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
  const [down, across] = [viewLetter(rows, constant), viewLetter(columns, constant)];
  const points = rows.letters.slice(-1) + columns.letters.slice(-1) + across + down;
  const channel = result.slice(-1);
  const order = channel + rows.letters.slice(down.length, -1) + columns.letters.slice(across.length, -1);
  const isOnce = new Set(order + points).size === order.length + points.length;
  const isWhole = isOnce && sorted(order) === sorted(constant.letters);
  const fits = [rows, columns, constant].every(({ letters, dims }) => letters.length === dims.length);
  return isWhole && result === points + channel && fits && haveSameSizes([rows, columns], constant)
    ? order
    : undefined;
}

const sorted = (letters: string) => [...letters].sort().join('');

/** Whether all axes of functions are as long in the constant: Einsum would repeat one of length 1. */
function haveSameSizes(functions: Operand[], constant: Operand): boolean {
  const sizeIn = ({ letters, dims }: Operand, letter: string) => dims[letters.indexOf(letter)];
  const shared = (own: Operand) => [...own.letters].filter((letter) => constant.letters.includes(letter));
  return functions.every((own) =>
    shared(own).every((letter) => sizeIn(own, letter) === sizeIn(constant, letter)),
  );
}

/** An array with its axes in another order. */
export function reorder(data: Float32Array, { letters, dims }: Operand, order: string): Float32Array {
  const reordered = new Float32Array(data.length);
  const sizes = [...order].map((letter) => dims[letters.indexOf(letter)] ?? 1);
  const strides = [...letters].map((letter) => product(sizes.slice(order.indexOf(letter) + 1)));
  let from = 0;
  const walk = (axis: number, to: number) => {
    const [size = 1, stride = 0] = [dims[axis], strides[axis]];
    if (axis < dims.length - 1) {
      for (let k = 0; k < size; k++) walk(axis + 1, to + k * stride);
      return;
    }
    for (let k = 0; k < size; k++) {
      const value = data[from++] ?? 0;
      // Most are zero.
      if (value !== 0) reordered[to + k * stride] = value;
    }
  };
  walk(0, 0);
  return reordered;
}

const product = (factors: readonly number[]) => factors.reduce((all, factor) => all * factor, 1);

/** Of functions [views, count, length], those that are more than next to nothing somewhere on a stretch; at least one. */
export function stretchOf(
  functions: Float32Array,
  count: number,
  length: number,
  start: number,
  points: number,
): Stretch {
  const matters = new Set<number>();
  for (let row = 0, from = start; from < functions.length; row++, from += length)
    for (let at = from; at < from + points; at++)
      if (Math.abs(functions[at] ?? 0) > NEXT_TO_NOTHING) {
        matters.add(row % count);
        break;
      }
  const indices = matters.size > 0 ? [...matters].sort((a, b) => a - b) : [0];
  const views = functions.length / (count * length);
  const values = new Float32Array(views * indices.length * points);
  for (let view = 0, to = 0; view < views; view++)
    for (const index of indices) {
      const from = (view * count + index) * length + start;
      values.set(functions.subarray(from, from + points), to);
      to += points;
    }
  return { indices, values };
}

/** Functions of so many points as [views, points, functions]. */
export function transposed({ indices, values }: Stretch, points: number): Float32Array {
  const turned = new Float32Array(values.length);
  const count = indices.length;
  for (let view = 0; view < values.length; view += count * points)
    for (let index = 0, from = view; index < count; index++)
      for (let point = 0; point < points; point++) turned[view + point * count + index] = values[from++] ?? 0;
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
