/** A stretch of one axis of the native picture, in native pixels; fractions are allowed. */
export interface Span {
  start: number;
  count: number;
}

/**
 * Where the network is asked: `size` sample centres spread over `span` of an axis of `n` native pixels.
 *
 * The whole axis covers [-1, 1], so native pixel j sits at its centre, (2j + 1) / n - 1.
 * The order of operations is part of the contract with Python (tests/vectors/coordinates.json).
 */
export function axis(n: number, span: Span = { start: 0, count: n }, size = span.count): Float32Array {
  return Float32Array.from(
    { length: size },
    (_, k) => ((span.start + ((k + 0.5) * span.count) / size) * 2) / n - 1,
  );
}

/** Native pixels of an axis of `n` from one sample to the next; 1 of a single sample, which tells of none. */
export function spacingOf(n: number, samples: Float32Array): number {
  const [first = 0, last = 0, steps] = [samples[0], samples.at(-1), samples.length - 1];
  return steps > 0 ? (((last - first) / steps) * n) / 2 : 1;
}

/** The middles of stretches of `step` samples; the last stretch keeps its length though samples may be missing. */
export function coarsen(samples: Float32Array, step: number): Float32Array {
  const first = samples[0] ?? 0;
  const pitch = samples.length > 1 ? ((samples.at(-1) ?? 0) - first) / (samples.length - 1) : 0;
  const middle = (step - 1) / 2;
  return Float32Array.from(
    { length: Math.ceil(samples.length / step) },
    (_, k) => first + (k * step + middle) * pitch,
  );
}
