/** A table of the neighbours of each frequency in a plane of a cell (AssemblyScript). */
import { columnOf, indexOf, pitch, rowOf } from './state';

// Byte offsets in a row of the table below: the four nearest neighbours, the four at distance 2 (SECOND), the four diagonal
// ones (CORNERS), and four each at distances 3, 4, 5 and 6 (FARTHER). Each four but CORNERS are left, right, up and down.
export const LEFT: usize = 0;
export const RIGHT: usize = 2;
export const UP: usize = 4;
export const DOWN: usize = 6;
export const SECOND: usize = 8;
export const CORNERS: usize = 16;
export const FARTHER: usize = 24;
export const NEIGHBOURS: usize = 56;
/**
 * For each frequency, the byte offsets of its neighbours in an array of i32 over the plane: u16 [pitch², 28]. A neighbour that does
 * not exist has the offset of the additional place after all frequencies, whose size is always zero.
 */
const neighbours = memory.data(32 * 32 * 56);

/** Fills the table. */
export function fillNeighbours(): void {
  for (let i = 0; i < pitch * pitch; i++) {
    const row = neighbours + <usize>i * NEIGHBOURS;
    const u = rowOf(i);
    const v = columnOf(i);
    putFour(row, u, v, 1);
    putFour(row + SECOND, u, v, 2);
    putNeighbour(row + CORNERS, u - 1, v - 1);
    putNeighbour(row + CORNERS + 2, u - 1, v + 1);
    putNeighbour(row + CORNERS + 4, u + 1, v - 1);
    putNeighbour(row + CORNERS + 6, u + 1, v + 1);
    for (let far = 3; far < 7; far++) putFour(row + FARTHER + <usize>(far - 3) * 8, u, v, far);
  }
}

/** Writes the neighbours at distance `far` to the left, to the right, up and down. */
function putFour(to: usize, u: i32, v: i32, far: i32): void {
  putNeighbour(to + LEFT, u, v - far);
  putNeighbour(to + RIGHT, u, v + far);
  putNeighbour(to + UP, u - far, v);
  putNeighbour(to + DOWN, u + far, v);
}

function putNeighbour(to: usize, u: i32, v: i32): void {
  const inside = u >= 0 && v >= 0 && u < pitch && v < pitch;
  store<u16>(to, (inside ? indexOf(u, v) : pitch * pitch) << 2);
}

/** The row of a frequency in the table. */
@inline
export function neighboursOf(i: i32): usize {
  return neighbours + <usize>i * NEIGHBOURS;
}
