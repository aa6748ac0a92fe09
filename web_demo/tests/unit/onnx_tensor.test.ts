import { describe, expect, test } from 'vitest';
import { type ElementType, readTensor } from '../../neural-img/src/onnx_tensor.ts';
import { Reader } from '../../neural-img/src/protobuf.ts';
import { concat, field, tensorBytes, varint } from '../onnx_bytes.ts';

const read = (message: Uint8Array) => readTensor(message, new Reader());
const elements = (message: Uint8Array, ...types: ElementType[]) => [...read(message).elements(types)];
const [NAME, INT8, INT32] = [field(8, 't'), field(2, 3), field(2, 6)];

test('reads name, shape and elements', () => {
  const tensor = read(tensorBytes('t', 'int16', [2, 1, 3], Int16Array.of(1, -2, 300, 4, 5, -6)));
  expect([tensor.name, tensor.type, tensor.dims, tensor.axes]).toEqual(['t', 'int16', [2, 1, 3], [2, 3]]);
  expect([...tensor.elements(['int16'])]).toEqual([1, -2, 300, 4, 5, -6]);
});

test('reads an odd number of 4-bit numbers, the lower half first', () => {
  expect(elements(tensorBytes('t', 'int4', [3], Uint8Array.of(0x87, 0x0f)), 'int4')).toEqual([7, -8, -1]);
});

test('reads packed floats', () => {
  const floats = new Uint8Array(Float32Array.of(0.5, -2).buffer);
  expect(elements(concat(field(1, 2), field(2, 1), NAME, field(4, floats)), 'float32')).toEqual([0.5, -2]);
});

test('reads floats that are not packed', () => {
  const one = (value: number) =>
    concat(Uint8Array.of((4 << 3) | 5), new Uint8Array(Float32Array.of(value).buffer));
  expect(elements(concat(field(1, 2), field(2, 1), NAME, one(0.5), one(-2)), 'float32')).toEqual([0.5, -2]);
});

test.each([
  ['packed', field(5, concat(varint(5), varint(-6)))],
  ['not packed', concat(field(5, 5), field(5, -6))],
])('reads integers as varints, %s', (_name, data) => {
  expect(elements(concat(field(1, 2), INT32, NAME, data), 'int32')).toEqual([5, -6]);
});

test('reads bytes with and without a sign', () => {
  expect(
    elements(concat(field(1, 2), INT8, NAME, field(5, concat(varint(250), varint(-6)))), 'int8'),
  ).toEqual([-6, -6]);
});

describe('refuses', () => {
  const raw = Int8Array.of(1, 2);
  test.each([
    ['another type', tensorBytes('t', 'int16', [1], raw), 'not of type int8'],
    ['an unknown type', concat(field(1, 2), field(2, 8), NAME, field(9, 'ab')), 'not of type int8'],
    ['too few bytes', tensorBytes('t', 'int8', [3], raw), 'elements'],
    ['too many bytes', tensorBytes('t', 'int8', [1], raw), 'elements'],
    ['elements of two kinds', tensorBytes('t', 'int8', [2], raw, [field(5, 1)]), 'elements'],
    ['2⁶² elements', tensorBytes('t', 'int8', [2 ** 31 - 1, 2 ** 31 - 1], raw), 'elements'],
    ['too few numbers', concat(field(1, 2), INT8, NAME, field(5, 1)), 'elements'],
    ['a number too many', concat(field(1, 2), INT8, NAME, field(5, 'ab'), field(5, 1)), 'elements'],
    ['floats as integers', concat(field(1, 1), field(2, 1), NAME, field(5, 1)), 'not of type'],
    ['no elements', concat(field(1, 2), INT8, NAME), 'elements'],
  ])('%s', (_name, message, expected) => {
    expect(() => elements(message, 'int8')).toThrow(expected);
  });

  test.each([
    ['an axis below zero', concat(field(1, -1), INT8), 'out of range'],
    ['an axis of 2³¹', concat(field(1, 2 ** 31), INT8), 'out of range'],
    ['nine axes', concat(...Array.from({ length: 9 }, () => field(1, 1))), 'out of range'],
    ['elements in another file', field(14, 1), 'another file'],
    ['a path to another file', field(13, 'x'), 'another file'],
  ])('%s', (_name, message, expected) => {
    expect(() => read(message)).toThrow(expected);
  });
});
