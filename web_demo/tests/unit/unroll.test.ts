import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import {
  floatInput,
  type Graph,
  type Node,
  readGraph,
  tensor,
  writeModel,
} from '../../neural-img/src/onnx_graph.ts';
import { concat, field } from '../../neural-img/src/protobuf.ts';
import { unpack } from '../../neural-img/src/stream.ts';
import { inline, unroll } from '../../neural-img/src/unroll.ts';
import { evaluate } from '../evaluate.ts';

const sample = (file: string) =>
  inline(readGraph(readFileSync(new URL(`../../../exported/${file}.onnx`, import.meta.url))));
const kindsOf = ({ nodes }: Graph) => nodes.map(({ kind }) => kind);

async function pictureOf(graph: Graph): Promise<number[]> {
  const points = Float32Array.from({ length: 20 }, (_, k) => k / 10 - 0.95);
  const { image } = await evaluate(writeModel(graph, ['image']), points, points);
  expect(image?.dims).toEqual([20, 20, 3]);
  return Array.from(image?.data ?? [], Number);
}

/** A FunctionProto: f(a, low, high) = Clip(-a, low, high), of the domain 'own'. */
const function_ = (name: string, clip: string, ...more: Uint8Array[]) => {
  const names = (number: number, text: string) => [...text].map((letter) => field(number, letter));
  const negative = concat(field(1, 'a'), field(2, 'c'), field(4, 'Neg'));
  const clipped = concat(
    ...names(1, 'clh'),
    field(2, 'd'),
    ...clip.split('.').map((part, k) => field(4 + 3 * k, part)),
  );
  const nodes = [negative, clipped].map((node) => field(7, node));
  return concat(field(1, name), ...names(4, 'alh'), field(5, 'd'), ...nodes, field(10, 'own'), ...more);
};

function callingGraph(...functions: Uint8Array[]): Graph {
  const call = (inputs: string[], output: string): Node => ({
    kind: 'ownf',
    inputs,
    outputs: [output],
    attributes: [],
  });
  const number = (name: string, value: number) => tensor(name, [], Float32Array.of(value));
  return {
    nodes: [call(['x', 'two', 'nine'], 'both'), call(['both', '', 'nine'], 'image')],
    initializers: [number('two', 2), number('nine', 9)],
    inputs: ['x', 'y'].map(floatInput),
    opsets: [field(2, 21)],
    functions,
  };
}

test('calls are written out, and what they leave out stays so', async () => {
  const inlined = inline(callingGraph(function_('f', 'Clip')));
  expect(kindsOf(inlined)).toEqual(['Neg', 'Clip', 'Identity', 'Neg', 'Clip', 'Identity']);
  const point = Float32Array.of(3);
  const { image } = await evaluate(writeModel(inlined, ['image']), point, point);
  // -3 is raised to 2, and -2 has no least.
  expect(Array.from(image?.data ?? [])).toEqual([-2]);
});

test.each([
  ['calls another', [function_('f', 'g.own'), function_('g', 'Clip')]],
  ['has attributes', [function_('f', 'Clip', field(6, 'alpha'))]],
])('a function that %s stays', (_, functions) => {
  expect(kindsOf(inline(callingGraph(...functions)))).toEqual(['ownf', 'ownf']);
});

test('the cosines of both axes are calls', () => {
  const file = readFileSync(new URL('../../../exported/astronaut/d2w8.onnx', import.meta.url));
  expect(kindsOf(readGraph(file)).filter((kind) => kind === 'fa')).toHaveLength(2);
  expect(kindsOf(sample('astronaut/d2w8'))).not.toContain('fa');
});

test.each([
  ['coffee/d3w76', 2],
  ['coffee/d5w36', 4],
])('the layers of %s are written out', async (file, layers) => {
  const graph = sample(file);
  const unrolled = await unroll(graph, evaluate);
  expect(kindsOf(graph)).toContain('Scan');
  expect(kindsOf(unrolled)).not.toContain('Scan');
  expect(kindsOf(unrolled).filter((kind) => kind === 'MatMul')).toHaveLength(layers);
  const [ours, theirs] = [await pictureOf(unrolled), await pictureOf(graph)];
  expect(Math.max(...theirs) - Math.min(...theirs)).toBeGreaterThan(100);
  expect(Math.max(...ours.map((level, k) => Math.abs(level - (theirs[k] ?? 0))))).toBeLessThanOrEqual(1);
});

test('a single layer stays as it is', async () => {
  const graph = sample('coffee/d2w36');
  expect(await unroll(graph, evaluate)).toBe(graph);
});

test('a Scan of which each step gives something stays', async () => {
  const graph = sample('astronaut/d2w8');
  expect(kindsOf(graph)).toContain('Scan');
  expect(await unroll(graph, evaluate)).toBe(graph);
});

test('codes and layers are both without a Scan', async () => {
  const graph = sample('astronaut/d4w12');
  expect(kindsOf(graph).filter((kind) => kind === 'Scan')).toHaveLength(2);
  const unrolled = await unroll(await unpack(graph, evaluate), evaluate);
  expect(kindsOf(unrolled)).not.toContain('Scan');
  // Three hidden layers and the head.
  expect(kindsOf(unrolled).filter((kind) => kind === 'MatMul')).toHaveLength(4);
});

const backwards = concat(field(1, 'scan_input_directions'), field(8, 1), field(8, 1), field(20, 7));

test.each<[string, (scan: Node) => Partial<Node>]>([
  ['in another order', ({ attributes }) => ({ attributes: [...attributes, backwards] })],
  ['along the picture', ({ inputs: [state = ''] }) => ({ inputs: [state, 'x', 'x'] })],
  ['of two results', ({ outputs }) => ({ outputs: [...outputs, 'each'] })],
])('a Scan %s stays', async (_, change) => {
  const graph = sample('coffee/d3w76');
  const nodes = graph.nodes.map((node) => (node.kind === 'Scan' ? { ...node, ...change(node) } : node));
  const other = { ...graph, nodes };
  expect(await unroll(other, evaluate)).toBe(other);
});

test('the order of attributes does not matter', async () => {
  const graph = sample('coffee/d3w76');
  const nodes = graph.nodes.map((node) => ({ ...node, attributes: [...node.attributes].reverse() }));
  expect(kindsOf(await unroll({ ...graph, nodes }, evaluate))).not.toContain('Scan');
});
