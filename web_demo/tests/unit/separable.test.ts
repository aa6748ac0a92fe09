import { expect, test } from 'vitest';
import type { Graph } from '../../neural-img/src/onnx_graph.ts';
import { findSources, separate } from '../../neural-img/src/separable.ts';

/** A graph from lines like 'sum = Add x y'. */
function graphOf(...lines: string[]): Graph {
  const nodes = lines.map((line) => {
    const [output = '', kind = '', ...inputs] = line.split(/ = | /);
    return { kind, inputs, outputs: [output], attributes: [] };
  });
  return { nodes, initializers: [], inputs: [], opsets: [], functions: [] };
}

/** What it makes of numbers x and y. */
function resultOf({ nodes }: Graph, x: number, y: number): number {
  const values = new Map([
    ['x', x],
    ['y', y],
    ['c', 0.3],
  ]);
  const of: Record<string, (...numbers: number[]) => number> = {
    Sin: Math.sin,
    Cos: Math.cos,
    Exp: Math.exp,
    Max: Math.max,
    Neg: (a = 0) => -a,
    Identity: (a = 0) => a,
    Add: (a = 0, b = 0) => a + b,
    Sum: (...numbers) => numbers.reduce((a, b) => a + b, 0),
    Mul: (a = 0, b = 0) => a * b,
    Div: (a = 0, b = 1) => a / b,
  };
  for (const { kind, inputs, outputs } of nodes) {
    const operands = inputs.map((name) => values.get(name) ?? Number.NaN);
    values.set(outputs[0] ?? '', of[kind]?.(...operands) ?? Number.NaN);
  }
  return values.get('image') ?? Number.NaN;
}

const SUM = 'sum = Sum rows x c';
const PRODUCTS = ['Mul', 'Mul', 'Add'];

test.each([
  ['a sine', ['sum = Add x rows', 'image = Sin sum'], PRODUCTS],
  ['a sine, turned', ['sum = Add rows x', 'image = Sin sum'], PRODUCTS],
  ['a sine of three', [SUM, 'image = Sin sum'], PRODUCTS],
  ['a sine of a sum of a sum', [SUM, 'both = Add x sum', 'image = Sin both'], PRODUCTS],
  ['an exponential', [SUM, 'image = Exp sum'], ['Mul', 'Identity']],
  ['a sine of a scaled sum', [SUM, 'scaled = Mul c sum', 'image = Sin scaled'], PRODUCTS],
  ['an exponential of a scaled sum', [SUM, 'scaled = Mul sum c', 'image = Exp scaled'], ['Mul', 'Identity']],
  ['a quotient', [SUM, 'sine = Sin sum', 'factor = Exp sum', 'image = Div sine factor'], PRODUCTS],
  [
    'a sum of which another is made',
    [SUM, 'both = Add sum x', 'minus = Neg both', 'sine = Sin sum', 'image = Max minus sine'],
    ['Sum', 'Add', 'Neg', ...PRODUCTS, 'Max'],
  ],
  [
    'a sine that is used',
    [SUM, 'sine = Sin sum', 'other = Exp sine', 'image = Add sine other'],
    [...PRODUCTS, 'Exp', 'Add'],
  ],
])('%s is taken apart', (_, lines, kinds) => {
  const graph = graphOf('rows = Neg y', ...lines);
  const apart = separate(graph);
  const sources = findSources(apart.nodes);
  const ofPixels = apart.nodes.filter(({ outputs: [name = ''] }) => sources.get(name) === 'pixels');
  expect(ofPixels.map(({ kind }) => kind)).toEqual(kinds);
  expect(resultOf(apart, 0.7, -2.1)).toBeCloseTo(resultOf(graph, 0.7, -2.1), 10);
});

test.each([
  ['of columns alone', ['sum = Add x x', 'image = Sin sum']],
  ['of a product', ['sum = Mul x y', 'image = Sin sum']],
  ['of both', ['both = Mul x y', 'sum = Add both y', 'image = Sin sum']],
  ['no function', ['image = Add x y']],
  ['of a sum that varies', ['sum = Add x y', 'product = Mul sum x', 'image = Sin product']],
  ['a quotient of others', ['sine = Sin x', 'factor = Exp y', 'image = Div sine factor']],
  ['another function', ['sum = Add x y', 'image = Cos sum']],
  ['no sum', ['image = Sin x']],
])('any other stays: %s', (_, lines) => {
  const graph = graphOf(...lines);
  expect(separate(graph)).toEqual(graph);
});
