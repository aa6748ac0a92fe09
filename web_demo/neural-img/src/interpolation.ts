/** Functions of columns or rows by their values at few points: Chebyshev interpolation on short stretches. */

/** Coefficients up to here are rounding errors of float32 functions of arguments up to some 60. */
export const NOISE = 2e-6;

/** So many points between two coordinates: Chebyshev's, which are densest at the ends. */
export function points(first: number, last: number, count: number): Float32Array {
  const [middle, half] = [(first + last) / 2, (last - first) / 2];
  return Float32Array.from({ length: count }, (_, k) => middle + half * Math.cos(angle(k, count)));
}

/**
 * What coordinates of a stretch take of the values at its points, [count, coordinates]: exact for polynomials of a
 * lower degree than the number of points.
 */
export function weights(stretch: Float32Array, count: number): Float32Array {
  const [first = 0, last = 0] = [stretch[0], stretch.at(-1)];
  // A single coordinate is a stretch, too.
  const half = Math.max((last - first) / 2, 1e-9);
  const shares = transform(count);
  const taken = new Float32Array(count * stretch.length);
  stretch.forEach((coordinate, at) => {
    const place = (coordinate - (first + last) / 2) / half;
    const own = Math.acos(Math.min(Math.max(place, -1), 1));
    const cosines = Float64Array.from({ length: count }, (_, degree) => Math.cos(degree * own));
    for (let point = 0; point < count; point++) {
      let sum = 0;
      for (let degree = 0; degree < count; degree++)
        sum += (shares[point * count + degree] as number) * (cosines[degree] as number);
      taken[point * stretch.length + at] = sum;
    }
  });
  return taken;
}

/**
 * What Chebyshev coefficients of functions with these values at points, [functions, count], do not exceed; what is no
 * number stays none.
 */
export function spectrum(values: Float32Array, count: number): Float64Array {
  const shares = transform(count);
  const largest = new Float64Array(count);
  for (let start = 0; start < values.length; start += count)
    for (let degree = 0; degree < count; degree++) {
      let sum = 0;
      for (let point = 0; point < count; point++)
        sum += (values[start + point] as number) * (shares[point * count + degree] as number);
      largest[degree] = Math.max(largest[degree] as number, Math.abs(sum));
    }
  return largest.map((size) => (size <= NOISE ? 0 : size));
}

/** Chebyshev coefficients of values at points, [points, degrees]. */
function transform(count: number): Float64Array {
  return Float64Array.from({ length: count * count }, (_, k) => {
    const [point, degree] = [Math.floor(k / count), k % count];
    return (Math.cos(angle(point, count) * degree) * (degree ? 2 : 1)) / count;
  });
}

const angle = (point: number, count: number) => ((point + 0.5) * Math.PI) / count;
