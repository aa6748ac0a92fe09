/** Interpolation of smooth functions between Chebyshev nodes (Trefethen, Approximation Theory, ch. 2–4). */

/** Upper bounds, by degree, of the Chebyshev coefficients of some functions. */
export type Spectrum = Float64Array;

/** Coefficients up to this are rounding errors: float32 functions of arguments up to some 60 radians. */
export const NOISE = 2e-6;

/** Nodes at which functions are sampled to judge how smooth they are; those that need more are not interpolated. */
const SAMPLES = 64;

/** The Chebyshev nodes on the interval from the first to the last coordinate of a stretch. */
export function nodes(stretch: Float32Array, count: number): Float32Array {
  const { middle, half } = interval(stretch);
  return Float32Array.from({ length: count }, (_, k) => middle + half * Math.cos(angle(k, count)));
}

/**
 * Weights, [count, coordinates], that give values at coordinates from values at their `nodes`: exact for polynomials of a
 * degree below `count`.
 */
export function interpolation(stretch: Float32Array, count: number): Float32Array {
  const { middle, half } = interval(stretch);
  const [matrix, weights] = [transform(count), new Float32Array(count * stretch.length)];
  stretch.forEach((coordinate, at) => {
    const own = Math.acos(Math.min(Math.max((coordinate - middle) / half, -1), 1));
    const cosines = Float64Array.from({ length: count }, (_, degree) => Math.cos(degree * own));
    for (let node = 0; node < count; node++)
      weights[node * stretch.length + at] = dot(cosines, matrix.subarray(node * count, (node + 1) * count));
  });
  return weights;
}

/** The spectrum of functions of t in [-1, 1]; nothing if they are too rough. */
export function spectrum(functions: ((t: number) => number)[]): Spectrum | undefined {
  const largest = new Float64Array(SAMPLES);
  for (const own of functions) {
    const values = Float64Array.from({ length: SAMPLES }, (_, k) => own(Math.cos(angle(k, SAMPLES))));
    for (let degree = 0; degree < SAMPLES; degree++) {
      let sum = 0;
      for (let k = 0; k < SAMPLES; k++)
        sum += (values[k] as number) * (JUDGE[k * SAMPLES + degree] as number);
      largest[degree] = Math.max(largest[degree] as number, Math.abs(sum));
    }
  }
  // No number is small enough if one is none.
  return largest.subarray(-2).every((size) => size <= NOISE)
    ? largest.subarray(0, nodesFor(largest))
    : undefined;
}

/** Number of nodes that functions of this spectrum need. */
const nodesFor = (of: Spectrum) => of.findLastIndex((size) => size > NOISE) + 1 || 1;

/** The spectrum of products of two functions: degrees add up. */
export function product(a: Spectrum, b: Spectrum): Spectrum {
  const all = new Float64Array(a.length + b.length - 1);
  a.forEach((size, i) => {
    b.forEach((other, j) => {
      all[i + j] = (all[i + j] as number) + size * other;
    });
  });
  return all;
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
const JUDGE = transform(SAMPLES);
