import { describe, expect, it } from 'vitest';
import { axis } from '../../neural-img/src/coordinates.ts';
import { type Grid, partOf, sample, transposed, weightsOf } from '../../neural-img/src/grids.ts';

const GRID: Grid = {
  picture: Float32Array.from({ length: 2 * 3 * 4 }, (_, k) => k),
  channels: 2,
  height: 3,
  width: 4,
  inputs: { part: 'part', rows: 'rows', columns: 'columns' },
};

describe('weights', () => {
  it('are shares of the two cells around a point', () => {
    const { first, cells, matrix } = weightsOf(axis(4, { start: 1.75, count: 0.5 }, 2), 4);
    expect([first, cells]).toEqual([1, 2]);
    expect([...matrix]).toEqual([0.625, 0.375, 0.375, 0.625]);
  });

  it('hold the outermost cells up to the border', () => {
    const { first, cells, matrix } = weightsOf(Float32Array.of(-1, -0.8, 0.75, 1), 4);
    expect([first, cells]).toEqual([0, 4]);
    expect([...matrix]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
  });

  it('are turned for columns', () => {
    const weights = weightsOf(axis(4, { start: 0, count: 4 }, 3), 4);
    const [turned, points] = [transposed(weights), 3];
    for (let point = 0; point < points; point++)
      for (let cell = 0; cell < weights.cells; cell++)
        expect(turned[cell * points + point]).toBe(weights.matrix[point * weights.cells + cell]);
  });
});

describe('a grid', () => {
  it('gives a tile only the cells that its points lie between', () => {
    const rows = weightsOf(axis(3, { start: 2, count: 1 }, 4), 3);
    const columns = weightsOf(axis(4, { start: 1, count: 1 }, 4), 4);
    expect([...partOf(GRID, rows, columns)]).toEqual([4, 5, 6, 8, 9, 10, 16, 17, 18, 20, 21, 22]);
  });

  it('has its features at its cells and means of them in between', () => {
    expect([...sample(GRID, axis(4), axis(3))]).toEqual([...GRID.picture]);
    const [middle] = sample(GRID, Float32Array.of(0), Float32Array.of(0));
    expect(middle).toBe((5 + 6) / 2);
  });
});
