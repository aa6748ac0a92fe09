import { expect, test } from 'vitest';
import { ModelError, readModelInfo } from '../../neural-img/src/onnx_metadata.ts';
import { concat, field } from '../../neural-img/src/protobuf.ts';
import { externalGraph, METADATA, modelBytes } from '../onnx_bytes.ts';

test('reads what a neural image says of itself', () => {
  expect(readModelInfo(modelBytes(METADATA))).toEqual({
    family: 'siren',
    name: 'd3w64',
    width: 96,
    height: 64,
  });
});

const text = (content: string) => new TextEncoder().encode(content);
const { anir: _, ...unmarked } = METADATA;

test.each([
  ['an empty file', new Uint8Array(), 'empty'],
  ['a text', text('hello, world'), 'not an ONNX file'],
  ['a PNG', Uint8Array.of(0x89, 0x50, 0x4e, 0x47), 'not an ONNX file'],
  ['no graph', field(1, 10), 'cut short or damaged'],
  [
    'a length beyond the end',
    concat(field(1, 10), Uint8Array.of(0x3a, 0xff, 0xff, 0x7f)),
    'cut short or damaged',
  ],
  ['an endless number', new Uint8Array(64).fill(0xff).fill(0x08, 0, 1), 'cut short or damaged'],
  ['an unknown wire type', concat(field(1, 10), Uint8Array.of(0x3b)), 'cut short or damaged'],
  ['another model', modelBytes(unmarked), 'not a neural image'],
  ['a newer format', modelBytes({ ...METADATA, anir: '2' }), 'format 2'],
  ['a width that is no number', modelBytes({ ...METADATA, width: '9e9' }), 'how wide and high'],
  ['no height', modelBytes({ ...METADATA, height: '0' }), 'how wide and high'],
  ['a huge picture', modelBytes({ ...METADATA, width: '999999' }), 'limit'],
  ['external data', modelBytes(METADATA, externalGraph()), 'second file'],
])('refuses %s in one readable line', (_name, bytes, message) => {
  expect(() => readModelInfo(bytes)).toThrow(ModelError);
  expect(() => readModelInfo(bytes)).toThrow(message);
});

test('refuses a file cut at any byte before its last field, and never breaks', () => {
  const whole = modelBytes(METADATA);
  for (let length = 0; length < whole.length - 1; length++) {
    expect(() => readModelInfo(whole.subarray(0, length)), `cut at ${length}`).toThrow();
  }
});

test('refuses a file over the limit without reading it', () => {
  expect(() => readModelInfo(new Uint8Array(65e6))).toThrow('64 MB');
});
