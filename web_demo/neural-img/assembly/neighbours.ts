/** Where the frequencies around each lie in a cell's plane (AssemblyScript). */
import { columnOf, indexOf, pitch, rowOf } from './state';

// Where frequencies around one stand in a row of the table below, in bytes: the nearest four, the four two away, those across the
// corners, and those 3, 4, 5 and 6 away. Each four are left, right, up and down.
export const LEFT: usize = 0;
export const RIGHT: usize = 2;
export const UP: usize = 4;
export const DOWN: usize = 6;
export const SECOND: usize = 8;
export const CORNERS: usize = 16;
export const FARTHER: usize = 24;
export const NEIGHBOURS: usize = 56;
/**
 * Of each frequency, at which bytes of i32 those around it lie in their plane: u16 [pitch², 28]. Those that there are not lie at
 * the place beyond all frequencies, whose size is zero.
 */
const neighbours = memory.data(32 * 32 * 56);

/** Fills the table of frequencies around each. */
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

/** Writes where the frequencies so far to the left, to the right, up and down lie. */
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
export function rowAround(i: i32): usize {
  return neighbours + <usize>i * NEIGHBOURS;
}
