import { expect, test } from 'vitest';
import { interpolation, nodes, nodesNeeded } from '../../neural-img/src/chebyshev.ts';
import { vectors } from '../vectors.ts';

interface Case {
  count: number;
  at: number[];
  nodes: number[];
  weights: number[][];
}

test.each(vectors<Case[]>('chebyshev'))(
  'nodes and weights are the same as in Python, %#',
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

const waves = (radians: number) => [
  (t: number) => Math.sin(radians * t),
  (t: number) => Math.cos(radians * t),
];

test.each([0, 3, 30, 150])(
  'the number of nodes needed suffices to interpolate a wave of %s radians',
  (radians) => {
    const stretch = Float32Array.from({ length: 100 }, (_, k) => -0.5 + k / 99);
    const count = nodesNeeded(waves(radians), 1);
    const wave = (x: number) => Math.cos(2 * radians * x + 1);
    const values = nodes(stretch, count).map(wave);
    const weights = interpolation(stretch, count);
    stretch.forEach((x, at) => {
      const sum = values.reduce((all, value, node) => all + value * (weights[node * 100 + at] ?? 0), 0);
      expect(Math.abs(sum - wave(x))).toBeLessThan(3e-6 + 3e-7 * radians);
    });
  },
);

test('constants need one node, and waves more than two per period', () => {
  expect([0, 20, 158].map((radians) => nodesNeeded(waves(radians), 1))).toEqual([1, 29, 135]);
});

test('functions of smaller size need fewer nodes', () => {
  expect(nodesNeeded(waves(20), 1e-3)).toBeLessThan(nodesNeeded(waves(20), 1));
});

test('rough or non-finite functions need infinitely many nodes', () => {
  expect(nodesNeeded(waves(2000), 1)).toBe(Number.POSITIVE_INFINITY);
  expect(nodesNeeded([() => Number.NaN], 1)).toBe(Number.POSITIVE_INFINITY);
  expect(nodesNeeded(waves(1), Number.NaN)).toBe(Number.POSITIVE_INFINITY);
});
