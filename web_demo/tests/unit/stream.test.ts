import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Graph, readGraph, writeModel } from '../../neural-img/src/onnx_graph.ts';
import { decodeText, field, fields } from '../../neural-img/src/protobuf.ts';
import { unpack } from '../../neural-img/src/stream.ts';
import { inline } from '../../neural-img/src/unroll.ts';
import { evaluate } from '../evaluate.ts';

const SAMPLE = new Uint8Array(
  readFileSync(new URL('../../../exported/astronaut/d2w8.onnx', import.meta.url)),
);

const kindsOf = ({ nodes }: Graph) => nodes.map(({ kind }) => kind);
const scanOf = (graph: Graph) => graph.nodes.find(({ kind }) => kind === 'Scan');

/** The sample with a word of a Scan's step in the place of another of the same length. */
function withWord(was: string, is: string): Graph {
  const graph = inline(readGraph(SAMPLE));
  const scan = scanOf(graph);
  const text = Buffer.from(scan?.attributes[0] ?? []).toString('latin1');
  expect(text).toContain(was);
  const attribute = Uint8Array.from(Buffer.from(text.replace(was, is), 'latin1'));
  const nodes = graph.nodes.map((node) =>
    node === scan ? { ...node, attributes: [attribute, ...node.attributes.slice(1)] } : node,
  );
  return { ...graph, nodes };
}

test('codes are those that ONNX Runtime decodes', async () => {
  const graph = inline(readGraph(SAMPLE));
  const codes = scanOf(graph)?.outputs.at(-1) ?? '';
  const point = Float32Array.of(0);
  const [theirs, ours] = await Promise.all(
    [graph, await unpack(graph, evaluate)].map(async (one) => {
      const values = await evaluate(writeModel(one, [codes]), point, point);
      return values[codes];
    }),
  );
  expect(ours?.dims).toEqual(theirs?.dims);
  expect(new Set(Array.from(theirs?.data ?? [])).size).toBeGreaterThan(5);
  expect(ours?.data).toEqual(theirs?.data);
});

test('all but the Scan stays', async () => {
  const graph = inline(readGraph(SAMPLE));
  const kinds = kindsOf(await unpack(graph, evaluate));
  expect(kinds).toEqual(kindsOf(graph).filter((kind) => kind !== 'Scan'));
});

test.each([
  ['Sub', 'Add'],
  ['ReduceMax', 'ReduceMin'],
  ['pads', 'paws'],
])('a Scan that does something else stays: %s, %s', async (was, is) => {
  const graph = withWord(was, is);
  expect(kindsOf(await unpack(graph, evaluate))).toContain('Scan');
});

test('a graph without a Scan stays as it is', async () => {
  const graph = readGraph(readFileSync(new URL('../../../exported/coffee/d2w36.onnx', import.meta.url)));
  expect(await unpack(graph, evaluate)).toBe(graph);
});

test('a stream that ends too soon is refused', async () => {
  const graph = inline(readGraph(SAMPLE));
  const isWords = (tensor: Uint8Array) =>
    [...fields(tensor)].some(({ number, varint }) => number === 2 && varint === 4);
  const initializers = graph.initializers.map((tensor) => (isWords(tensor) ? shortened(tensor) : tensor));
  await expect(unpack({ ...graph, initializers }, evaluate)).rejects.toThrow(
    'The stream of codes ends too soon.',
  );
});

/** A vector of 16-bit words without the last. */
function shortened(tensor: Uint8Array): Uint8Array {
  const parts = [...fields(tensor)].map(({ number, varint, bytes }) => {
    if (number === 1) return field(1, varint - 1);
    if (number === 9) return field(9, bytes.subarray(0, -2));
    return field(number, number === 8 ? decodeText(bytes) : varint);
  });
  return Buffer.concat(parts);
}
