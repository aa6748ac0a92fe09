/**
 * Contexts of decisions on significance and magnitude: the magnitudes ("sizes") around a coefficient (AssemblyScript;
 * docs/format.md, "Contexts").
 */
import { bands, log, rounded } from './logarithms';
import { CORNERS, DOWN, LEFT, neighboursOf, RIGHT, SECOND, UP } from './neighbours';
import { setSizeInputs, sizeOdds } from './size_network';
import { cellStep, LOGS, planes, planeStep, rowStep, sizes } from './state';

/** The slot of a decision in each of its contexts. */
export const slots = new StaticArray<usize>(5);

@inline
function sizeAt(at: usize): i32 {
  return load<i32>(at);
}

/** The sum of the magnitudes at four neighbouring frequencies in a row of the table. */
@inline
function four(from: usize, table: usize): i32 {
  return sizeAt(from + load<u16>(table)) + sizeAt(from + load<u16>(table, 2)) + sizeAt(from + load<u16>(table, 4)) + sizeAt(from + load<u16>(table, 6));
}

// Magnitudes, and sums of magnitudes, around the coefficient that was visited last, by their names in docs/format.md: neighbouring
// frequencies in its cell; the same frequency in adjacent and diagonal cells, and the neighbours of that; and in other planes.
let left = 0;
let right = 0;
let up = 0;
let down = 0;
let corners = 0;
let west = 0;
let east = 0;
let north = 0;
let south = 0;
let diagonal = 0;
let acrossCrosses = 0;
let downCrosses = 0;
let farCrosses = 0;
let same = 0;
let otherCrosses = 0;

/** Reads the magnitudes around a coefficient, whose neighbours are a row of the table. */
function lookAround(p: i32, from: usize, at: usize, table: usize): void {
  left = sizeAt(from + load<u16>(table, LEFT));
  right = sizeAt(from + load<u16>(table, RIGHT));
  up = sizeAt(from + load<u16>(table, UP));
  down = sizeAt(from + load<u16>(table, DOWN));
  corners = four(from, table + CORNERS);
  const cellAcross = <usize>cellStep << 2;
  const cellDown = <usize>rowStep << 2;
  const here = from + at;
  west = sizeAt(here - cellAcross);
  east = sizeAt(here + cellAcross);
  north = sizeAt(here - cellDown);
  south = sizeAt(here + cellDown);
  diagonal =
    sizeAt(here - cellDown - cellAcross) + sizeAt(here - cellDown + cellAcross) + sizeAt(here + cellDown - cellAcross) + sizeAt(here + cellDown + cellAcross);
  acrossCrosses = four(from - cellAcross, table) + four(from + cellAcross, table);
  downCrosses = four(from - cellDown, table) + four(from + cellDown, table);
  const far = table + SECOND;
  farCrosses = four(from - cellAcross, far) + four(from + cellAcross, far) + four(from - cellDown, far) + four(from + cellDown, far);
  same = 0;
  otherCrosses = 0;
  for (let other = 0; other < planes; other++) {
    if (other == p) continue;
    const there = from + ((other - p) * planeStep << 2);
    same += sizeAt(there + at);
    otherCrosses += four(there, table);
  }
}

/** The slot of the pattern of small magnitudes around. */
@inline
function pattern(): i32 {
  let digits = rounded(left, 2) * 3 + rounded(up, 2);
  digits = (digits * 3 + rounded(west, 2)) * 3 + rounded(north, 2);
  return (digits * 3 + rounded(same, 2)) * 4 + rounded(<i64>right + down + east + south, 3);
}

/** Fills the slots of a refinement, given the quantized activity and the third slot. */
export function refinementContexts(p: i32, base: i32, i: i32, activityLog: i32, third: i32): void {
  const table = neighboursOf(i);
  const from = sizes + (<usize>base << 2);
  lookAround(p, from, <usize>i << 2, table);
  const own = log(8 * (2 * (<i64>left + right + up + down) + four(from, table + SECOND) + corners));
  const cells = 2 * (<i64>west + east + north + south) + diagonal;
  unchecked((slots[0] = own * LOGS + log(8 * cells)));
  unchecked((slots[1] = log(8 * (4 * <i64>same + otherCrosses)) * LOGS + activityLog));
  unchecked((slots[2] = third));
  unchecked((slots[3] = log(4 * (<i64>acrossCrosses + downCrosses + farCrosses + cells)) * LOGS + own));
  unchecked((slots[4] = pattern()));
}

/**
 * Fills the slots of an insignificant coefficient, and evaluates the network of sizes.
 *
 * @param activityLog its quantized activity
 * @param fu its vertical frequency; of a mean, that of the DCT over its block
 * @param fv its horizontal frequency, likewise
 * @param beyond the quantized logarithm of its interval's end; -1 if nothing was coded of it before
 * @param second its second slot
 * @returns the network's log-odds
 */
export function significanceContexts(
  p: i32, base: i32, i: i32, activityLog: i32, fu: i32, fv: i32, beyond: i32, second: i32,
): i32 {
  const table = neighboursOf(i);
  const from = sizes + (<usize>base << 2);
  lookAround(p, from, <usize>i << 2, table);
  const far = four(from, table + SECOND);
  const cells = 2 * (<i64>west + east + north + south) + diagonal;
  const crosses = <i64>acrossCrosses + downCrosses;
  setSizeInputs(0, log(8 * <i64>left), log(8 * <i64>right));
  setSizeInputs(1, log(8 * <i64>up), log(8 * <i64>down));
  setSizeInputs(2, log(4 * <i64>far), log(4 * <i64>corners));
  setSizeInputs(3, log(8 * <i64>west), log(8 * <i64>east));
  setSizeInputs(4, log(8 * <i64>north), log(8 * <i64>south));
  setSizeInputs(5, log(4 * <i64>diagonal), log(4 * <i64>acrossCrosses));
  setSizeInputs(6, log(4 * <i64>downCrosses), log(2 * <i64>farCrosses));
  setSizeInputs(7, log(8 * <i64>same), log(4 * <i64>otherCrosses));
  setSizeInputs(8, log(8 * (2 * (<i64>left + right + up + down) + far + corners)), log(8 * cells));
  setSizeInputs(9, log(4 * (crosses + farCrosses + cells)), activityLog);
  setSizeInputs(10, max(beyond, 0), beyond < 0 ? 16 : 0);
  const kind = (planes == 1 ? 3 : min(p, 2)) + (i ? 0 : 4);
  const odds = sizeOdds(kind, min(fu, 15), min(fv, 15));
  const band = <i32>unchecked(bands[fu + fv]);
  unchecked((slots[0] = (min(max((odds + 2560) >> 7, 0), 31) * 32 + 2 * band + (fu > fv ? 1 : 0))));
  unchecked((slots[1] = second));
  unchecked((slots[2] = pattern()));
  return odds;
}
