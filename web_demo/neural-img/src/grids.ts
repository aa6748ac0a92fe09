/** Pictures of features, interpolated as products of matrices, as in the Python runtime, where GridSample is far slower. */

/** Bilinear interpolation along one axis of a picture of features. */
export interface Weights {
  /** The first of the cells that the points lie between. */
  first: number;
  /** How many cells. */
  cells: number;
  /** What each is worth, [points, cells]. */
  matrix: Float32Array;
}

/** A picture of features, [C, height, width], and the tile's inputs that take it. */
export interface Grid {
  picture: Float32Array;
  channels: number;
  height: number;
  width: number;
  /** The inputs for the tile's cells, float32[1, C, r, c], and for weights of rows, [h, r], and of columns, [c, w]. */
  inputs: { part: string; rows: string; columns: string };
}

/** For points of an axis in [-1, 1] over `size` cells; the outermost cells reach to the border. */
export function weightsOf(points: Float32Array, size: number): Weights {
  const positions = Array.from(points, (at) => Math.min(Math.max(((at + 1) * size - 1) / 2, 0), size - 1));
  const first = Math.floor(Math.min(...positions));
  const cells = Math.ceil(Math.max(...positions)) + 1 - first;
  const matrix = new Float32Array(positions.length * cells);
  positions.forEach((position, point) => {
    const below = Math.floor(position);
    const share = position - below;
    const to = point * cells + below - first;
    matrix[to] = 1 - share;
    if (share > 0) matrix[to + 1] = share;
  });
  return { first, cells, matrix };
}

/** A tile's cells, [C, rows, columns]. */
export function partOf(grid: Grid, rows: Weights, columns: Weights): Float32Array {
  const part = new Float32Array(grid.channels * rows.cells * columns.cells);
  for (let channel = 0, to = 0; channel < grid.channels; channel++)
    for (let row = 0; row < rows.cells; row++, to += columns.cells) {
      const from = (channel * grid.height + rows.first + row) * grid.width + columns.first;
      part.set(grid.picture.subarray(from, from + columns.cells), to);
    }
  return part;
}

/** Weights as [cells, points]. */
export function transposed({ matrix, cells }: Weights): Float32Array {
  const points = matrix.length / cells;
  return matrix.map((_, k) => matrix[(k % points) * cells + Math.floor(k / points)] ?? 0);
}

/** Features at columns x and rows y, [C, y, x], as GridSample gives them with padding "border". */
export function sample(grid: Grid, x: Float32Array, y: Float32Array): Float32Array {
  const [rows, columns] = [weightsOf(y, grid.height), weightsOf(x, grid.width)];
  const part = partOf(grid, rows, columns);
  return Float32Array.from({ length: grid.channels * y.length * x.length }, (_, k) => {
    const [channel, row, column] = [
      Math.floor(k / (x.length * y.length)),
      Math.floor(k / x.length) % y.length,
      k % x.length,
    ];
    let sum = 0;
    for (let r = 0; r < rows.cells; r++)
      for (let c = 0; c < columns.cells; c++)
        sum +=
          (rows.matrix[row * rows.cells + r] ?? 0) *
          (columns.matrix[column * columns.cells + c] ?? 0) *
          (part[(channel * rows.cells + r) * columns.cells + c] ?? 0);
    return sum;
  });
}
