/**
 * Interpolation of smooth functions between nodes that are Chebyshev's in a stretched coordinate.
 *
 * Chebyshev nodes crowd at the ends of an interval. In s = sin(t arcsin α) / α for t in [-1, 1], which Chebyshev polynomials are
 * of here, they lie more evenly, and waves need up to a third fewer of them (Kosloff and Tal-Ezer 1993; Trefethen, Approximation
 * Theory, ch. 2–4 and 22).
 */

/** A function on [-1, 1]. */
export type Function = (t: number) => number;

/** Coefficients that add up to this are rounding errors. */
const NOISE = 2e-7;

/** Nodes at which functions are sampled to judge how smooth they are; as many are never taken. */
const SAMPLES = 256;

/** Natural logarithm, without its sign, of how much the stretching itself errs: next to nothing in float32. */
const ENDS = 26;

/** The nodes on the interval from the first to the last coordinate of a stretch. */
export function nodes(stretch: Float32Array, count: number): Float32Array {
  const { middle, half } = interval(stretch);
  return Float32Array.from(lattice(count, alpha(count)), (t) => middle + half * t);
}

/** Weights, [count, coordinates], that give values at coordinates from values at their `nodes`. */
export function interpolation(stretch: Float32Array, count: number): Float32Array {
  const [{ middle, half }, a] = [interval(stretch), alpha(count)];
  const [matrix, weights] = [transform(count), new Float32Array(count * stretch.length)];
  stretch.forEach((coordinate, at) => {
    const own = Math.acos(clamped(Math.sin(clamped((coordinate - middle) / half) * Math.asin(a)) / a));
    const cosines = Float64Array.from({ length: count }, (_, degree) => Math.cos(degree * own));
    for (let node = 0; node < count; node++)
      weights[node * stretch.length + at] = dot(cosines, matrix.subarray(node * count, (node + 1) * count));
  });
  return weights;
}

/** Nodes that these functions, times `size`, need; infinitely many if as many are not taken. */
export function nodesNeeded(functions: Function[], size: number): number {
  // The more nodes, the more evenly they lie, and the lower are the degrees that count.
  let [least, most] = [1, SAMPLES];
  while (least < most) {
    const middle = (least + most) >> 1;
    if (size * beyond(functions, middle) <= NOISE) most = middle;
    else least = middle + 1;
  }
  return least < SAMPLES ? least : Number.POSITIVE_INFINITY;
}

/** The most that a function's coefficients from a degree on add up to, in the coordinate of so many nodes. */
function beyond(functions: Function[], count: number): number {
  judge ??= transform(SAMPLES);
  const [matrix, at] = [judge, lattice(SAMPLES, alpha(count))];
  const sums = functions.map((own) => {
    const coefficients = new Float64Array(SAMPLES - count);
    at.forEach((t, node) => {
      const [value, from] = [own(t), node * SAMPLES + count];
      for (let k = 0; k < coefficients.length; k++)
        coefficients[k] = (coefficients[k] as number) + value * (matrix[from + k] as number);
    });
    return coefficients.reduce((sum, size) => sum + Math.abs(size), 0);
  });
  return Math.max(...sums);
}

/** How even so many nodes are: Chebyshev's own for 0, evenly spaced for 1. */
const alpha = (count: number) => 1 / Math.cosh(ENDS / count);

/** Nodes on [-1, 1]. */
function lattice(count: number, a: number): Float64Array {
  return Float64Array.from(
    { length: count },
    (_, k) => Math.asin(a * Math.cos(angle(k, count))) / Math.asin(a),
  );
}

/** Matrix [nodes, degrees] from values at nodes to Chebyshev coefficients. */
function transform(count: number): Float64Array {
  const matrix = new Float64Array(count * count);
  for (let node = 0, at = 0; node < count; node++)
    for (let degree = 0; degree < count; degree++)
      matrix[at++] = (Math.cos(angle(node, count) * degree) * (degree ? 2 : 1)) / count;
  return matrix;
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, k) => sum + value * (b[k] as number), 0);
}

/** Middle and half length; a single coordinate has an interval, too. */
function interval(stretch: Float32Array): { middle: number; half: number } {
  const [first = 0, last = 0] = [stretch[0], stretch.at(-1)];
  return { middle: (first + last) / 2, half: Math.max((last - first) / 2, 1e-9) };
}

const angle = (node: number, count: number) => ((node + 0.5) * Math.PI) / count;
const clamped = (t: number) => Math.min(Math.max(t, -1), 1);
/** Made when it is first needed. */
let judge: Float64Array | undefined;
