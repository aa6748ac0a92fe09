import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readGraph, tensor, writeModel } from '../../neural-img/src/onnx_graph.ts';
import { concat, field } from '../../neural-img/src/protobuf.ts';
import { rewrite } from '../../neural-img/src/rewrite.ts';
import { evaluate } from '../evaluate.ts';
import { entry, expansionModel, SIZES } from '../expansion_model.ts';

const SAMPLE = new Uint8Array(readFileSync(new URL('../../../exported/coffee/d3w76.onnx', import.meta.url)));

const kindsOf = (model: Uint8Array) => readGraph(model).nodes.map(({ kind }) => kind);

test('sines are taken once per column and row, none per pixel', async () => {
  const plan = await rewrite(SAMPLE, evaluate);
  expect(kindsOf(plan?.columns.model ?? SAMPLE)).toEqual(expect.arrayContaining(['Sin', 'Cos']));
  expect(kindsOf(plan?.rows.model ?? SAMPLE)).toEqual(expect.arrayContaining(['Sin', 'Cos']));
  expect(kindsOf(plan?.tile ?? SAMPLE)).not.toContain('Sin');
});

test('what columns and rows give is one product of matrices for each channel', async () => {
  const plan = await rewrite(SAMPLE, evaluate);
  expect(plan?.products.map(({ values }) => [values.columns.length, values.rows.length])).toEqual([[2, 2]]);
  expect([plan?.columns.factors, plan?.rows.factors]).toEqual([[], []]);
  expect(kindsOf(plan?.tile ?? SAMPLE).filter((kind) => kind === 'MatMul')).toHaveLength(1);
});

test('each layer is one matrix product', async () => {
  const plan = await rewrite(SAMPLE, evaluate);
  // Two hidden layers and the head.
  expect(kindsOf(plan?.tile ?? SAMPLE).filter((kind) => kind === 'Gemm')).toHaveLength(3);
});

/** The sample with another equation of its head, and that many rows for each colour. */
function withHead(equation: string, rows: number): Uint8Array {
  const graph = readGraph(SAMPLE);
  const values = Float32Array.from({ length: 3 * rows * 76 }, (_, k) => Math.sin(k) / 10);
  const attribute = concat(field(1, 'equation'), field(4, equation), field(20, 3));
  const nodes = graph.nodes.map((node) =>
    node.kind === 'Einsum'
      ? { ...node, inputs: [node.inputs[0] ?? '', 'head'], attributes: [attribute] }
      : node,
  );
  const initializers = [...graph.initializers, tensor('head', [3, rows, 76], values)];
  return writeModel({ ...graph, nodes, initializers }, ['image']);
}

test('a head is a matrix product', async () => {
  expect(await rewrite(withHead('abc,dec->abd', 1), evaluate)).toBeDefined();
});

test.each([
  ['of all channels', 'abc,def->abd', 1],
  ['of an ellipsis', '...c,dec->...d', 1],
  ['of two rows', 'abc,dec->abd', 2],
  ['of a diagonal', 'abc,ddc->abd', 3],
])('a sum %s is no matrix product', async (_, equation, rows) => {
  const file = withHead(equation, rows);
  const { image } = await evaluate(file, new Float32Array(7), new Float32Array(5));
  expect(image?.dims).toEqual([5, 7, 3]);
  expect(await rewrite(file, evaluate)).toBeUndefined();
});

test.each([
  'kah,paklb,lbw->hwp',
  'kah,aklpb,lbw->hwp',
  'kaw,paklb,lbh->hwp',
  'kaw,aklpb,lbh->hwp',
  'lbw,kah,bplka->hwp',
  'h,pa,aw->hwp',
])('an expansion is two products of matrices: %s', async (equation) => {
  const plan = await rewrite(expansionModel(equation), evaluate);
  expect(plan?.expansions).toHaveLength(1);
  expect([plan?.columns.factors, plan?.rows.factors]).toEqual([[], []]);
  expect(kindsOf(plan?.tile ?? SAMPLE).filter((kind) => kind === 'MatMul')).toHaveLength(2);
  expect(kindsOf(plan?.tile ?? SAMPLE)).not.toContain('Einsum');
});

test('coefficients are those of each function of rows with each one of columns', async () => {
  const plan = await rewrite(expansionModel('kaw,aklpb,lbh->hwp'), evaluate);
  const { coefficients = [], counts } = plan?.expansions[0] ?? {};
  const { a = 0, b = 0, k = 0, l = 0, p = 0 } = SIZES;
  expect(counts).toEqual({ rows: l * b, columns: k * a });
  expect(coefficients).toHaveLength(p * l * b * k * a);
  // Function (l, b) = (1, 5) of rows, (k, a) = (2, 7) of columns, channel 1.
  const at = (l * b + (b + 5)) * k * a + (2 * a + 7);
  expect(coefficients[at]).toBeCloseTo(entry((((7 * k + 2) * l + 1) * p + 1) * b + 5), 5);
});

test.each([
  ['vkah,aklpb,ulbw->hwuvp', { rows: 3, columns: 2 }, [5, 0, 4], 4],
  ['vkaw,aklpb,ulbh->hwvup', { rows: 2, columns: 3 }, [1, 2, 0], 2],
  ['kah,aklpb,ulbw->hwup', { rows: 1, columns: 2 }, [5, -2, 3], 2],
])('planes of an expansion that are seen from the same places are one product: %s', async (...own) => {
  const [equation, views, picked, products] = own;
  const plan = await rewrite(expansionModel(equation, '', picked), evaluate);
  expect(plan?.expansions[0]?.views).toEqual(views);
  expect(kindsOf(plan?.tile ?? SAMPLE).filter((kind) => kind === 'MatMul')).toHaveLength(products);
});

test('coefficients are in no model', async () => {
  const plan = await rewrite(expansionModel('kah,paklb,lbw->hwp'), evaluate);
  const { byteLength = Number.NaN } = plan?.expansions[0]?.coefficients ?? {};
  for (const model of [plan?.columns.model, plan?.rows.model, plan?.tile])
    expect(model?.length).toBeLessThan(byteLength / 2);
});

test.each([
  ['an axis of the constant alone', 'kah,paklbm,lbw->hwp'],
  ['an axis of functions alone', 'kmah,paklb,lbw->hwp'],
  ['an axis of both functions', 'kah,pakb,kbw->hwp'],
  ['an axis twice', 'kah,paakb,bw->hwp'],
  ['a channel of functions', 'kah,akb,bpw->hwp'],
  ['points first', 'hka,pakb,bw->hwp'],
  ['points of the constant', 'kah,pakhb,bw->hwp'],
  ['functions that are repeated', 'kah,pakb,bw->hwp', 'k'],
  ['places in another order', 'vkah,pkab,ubw->hwvup', '', [5, 0, 4]],
  ['no constant', 'ph,pw->hwp'],
  ['two functions of rows', 'ph,ph,pw->hwp'],
  ['two constants', 'kah,pakb,bw,p->hwp'],
])('an Einsum with %s is no expansion', async (_, equation, repeated = '', picked: number[] = []) => {
  const file = expansionModel(equation, repeated, picked);
  const { image } = await evaluate(file, new Float32Array(7), new Float32Array(5));
  expect(image?.dims).toEqual([5, 7, 3]);
  expect(await rewrite(file, evaluate)).toBeUndefined();
});
