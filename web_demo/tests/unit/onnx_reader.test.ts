import { describe, expect, test } from 'vitest';
import { FAMILIES } from '../../neural-img/src/families/index.ts';
import { readInfo, readNetwork } from '../../neural-img/src/onnx_reader.ts';
import { newKernel } from '../kernels.ts';
import {
  concat,
  externalGraph,
  field,
  METADATA,
  modelBytes,
  networkFile,
  networkTensors,
  tensorBytes,
} from '../onnx_bytes.ts';
import { type NetworkCase, networkCases } from '../vectors.ts';

const read = (file: Uint8Array) => readNetwork(newKernel(), file);
const [{ network: siren }] = networkCases('siren') as [NetworkCase];
const PLAIN = [...FAMILIES.keys()].filter((family) => family !== 'lapped');

describe.each(PLAIN)('%s', (family) => {
  test.each(networkCases(family))('is read back from its file, %#', ({ network }) => {
    expect(read(networkFile(network))).toEqual(network);
  });

  test('is refused without any of its tensors', () => {
    const [{ network }] = networkCases(family) as [NetworkCase];
    const tensors = networkTensors(network);
    for (const name of tensors.keys()) {
      const others = new Map([...tensors].filter(([other]) => other !== name));
      expect(() => read(networkFile(network, others))).toThrow(`no tensor “${name}”`);
    }
  });
});

test('readInfo gives family, name and size', () => {
  expect(readInfo(networkFile(siren))).toEqual({ family: 'siren', name: 'd2w6', width: 40, height: 30 });
  expect(readInfo(modelBytes({ ...METADATA, family: 'other' }))).toMatchObject({ family: 'other', name: '' });
});

test('axes of length 1 are ignored', () => {
  const { weights } = siren.tensors;
  const dims = [1, 6, 1, 6];
  const bytes = tensorBytes('weights', 'int8', dims, weights?.data ?? new Int8Array());
  const file = networkFile(siren, networkTensors(siren).set('weights', bytes));
  expect(read(file)).toEqual({ ...siren, bits: 8 });
});

describe('refuses', () => {
  test.each<[string, Record<string, string>, string]>([
    ['no format', { anir: '' }, 'format'],
    ['an earlier format', { anir: '1' }, 'export it again'],
    ['a later format', { anir: '3' }, 'update the decoder'],
    ['an unknown family', { family: 'other' }, 'family “other”'],
    ['no width', { width: '' }, 'size'],
    ['a width of words', { width: '1e3' }, 'size'],
    ['a width of 0', { width: '0' }, 'out of range'],
    ['a side of 2¹⁷ + 1', { width: `${2 ** 17 + 1}` }, 'out of range'],
    ['2²⁸ + 1 pixels', { width: '65537', height: '4096' }, 'out of range'],
  ])('%s', (_name, more, message) => {
    expect(() => read(networkFile(siren, undefined, more))).toThrow(message);
  });

  test.each([
    ['an empty file', new Uint8Array(), 'empty'],
    ['a text', new TextEncoder().encode('not a picture at all'), 'not an ONNX file'],
    ['another model', modelBytes({}), 'not a neural image'],
    ['a model with external data', modelBytes(METADATA, externalGraph()), 'another file'],
    ['a graph that is a number', concat(modelBytes(METADATA, field(1, 1)), field(7, 1)), 'damaged'],
  ])('%s', (_name, file, message) => {
    expect(() => read(file)).toThrow(message);
  });

  const float = (value: number) => Float32Array.of(value);
  test.each<[string, string, string, number[], ArrayBufferView, string]>([
    ['matrices that are not square', 'weights', 'int8', [1, 6, 5], new Int8Array(30), 'shape'],
    ['1,025 channels', 'weights', 'int8', [1, 1025, 1025], new Int8Array(1025 ** 2), 'shape'],
    ['17 layers', 'weights', 'int8', [16, 6, 6], new Int8Array(576), 'shape'],
    ['weights of 16 bits', 'weights', 'int16', [1, 6, 6], new Int16Array(36), 'type'],
    [
      'a head of two colours',
      'head',
      'int8',
      [1, 6, 2],
      new Int8Array(12),
      '“head” has a shape that is out of range',
    ],
    [
      'a head of four colours with a scale of three',
      'head',
      'int8',
      [1, 6, 4],
      new Int8Array(24),
      'head.scale” has',
    ],
    ['another number of biases', 'biases', 'int8', [1, 5], new Int8Array(5), 'shape'],
    ['a scale that is no number', 'biases.scale', 'float32', [1], float(Number.NaN), 'no'],
    ['a scale so large that values are infinite', 'biases.scale', 'float32', [1], float(3e38), 'infinite'],
  ])('%s', (_name, tensor, type, dims, data, message) => {
    const tensors = networkTensors(siren).set(tensor, tensorBytes(tensor, type, dims, data));
    expect(() => read(networkFile(siren, tensors))).toThrow(message);
  });

  test('two tensors of one name', () => {
    const tensors = networkTensors(siren);
    const twice = new Map([...tensors, ['again', tensors.get('head') ?? new Uint8Array()]]);
    expect(() => read(networkFile(siren, twice))).toThrow('two tensors “head”');
  });
});

test('a file truncated at any byte is refused in one line', () => {
  const file = networkFile(siren);
  for (let length = 0; length < file.length; length++)
    expect(() => read(file.subarray(0, length)), `${length}`).toThrow(/^[^\n]{10,200}$/);
});

test('a file with any byte changed is refused in one line or read', () => {
  const file = networkFile(siren);
  for (let at = 0; at < file.length; at++)
    for (const change of [1, 128, 255])
      try {
        expect(read(file.with(at, (file[at] ?? 0) ^ change)).size.length).toBe(2);
      } catch (error) {
        expect(String(error)).toMatch(/^ModelError: [^\n]{10,200}$/);
      }
});
