import { readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { axis } from '../../neural-img/src/coordinates.ts';
import { readGraph, writeModel } from '../../neural-img/src/onnx_graph.ts';
import { rewrite } from '../../neural-img/src/rewrite.ts';
import { openDrawer } from '../../neural-img/src/tiles.ts';
import { evaluate } from '../evaluate.ts';
import { expansionModel } from '../expansion_model.ts';

// What browsers load does not start in Node.
vi.mock('onnxruntime-web/wasm', () => import('onnxruntime-web'));

const SAMPLE = new Uint8Array(readFileSync(new URL('../../../exported/coffee/d4w76.onnx', import.meta.url)));

/** The same picture from a graph with an operation that `rewrite` does not know. */
function withUnknownOperation(): Uint8Array {
  const graph = readGraph(SAMPLE);
  const last = graph.nodes.at(-1);
  const rgb = last?.inputs.splice(0, 1, 'same') ?? [];
  graph.nodes.splice(-1, 0, { kind: 'Dropout', inputs: rgb, outputs: ['same'], attributes: [] });
  return writeModel(graph, ['image']);
}

async function expectSamePicture(
  file: Uint8Array,
  width: number,
  height: number,
  original: Uint8Array = SAMPLE,
): Promise<void> {
  const [x, y] = [axis(600, undefined, width), axis(400, undefined, height)];
  const expected = (await evaluate(original, x, y)).image?.data as Uint8Array;
  const drawer = await openDrawer(file);
  const rgba = await drawer.draw(x, y);
  await drawer.release();
  expect(rgba.filter((_, at) => at % 4 === 3)).toEqual(new Uint8ClampedArray(width * height).fill(255));
  const steps = rgba
    .filter((_, at) => at % 4 !== 3)
    .map((value, at) => Math.abs(value - (expected[at] ?? Number.NaN)));
  expect(Math.max(...steps)).toBeLessThanOrEqual(1);
  expect(steps.filter((step) => step > 0).length).toBeLessThanOrEqual(0.001 * steps.length + 1);
}

test.each([
  [300, 40],
  [600, 37],
  [131, 17],
  [1, 1],
  [2000, 1],
  [1, 2000],
])('tiles make up the whole picture: %i × %i', (width, height) => expectSamePicture(SAMPLE, width, height));

test.each([
  ['mirrored', (x: Float32Array) => x.toReversed()],
  ['uneven', (x: Float32Array) => x.map((value) => value ** 3)],
  ['beyond the picture', (x: Float32Array) => x.map((value) => 2 * value)],
])('columns may be %s', async (_, other) => {
  const [x, y] = [other(axis(600)), axis(400, { start: 0, count: 20 })];
  const expected = (await evaluate(SAMPLE, x, y)).image?.data as Uint8Array;
  const drawer = await openDrawer(SAMPLE);
  const rgb = (await drawer.draw(x, y)).filter((_, at) => at % 4 !== 3);
  await drawer.release();
  const steps = rgb.map((value, at) => Math.abs(value - (expected[at] ?? Number.NaN)));
  expect(Math.max(...steps)).toBeLessThanOrEqual(1);
  expect(steps.filter((step) => step > 0).length).toBeLessThanOrEqual(0.001 * steps.length);
});

/** The sample with columns times rows added to the first layer: of one channel each, or of which rows have one. */
function withProduct(columns: 'one channel' | 'all channels'): Uint8Array {
  const graph = readGraph(SAMPLE);
  const outputOf = (kind: string) => graph.nodes.find((node) => node.kind === kind)?.outputs[0] ?? '';
  const [narrow, row, sine] = [outputOf('Flatten'), outputOf('Unsqueeze'), outputOf('Sin')];
  const wide = graph.nodes.find(({ inputs }) => inputs.includes(narrow))?.outputs[0] ?? '';
  const nodes = graph.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((name) => (name === sine ? 'more' : name)),
  }));
  const column = columns === 'one channel' ? narrow : wide;
  const at = graph.nodes.findIndex(({ outputs }) => outputs.includes(sine)) + 1;
  const added = (kind: string, inputs: string[], output: string) => ({
    kind,
    inputs,
    outputs: [output],
    attributes: [],
  });
  nodes.splice(at, 0, added('Mul', [column, row], 'product'), added('Add', [sine, 'product'], 'more'));
  return writeModel({ ...graph, nodes }, ['image']);
}

test.each([
  ['one channel', 2],
  ['all channels', 1],
] as const)('columns of %s times rows of one are drawn alike', async (columns, products) => {
  const file = withProduct(columns);
  expect((await rewrite(file, evaluate))?.products).toHaveLength(products);
  await expectSamePicture(file, 131, 17, file);
});

test('a graph with an unknown operation runs as it is', async () => {
  const file = withUnknownOperation();
  expect(await rewrite(file, evaluate)).toBeUndefined();
  await expectSamePicture(file, 131, 17);
});

test.each([
  [300, 40],
  [131, 17],
  [1, 1],
  [1500, 2],
  [1, 2000],
])('tiles of an expansion make up the whole picture: %i × %i', async (width, height) => {
  const file = expansionModel('kah,aklpb,lbw->hwp');
  expect(await rewrite(file, evaluate)).toBeDefined();
  await expectSamePicture(file, width, height, file);
});

test.each([
  ['vkah,aklpb,ulbw->hwuvp', 131, 17],
  ['vkaw,aklpb,ulbh->hwvup', 300, 40],
])('so do those that are seen from several places: %s', async (equation, width, height) => {
  const file = expansionModel(equation, '', [17, 3, 10]);
  expect(await rewrite(file, evaluate)).toBeDefined();
  await expectSamePicture(file, width, height, file);
});

test('an Einsum that is no expansion runs as it is', async () => {
  const file = expansionModel('kah,aklp,law->hwp');
  expect(await rewrite(file, evaluate)).toBeUndefined();
  await expectSamePicture(file, 131, 17, file);
});
