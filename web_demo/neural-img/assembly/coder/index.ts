/** The entropy coder of `.anir` files (AssemblyScript): the exports of its WebAssembly module. */
import { fillLogarithms } from './logarithms';
import { fillNeighbours } from './neighbours';
import { makeState } from './state';

export { level, meansPosition } from './levels';
export { symbols } from './mixer';
export { bits, check, extend, finish, position, startDecoding, startEncoding } from './range_coder';
export { keep, kept, restore, room, spare } from './state';
export { values } from './values';

/**
 * Allocates the state for a picture, of which nothing is known yet.
 * @param rows rows of cells
 * @param columns columns of cells
 * @param planes colour planes
 * @param frequencies frequencies of a cell along each axis
 * @returns whether there is enough memory
 */
export function create(rows: i32, columns: i32, planes: i32, frequencies: i32): bool {
  if (!makeState(rows, columns, planes, frequencies)) return false;
  fillLogarithms();
  fillNeighbours();
  return true;
}
