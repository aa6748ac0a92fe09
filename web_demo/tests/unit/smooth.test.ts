import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readGraph } from '../../neural-img/src/onnx_graph.ts';
import { rewrite } from '../../neural-img/src/rewrite.ts';
import { interpolated, pointsNeeded, smoothPart } from '../../neural-img/src/smooth.ts';
import { evaluate } from '../evaluate.ts';
import { expansionModel } from '../expansion_model.ts';

const node = (kind: string, inputs: string, output: string) => ({
  kind,
  inputs: inputs.split(' '),
  outputs: [output],
  attributes: [],
});
const CONSTANTS = new Map([
  ['w', 2],
  ['b', 0.5],
]);
const PART = [node('MatMul', 'rows columns', 'a'), node('Gemm', 'w a b', 'c')];

test('the part up to what is no sum or product is smooth', () => {
  const others = [node('Round', 'c', 'd'), node('Sub', 'c d', 'e')];
  const part = smoothPart([...PART, ...others], ['rows', 'columns'], CONSTANTS);
  expect(part).toEqual({ nodes: PART, ends: ['c'], others });
  const kinds = part && interpolated(part, (...values) => values.join()).map(({ kind }) => kind);
  const added = ['Shape', 'Shape', 'Gather', 'Gather', 'Concat', 'Reshape', 'MatMul', 'MatMul', 'Reshape'];
  expect(kinds).toEqual(['MatMul', 'Gemm', ...added, 'Round', 'Sub']);
});

test('without a product with weights nothing is gained', () => {
  const nodes = [node('MatMul', 'rows columns', 'a'), node('Round', 'a', 'd')];
  expect(smoothPart(nodes, ['rows', 'columns'], CONSTANTS)).toBeUndefined();
});

test('degrees add up where values are multiplied, and weights enlarge what follows', () => {
  const nodes = [...PART, node('Mul', 'c c', 'd'), node('Round', 'd', 'e')];
  const part = smoothPart(nodes, ['rows', 'columns'], CONSTANTS);
  const neededBeside = (size: number, ...spectrum: number[]) => {
    const sizes = new Map([...CONSTANTS, ['rows', size]]);
    return part && pointsNeeded(part, new Map([['columns', Float64Array.from(spectrum)]]), sizes);
  };
  const needed = (...spectrum: number[]) => neededBeside(1, ...spectrum);
  expect(needed(1)).toBe(1);
  expect(needed(1, 0.5, 0.1)).toBe(5);
  // Its square is negligible, but not its product with what is large.
  expect(needed(1, 0, 1e-6)).toBe(3);
  // What is too faint matters once it is multiplied with what is large.
  expect(needed(1, 1e-9)).toBe(1);
  expect(neededBeside(1e4, 1, 1e-9)).toBe(2);
});

test('a SIREN is smooth up to its second sines; local cosines are not', async () => {
  const file = readFileSync(new URL('../../../exported/coffee/d3w76.onnx', import.meta.url));
  const { smooth, tile } = (await rewrite(new Uint8Array(file), evaluate)) ?? {};
  expect(smooth?.channels).toBe(76);
  const kinds = (model: Uint8Array = new Uint8Array()) => readGraph(model).nodes.map(({ kind }) => kind);
  expect(kinds(smooth?.tile)).toHaveLength(kinds(tile).length + 9);
  expect((await rewrite(expansionModel('kah,paklb,lbw->hwp'), evaluate))?.smooth).toBeUndefined();
});
