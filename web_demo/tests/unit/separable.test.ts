import { expect, test } from 'vitest';
import type { Graph } from '../../neural-img/src/onnx_graph.ts';
import { findSources, separate } from '../../neural-img/src/separable.ts';

/** A graph from lines like 'sum = Add x y'. */
function graphOf(...lines: string[]): Graph {
  const nodes = lines.map((line) => {
    const [output = '', kind = '', ...inputs] = line.split(/ = | /);
    return { kind, inputs, outputs: [output], attributes: [] };
  });
  return { nodes, initializers: [], inputs: [], opsets: [] };
}

/** What it makes of numbers x and y. */
function resultOf({ nodes }: Graph, x: number, y: number): number {
  const values = new Map([
    ['x', x],
    ['y', y],
  ]);
  const of = { Sin: Math.sin, Cos: Math.cos, Neg: (a: number) => -a };
  for (const { kind, inputs, outputs } of nodes) {
    const [a = Number.NaN, b = Number.NaN] = inputs.map((name) => values.get(name) ?? Number.NaN);
    const value = kind === 'Add' ? a + b : kind === 'Mul' ? a * b : of[kind as keyof typeof of](a);
    values.set(outputs[0] ?? '', value);
  }
  return values.get('result') ?? Number.NaN;
}

test.each(['sum = Add x rows', 'sum = Add rows x'])('the sine of a sum is taken apart: %s', (sum) => {
  const graph = graphOf('rows = Neg y', sum, 'result = Sin sum');
  const apart = separate(graph);
  const sources = findSources(apart.nodes);
  const ofPixels = apart.nodes.filter(({ outputs: [name = ''] }) => sources.get(name) === 'pixels');
  expect(ofPixels.map(({ kind }) => kind).sort()).toEqual(['Add', 'Mul', 'Mul']);
  expect(resultOf(apart, 0.7, -2.1)).toBeCloseTo(Math.sin(0.7 + 2.1), 12);
});

test.each([
  ['of columns alone', ['sum = Add x x', 'result = Sin sum']],
  ['of a product', ['sum = Mul x y', 'result = Sin sum']],
  ['of both', ['both = Add x y', 'sum = Add both y', 'result = Sin sum']],
  ['used twice', ['sum = Add x y', 'sine = Sin sum', 'result = Add sine sum']],
  ['another function', ['sum = Add x y', 'result = Cos sum']],
  ['no sum', ['result = Sin x']],
])('any other stays: %s', (_, lines) => {
  const graph = graphOf(...lines);
  expect(separate(graph)).toEqual(graph);
});
