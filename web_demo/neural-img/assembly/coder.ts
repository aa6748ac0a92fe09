/** The entropy coder of `.anir` files (AssemblyScript): what its module offers. */
import { fillLogarithms } from './logarithms';
import { fillNeighbours } from './neighbours';
import { makeRoom } from './state';

export { level, meansPosition } from './levels';
export { symbols } from './mixer';
export { bits, check, extend, finish, position, startDecoding, startEncoding } from './range_coder';
export { keep, kept, restore, room, spare } from './state';
export { values } from './values';

/**
 * Begins a picture of so many rows and columns of cells, of so many planes and frequencies along each axis.
 * @returns whether there is memory
 */
export function create(rows: i32, columns: i32, planes: i32, frequencies: i32): bool {
  if (!makeRoom(rows, columns, planes, frequencies)) return false;
  fillLogarithms();
  fillNeighbours();
  return true;
}
