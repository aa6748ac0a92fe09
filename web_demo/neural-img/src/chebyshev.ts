/**
 * Interpolation of smooth functions at Chebyshev nodes of a stretched coordinate.
 *
 * Chebyshev nodes crowd at the ends of an interval. Here polynomials are in s = sin(t arcsin α) / α, for t in [-1, 1]; their nodes lie
 * more evenly in t, and waves need up to a third fewer of them (Kosloff and Tal-Ezer 1993; Trefethen, Approximation Theory, ch. 2–4
 * and 22).
 */

/** A function on [-1, 1]. */
type Function = (t: number) => number;

/** Coefficients whose magnitudes add up to less than this are left out: that is within float32's rounding errors. */
const NOISE = 2e-7;

/** Nodes at which functions are sampled to see how many nodes they need; numbers that are not below this count as infinite. */
const SAMPLES = 256;

/** Stands for a distance of 0, to avoid dividing by it. */
const TINY = 1e-99;

/** The stretching itself errs by e⁻²⁶, which is negligible in float32. */
const STRETCH_ERROR = 26;

/** `count` nodes on the interval from the first to the last coordinate of a stretch. */
export function nodes(stretch: Float32Array, count: number): Float32Array {
  const { middle, half } = interval(stretch);
  return Float32Array.from(lattice(count, alpha(count)), (t) => middle + half * t);
}

/**
 * The matrix [count, coordinates] from values at `nodes` to values of the interpolating polynomial at the coordinates, by the second
 * form of the barycentric formula (Berrut and Trefethen 2004, eq. 4.2 and 5.3).
 */
export function interpolation(stretch: Float32Array, count: number): Float32Array {
  const [{ middle, half }, a] = [interval(stretch), alpha(count)];
  const own = Float64Array.from({ length: count }, (_, k) => Math.cos(angle(k, count)));
  const factors = own.map((_, k) => (k % 2 ? -1 : 1) * Math.sin(angle(k, count)));
  const weights = new Float32Array(count * stretch.length);
  stretch.forEach((coordinate, at) => {
    const s = Math.sin(clamped((coordinate - middle) / half) * Math.asin(a)) / a;
    // At a node, TINY makes all other weights negligible.
    const shares = factors.map((factor, k) => factor / (s - (own[k] as number) || TINY));
    const sum = shares.reduce((all, share) => all + share, 0);
    shares.forEach((share, k) => {
      weights[k * stretch.length + at] = share / sum;
    });
  });
  return weights;
}

/** Number of nodes that these functions, times `size`, need; infinite if it is not below SAMPLES. */
export function nodesNeeded(functions: Function[], size: number): number {
  // Bisection works because with more nodes, which also lie more evenly, fewer degrees matter.
  let [least, most] = [1, SAMPLES];
  while (least < most) {
    const middle = (least + most) >> 1;
    if (size * beyond(functions, middle) <= NOISE) most = middle;
    else least = middle + 1;
  }
  return least < SAMPLES ? least : Number.POSITIVE_INFINITY;
}

/** Of the worst of the functions, the sum of its coefficients' magnitudes from degree `count` on, in the coordinate of `count` nodes. */
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

/** The stretching parameter α for `count` nodes: 0 gives Chebyshev nodes, 1 evenly spaced ones. */
const alpha = (count: number) => 1 / Math.cosh(STRETCH_ERROR / count);

/** `count` nodes on [-1, 1]. */
function lattice(count: number, a: number): Float64Array {
  return Float64Array.from(
    { length: count },
    (_, k) => Math.asin(a * Math.cos(angle(k, count))) / Math.asin(a),
  );
}

/** The matrix [nodes, degrees] from values at nodes to Chebyshev coefficients. */
function transform(count: number): Float64Array {
  const matrix = new Float64Array(count * count);
  for (let node = 0, at = 0; node < count; node++)
    for (let degree = 0; degree < count; degree++)
      matrix[at++] = (Math.cos(angle(node, count) * degree) * (degree ? 2 : 1)) / count;
  return matrix;
}

/** Middle and half length of a stretch's interval, which is not empty even for a single coordinate. */
function interval(stretch: Float32Array): { middle: number; half: number } {
  const [first = 0, last = 0] = [stretch[0], stretch.at(-1)];
  return { middle: (first + last) / 2, half: Math.max((last - first) / 2, 1e-9) };
}

const angle = (node: number, count: number) => ((node + 0.5) * Math.PI) / count;
const clamped = (t: number) => Math.min(Math.max(t, -1), 1);
/** `transform(SAMPLES)`, computed when it is first needed. */
let judge: Float64Array | undefined;
