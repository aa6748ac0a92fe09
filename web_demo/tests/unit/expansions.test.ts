import { describe, expect, it, test } from 'vitest';
import {
  columnsOf,
  type Expansion,
  expansionOrder,
  reorder,
  rowsOf,
  stretchOf,
  transposed,
} from '../../neural-img/src/expansions.ts';

const EXPANSION: Expansion = {
  coefficients: Float32Array.from({ length: 2 * 3 * 4 }, (_, k) => k),
  counts: { rows: 3, columns: 4 },
  views: { rows: 1, columns: 1 },
  values: { rows: 'r', columns: 'c' },
  inputs: { part: 'part', rows: 'rows', columns: 'columns' },
};

describe('a stretch of points', () => {
  // Four functions at five points; the third is sin(π) in float32 at two of them.
  const functions = Float32Array.of(
    ...[1, 2, 0, 0, 0],
    ...[0, 3, 4, 5, 0],
    ...[6, 0, -9e-8, -9e-8, 0],
    ...[0, 0, 0, -7, 8],
  );

  it('has the functions that matter there', () => {
    const { indices, values } = stretchOf(functions, 4, 5, 2, 2);
    expect(indices).toEqual([1, 3]);
    expect([...values]).toEqual([4, 5, 0, -7]);
  });

  it('need not have neighbouring functions', () => {
    expect(stretchOf(functions, 4, 5, 0, 1).indices).toEqual([0, 2]);
    expect(stretchOf(functions, 4, 5, 0, 5).indices).toEqual([0, 1, 2, 3]);
  });

  it('has one function where none matters', () => {
    const { indices, values } = stretchOf(new Float32Array(10), 2, 5, 3, 2);
    expect(indices).toEqual([0]);
    expect([...values]).toEqual([0, 0]);
  });

  it('has what matters in one of several views in all of them', () => {
    const { indices, values } = stretchOf(functions, 2, 5, 1, 1);
    expect(indices).toEqual([0, 1]);
    expect([...values]).toEqual([2, 3, 0, 0]);
    expect([...stretchOf(functions, 2, 5, 4, 1).values]).toEqual([0, 8]);
  });

  it('is turned for rows', () => {
    expect([...transposed(stretchOf(functions, 2, 5, 1, 3), 3)]).toEqual([
      ...[2, 3, 0, 4, 0, 5],
      ...[0, 0, -9e-8, 0, -9e-8, -7].map(Math.fround),
    ]);

    expect([...transposed(stretchOf(functions, 4, 5, 1, 3), 3)]).toEqual([2, 3, 0, 0, 4, 0, 0, 5, -7]);
  });
});

test('a tile has the coefficients of its functions', () => {
  const rows = rowsOf(EXPANSION, [0, 2]);
  expect([...rows]).toEqual([0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 20, 21, 22, 23]);
  expect([...columnsOf(rows, 4, [1, 3])]).toEqual([1, 3, 9, 11, 13, 15, 21, 23]);
});

describe('the order of axes', () => {
  const rows = { letters: 'lbh', dims: [2, 3, 5] };
  const columns = { letters: 'kw', dims: [4, 7] };

  it('is that of channel, functions of rows, functions of columns', () => {
    const constant = { letters: 'kblp', dims: [4, 3, 2, 1] };
    expect(expansionOrder('hwp', rows, columns, constant)).toBe('plbk');
  });

  it('leaves out places that functions are seen from, which come before channels', () => {
    const seen = { letters: 'ylbh', dims: [9, 2, 3, 5] };
    const constant = { letters: 'kblp', dims: [4, 3, 2, 1] };
    expect(expansionOrder('hwyp', seen, columns, constant)).toBe('plbk');
    expect(expansionOrder('hwpy', seen, columns, constant)).toBeUndefined();
    expect(expansionOrder('hwyp', rows, { letters: 'ykw', dims: [9, 4, 7] }, constant)).toBe('plbk');
    expect(expansionOrder('hwyp', seen, { letters: 'ykw', dims: [9, 4, 7] }, constant)).toBeUndefined();
    expect(expansionOrder('hwxyp', seen, { letters: 'xkw', dims: [9, 4, 7] }, constant)).toBe('plbk');
    expect(expansionOrder('hwyxp', seen, { letters: 'xkw', dims: [9, 4, 7] }, constant)).toBeUndefined();
  });

  it.each([
    ['rows and columns the other way round', 'whp', 'kblp', [4, 3, 2, 1]],
    ['an axis that is repeated', 'hwp', 'kblp', [4, 1, 2, 1]],
    ['sizes that only have the same product', 'hwp', 'kblp', [4, 2, 3, 1]],
    ['no channel', 'hw', 'kbl', [4, 3, 2]],
    ['two channels', 'hwpq', 'kblpq', [4, 3, 2, 1, 1]],
    ['an axis summed alone', 'hwp', 'kblpm', [4, 3, 2, 1, 1]],
    ['an axis missing', 'hwp', 'klp', [4, 2, 1]],
    ['axes that have no letter', 'hwp', 'kblp', [4, 3, 2, 1, 9]],
  ])('is none for %s', (_, result, letters, dims) => {
    expect(expansionOrder(result, rows, columns, { letters, dims })).toBeUndefined();
  });

  it.each([
    ['an axis of both functions', 'bw', 'plbb', [1, 2, 3, 3]],
    ['points that are also an axis', 'hw', 'plbh', [1, 2, 3, 3]],
  ])('is none for %s', (_, letters, inConstant, dims) => {
    const constant = { letters: inConstant, dims };
    expect(expansionOrder('hwp', rows, { letters, dims: [3, 7] }, constant)).toBeUndefined();
  });

  it('is given to an array', () => {
    const array = Float32Array.of(0, 1, 2, 10, 11, 12);
    expect([...reorder(array, { letters: 'abc', dims: [2, 1, 3] }, 'cba')]).toEqual([0, 10, 1, 11, 2, 12]);
    expect([...reorder(array, { letters: 'abc', dims: [2, 1, 3] }, 'abc')]).toEqual([...array]);
  });
});
