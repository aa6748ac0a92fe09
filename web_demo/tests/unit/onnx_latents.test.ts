import { describe, expect, test } from 'vitest';
import { readLatents } from '../../neural-img/src/onnx_latents.ts';
import { readTensor } from '../../neural-img/src/onnx_tensor.ts';
import { Reader } from '../../neural-img/src/protobuf.ts';
import { newKernel } from '../kernels.ts';
import { tensorBytes } from '../onnx_bytes.ts';

/** One cell of 4 × 4 codes for each of three planes; all are 0, the only code in the single table. */
const ENTRIES = { pitch: '16', scan: 'down', reach: '1', order: '4', lanes: 'joint' };
const STREAM: Record<string, [string, number[], ArrayBufferView]> = {
  'latents.step': ['float32', [], Float32Array.of(0.5)],
  'latents.magnitudes': ['float32', [1], Float32Array.of(0)],
  'latents.words': ['uint16', [0], new Uint16Array()],
  'latents.states': ['int32', [1, 1, 1], Int32Array.of(1 << 15)],
  'latents.frequencies': ['int32', [1, 1], Int32Array.of(1 << 14)],
  'latents.limits': ['float32', [0, 1], new Float32Array()],
};

function read(
  entries: Record<string, string> = {},
  stream: typeof STREAM = {},
  size: [number, number] = [16, 16],
) {
  const tensors = Object.entries({ ...STREAM, ...stream }).map(([name, [type, dims, data]]) => {
    return [name, readTensor(tensorBytes(name, type, dims, data), new Reader())] as const;
  });
  const all = new Map(Object.entries({ ...ENTRIES, ...entries }));
  return readLatents(newKernel(), new Map(tensors), all, size, 3, 1000);
}

test('reads codes, step and direction of the scan', () => {
  expect(read()).toEqual({
    codes: new Int16Array(48),
    shape: [1, 1, 4],
    step: 0.5,
    pitch: 16,
    down: true,
    reach: 1,
    magnitudes: Float32Array.of(0),
  });
  const states = Int32Array.of(1 << 15, 1 << 15, 1 << 15);
  const apart = read({ lanes: 'planes', scan: 'right' }, { 'latents.states': ['int32', [3], states] });
  expect([apart.codes.length, apart.down]).toEqual([48, false]);
});

test('reads a table of magnitudes', () => {
  const table = (...values: number[]) =>
    ({
      'latents.magnitudes': ['float32', [values.length], Float32Array.from(values)],
      'latents.frequencies': ['int32', [1, 3], Int32Array.of(1 << 14, 0, 0)],
    }) as unknown as typeof STREAM;
  expect(read({}, table(0, 2, 7.5)).magnitudes).toEqual(Float32Array.of(0, 2, 7.5));
  for (const wrong of [[], [0], [0, 1], [0, 1, 2, 3]])
    expect(() => read({}, table(...wrong))).toThrow(`has ${wrong.length} entries, its codes 3 sizes`);
  const { NaN: none } = Number;
  for (const wrong of [
    [1, 2, 3],
    [0, 2, 1],
    [0, 0, 1],
    [-1, 0, 1],
    [none, 1, 2],
    [0, none, 2],
    [0, 1, 2 ** 30],
  ])
    expect(() => read({}, table(...wrong))).toThrow('does not ascend from 0');
});

describe('refuses', () => {
  test.each(Object.keys(ENTRIES))('an unknown %s', (key) => {
    expect(() => read({ [key]: 'constructor' })).toThrow(`“${key}” is “constructor”`);
  });

  test.each<[string, string, [string, number[], ArrayBufferView], string]>([
    ['no step', 'latents.step', ['float32', [0], new Float32Array()], 'above 0'],
    ['a step of 0', 'latents.step', ['float32', [], Float32Array.of(0)], 'above 0'],
    ['a step that is no number', 'latents.step', ['float32', [], Float32Array.of(Number.NaN)], 'above 0'],
    ['another number of lanes', 'latents.states', ['int32', [2], Int32Array.of(1, 1)], 'lanes'],
    ['a row too few', 'latents.limits', ['float32', [1], Float32Array.of(1)], 'one row more'],
  ])('%s', (_name, tensor, bytes, message) => {
    expect(() => read({}, { [tensor]: bytes })).toThrow(new RegExp(message));
  });

  test('a picture larger than the bytes can hold', () => {
    const lanes = new Int32Array(500).fill(1 << 15);
    const stream = { 'latents.states': ['int32', [500], lanes] } as unknown as typeof STREAM;
    expect(() => read({ order: '16' }, stream, [8000, 8000])).toThrow('larger picture');
  });
});
