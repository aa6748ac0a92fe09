/**
 * Activity: for each coefficient, a weighted sum of the magnitudes around it, updated as these grow (AssemblyScript;
 * docs/format.md, "Contexts").
 */
import { CORNERS, FARTHER, NEIGHBOURS, neighboursOf, SECOND } from './neighbours';
import { activities, cellStep, columnOf, extents, i32At, planes, planesPerRow, planeStep, put, rowOf, rowStep } from './state';

/** Records that a plane of a cell has activity up to a sum of frequencies. */
@inline
function extendPlane(index: i32, sum: i32): void {
  if (i32At(extents, index) < sum) put(extents, index, sum);
}

@inline
function addTo(address: usize, x: i32): void {
  store<i32>(address, load<i32>(address) + x);
}

/** Adds x to the activities of four frequencies of a plane, whose offsets are in a row of the table. */
@inline
function addToFour(to: usize, table: usize, x: i32): void {
  for (let k: usize = 0; k < 8; k += 2) addTo(to + load<u16>(table + k), x);
}

/** Adds to the activities of a frequency and of its four neighbours. */
@inline
function addToCross(to: usize, i: usize, table: usize, middle: i32, beside: i32): void {
  addTo(to + i, middle);
  addToFour(to, table, beside);
}

/** Adds the growth x of a coefficient's reconstructed magnitude to the activities of all coefficients around it. */
export function addToActivities(p: i32, base: i32, i: i32, index: i32, x: i32): void {
  const table = neighboursOf(i);
  const to = activities + (<usize>base << 2);
  const at = <usize>i << 2;
  addToFour(to, table, 12 * x);
  addToFour(to, table + SECOND, 5 * x);
  addToFour(to, table + CORNERS, 4 * x);
  addToFour(to, table + FARTHER, 2 * x);
  for (let k = FARTHER + 8; k < NEIGHBOURS; k += 8) addToFour(to, table + k, x);
  const across = <usize>cellStep << 2;
  const down = <usize>rowStep << 2;
  addTo(to + at - down - across, 4 * x);
  addTo(to + at - down + across, 4 * x);
  addTo(to + at + down - across, 4 * x);
  addTo(to + at + down + across, 4 * x);
  addToCross(to - down, at, table, 12 * x, 3 * x);
  addToCross(to + down, at, table, 12 * x, 3 * x);
  addToCross(to - across, at, table, 12 * x, 3 * x);
  addToCross(to + across, at, table, 12 * x, 3 * x);
  for (let other = 0; other < planes; other++) {
    if (other != p) addToCross(to + ((other - p) * planeStep << 2), at, table, 5 * x, x);
  }
  extendAround(p, index, rowOf(i) + columnOf(i));
}

/** Extends all planes of cells in which a magnitude at a sum of frequencies adds to activities. */
@inline
function extendAround(p: i32, index: i32, sum: i32): void {
  extendPlane(index, sum + 6);
  for (let i = -1; i < 2; i++) {
    const middle = index + i * planesPerRow;
    extendPlane(middle - planes, sum + 1);
    extendPlane(middle, sum + 1);
    extendPlane(middle + planes, sum + 1);
  }
  for (let other = 0; other < planes; other++) extendPlane(index + other - p, sum + 1);
}
