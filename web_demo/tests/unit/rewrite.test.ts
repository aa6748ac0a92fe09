import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readGraph } from '../../neural-img/src/onnx_graph.ts';
import { rewrite } from '../../neural-img/src/rewrite.ts';
import { evaluate } from '../evaluate.ts';

const SAMPLE = new Uint8Array(readFileSync(new URL('../../../exported/coffee/d3w76.onnx', import.meta.url)));

const kindsOf = (model: Uint8Array) => readGraph(model).nodes.map(({ kind }) => kind);

test('sines are taken once per column and row, none per pixel', async () => {
  const plan = await rewrite(SAMPLE, evaluate);
  expect(kindsOf(plan?.columns.model ?? SAMPLE)).toEqual(expect.arrayContaining(['Sin', 'Cos']));
  expect(kindsOf(plan?.rows.model ?? SAMPLE)).toEqual(expect.arrayContaining(['Sin', 'Cos']));
  expect(kindsOf(plan?.tile ?? SAMPLE)).not.toContain('Sin');
});

test('each layer is one matrix product', async () => {
  const plan = await rewrite(SAMPLE, evaluate);
  // Two hidden layers and the head.
  expect(kindsOf(plan?.tile ?? SAMPLE).filter((kind) => kind === 'Gemm')).toHaveLength(3);
});
