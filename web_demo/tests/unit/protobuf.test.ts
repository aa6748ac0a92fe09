import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ModelError } from '../../neural-img/src/model_error.ts';
import { type Content, Reader, textOf } from '../../neural-img/src/protobuf.ts';
import { concat, field, varint } from '../onnx_bytes.ts';

const read = (message: Uint8Array): [number, Content][] => [...new Reader().fields(message)];

test('reads numbers, bytes and fields of fixed size', () => {
  const fixed = Uint8Array.of((3 << 3) | 1, 1, 2, 3, 4, 5, 6, 7, 8, (4 << 3) | 5, 1, 2, 3, 4);
  const fields = read(concat(field(1, 300), fixed, field(2, 'abc')));
  expect(fields.map(([number]) => number)).toEqual([1, 3, 4, 2]);
  expect(fields.slice(0, 2)).toEqual([
    [1, 300],
    [3, [1, 2, 3, 4, 5, 6, 7, 8]],
  ]);
  expect(textOf(fields[3]?.[1] ?? 0)).toBe('abc');
});

const MESSAGES = fc.array(
  fc.tuple(
    fc.integer({ min: 1, max: 2 ** 29 - 1 }),
    fc.oneof(fc.maxSafeInteger(), fc.uint8Array({ maxLength: 40 })),
  ),
  { maxLength: 8 },
);
const written = (fields: [number, number | Uint8Array][]) => concat(...fields.map((own) => field(...own)));

test('written fields are read back', () => {
  fc.assert(
    fc.property(MESSAGES, (fields) => {
      expect(read(written(fields))).toEqual(fields);
    }),
  );
});

test('a truncated message has its first fields or is refused', () => {
  fc.assert(
    fc.property(MESSAGES, fc.nat({ max: 400 }), (fields, size) => {
      const found = readOrRefused(written(fields).subarray(0, size));
      expect(found ?? fields).toEqual(fields.slice(0, found?.length));
    }),
  );
});

test('any bytes are read or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (message) => {
      for (const [number] of readOrRefused(message) ?? []) expect(number).toBeGreaterThanOrEqual(0);
    }),
  );
});

/** The fields of a message, or undefined if it is refused with a ModelError. */
function readOrRefused(message: Uint8Array): [number, Content][] | undefined {
  try {
    return read(message);
  } catch (error) {
    expect(error).toBeInstanceOf(ModelError);
    return undefined;
  }
}

test.each([0, 1, 127, 128, 2 ** 31, 2 ** 53 - 1, -1, -128, -(2 ** 31), -(2 ** 53) + 1])(
  'reads %i',
  (value) => {
    expect(read(concat(Uint8Array.of(8), varint(value)))).toEqual([[1, value]]);
  },
);

test.each([
  ['a number that does not end', Uint8Array.of(8, 128)],
  ['a number of eleven bytes', Uint8Array.from([8, ...Array(10).fill(128), 1])],
  ['bytes that are missing', Uint8Array.of(10, 5, 1)],
  ['a length below zero', concat(Uint8Array.of(10), varint(-1))],
  ['a length of 2⁶²', concat(Uint8Array.of(10), varint(2 ** 62))],
  ['a group', Uint8Array.of(11)],
  ['field 0', Uint8Array.of(2, 0)],
])('refuses %s', (_name, message) => {
  expect(() => read(message)).toThrow('damaged');
});

test('refuses a message of too many fields', () => {
  expect(() => read(new Uint8Array(2 ** 20).fill(8).map((octet, k) => (k % 2 ? 0 : octet)))).toThrow(
    'too many',
  );
});

test('reads packed numbers', () => {
  const numbers = concat(varint(1), varint(-5), varint(300));
  expect([...new Reader().varints(numbers)]).toEqual([1, -5, 300]);
  expect(() => [...new Reader().varints(numbers.subarray(0, -1))]).toThrow('damaged');
});

test('refuses content that is no text', () => {
  for (const content of [5, [1, 2, 3, 4]]) expect(() => textOf(content)).toThrow('damaged');
  expect(() => textOf(Uint8Array.of(255))).toThrow('damaged');
});
