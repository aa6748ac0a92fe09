import { expect, test } from 'vitest';
import { interpolation, nodes, product, spectrum } from '../../neural-img/src/chebyshev.ts';
import { vectors } from '../vectors.ts';

interface Case {
  count: number;
  at: number[];
  nodes: number[];
  weights: number[][];
}

test.each(vectors<Case[]>('chebyshev'))(
  'nodes and weights are Python’s, %#',
  ({ count, at, ...expected }) => {
    const stretch = Float32Array.from(at);
    nodes(stretch, count).forEach((node, k) => {
      expect(node).toBeCloseTo(expected.nodes[k] ?? Number.NaN, 5);
    });
    const weights = interpolation(stretch, count);
    expect(weights.length).toBe(expected.weights.flat().length);
    expected.weights.flat().forEach((weight, k) => {
      expect(weights[k]).toBeCloseTo(weight, 5);
    });
  },
);

test('polynomials of a degree below the number of nodes are interpolated exactly', () => {
  const [stretch, polynomial] = [Float32Array.of(0.25, 0.3, 0.5, 0.75), (x: number) => 3 * x ** 3 - x + 2];
  const values = nodes(stretch, 4).map(polynomial);
  const weights = interpolation(stretch, 4);
  stretch.forEach((x, at) => {
    const sum = values.reduce((all, value, node) => all + value * (weights[node * 4 + at] ?? 0), 0);
    expect(sum).toBeCloseTo(polynomial(x), 5);
  });
});

test('a spectrum has the largest coefficient of each degree', () => {
  const both = spectrum([(t) => 2 * t ** 2 - 1, (t) => 3 * t]);
  expect(Array.from(both ?? [], (size) => Math.round(size * 1e6) / 1e6)).toEqual([0, 3, 1]);
});

test('what is too rough has no spectrum, nor has what is no number', () => {
  expect(spectrum([(t) => Math.sin(200 * t)])).toBeUndefined();
  expect(spectrum([() => Number.NaN])).toBeUndefined();
});

test('degrees of products add up', () => {
  expect([...product(Float64Array.of(1, 2), Float64Array.of(3, 0, 4))]).toEqual([3, 6, 4, 8]);
});
