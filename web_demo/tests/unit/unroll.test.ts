import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Graph, readGraph, writeModel } from '../../neural-img/src/onnx_graph.ts';
import { concat, field } from '../../neural-img/src/protobuf.ts';
import { unroll } from '../../neural-img/src/unroll.ts';
import { evaluate } from '../evaluate.ts';

const sample = (file: string) =>
  readGraph(readFileSync(new URL(`../../../exported/${file}.onnx`, import.meta.url)));
const kindsOf = ({ nodes }: Graph) => nodes.map(({ kind }) => kind);

async function pictureOf(graph: Graph): Promise<number[]> {
  const points = Float32Array.from({ length: 20 }, (_, k) => k / 10 - 0.95);
  const { image } = await evaluate(writeModel(graph, ['image']), points, points);
  expect(image?.dims).toEqual([20, 20, 3]);
  return Array.from(image?.data ?? [], Number);
}

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

test('a Scan in another order stays', async () => {
  const graph = sample('coffee/d3w76');
  const backwards = concat(field(1, 'scan_input_directions'), field(8, 1), field(8, 1), field(20, 7));
  const nodes = graph.nodes.map((node) =>
    node.kind === 'Scan' ? { ...node, attributes: [...node.attributes, backwards] } : node,
  );
  const other = { ...graph, nodes };
  expect(await unroll(other, evaluate)).toBe(other);
});
