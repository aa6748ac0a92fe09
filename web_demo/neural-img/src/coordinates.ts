/** A stretch of one axis of the native picture, in native pixels; fractions are allowed. */
export interface Span {
  start: number;
  count: number;
}

/**
 * Coordinates of `size` samples, spread evenly over `span` of an axis of `n` native pixels.
 *
 * The whole axis covers [-1, 1]; native pixel j is the point (2j + 1) / n - 1, its centre. The order of operations matters: results
 * are bit by bit those of the Python runtime (tests/vectors/coordinates.json).
 */
export function axis(n: number, span: Span = { start: 0, count: n }, size = span.count): Float32Array {
  return Float32Array.from(
    { length: size },
    (_, k) => ((span.start + ((k + 0.5) * span.count) / size) * 2) / n - 1,
  );
}

/** Distance from one sample to the next, in native pixels, on an axis of `n`; 1 for a single sample. */
export function spacingOf(n: number, samples: Float32Array): number {
  const [first = 0, last = 0, steps] = [samples[0], samples.at(-1), samples.length - 1];
  return steps > 0 ? (Math.abs((last - first) / steps) * n) / 2 : 1;
}

/** The centres of groups of `step` samples; the last group counts as complete even if it has fewer samples. */
export function coarsen(samples: Float32Array, step: number): Float32Array {
  const first = samples[0] ?? 0;
  const pitch = samples.length > 1 ? ((samples.at(-1) ?? 0) - first) / (samples.length - 1) : 0;
  const middle = (step - 1) / 2;
  return Float32Array.from(
    { length: Math.ceil(samples.length / step) },
    (_, k) => first + (k * step + middle) * pitch,
  );
}
