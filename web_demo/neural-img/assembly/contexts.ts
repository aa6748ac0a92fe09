/**
 * Contexts of decisions: what is known around a coefficient (AssemblyScript; docs/format.md, "Contexts").
 */
import { seeSigns, signOdds } from './sign_network';
import { networkOdds, see } from './size_network';
import {
  activities,
  cell,
  cellLine,
  columnOf,
  extents,
  i32At,
  indexOf,
  line,
  LOGS,
  pitch,
  plane,
  planes,
  put,
  rowOf,
  signs,
  sizes,
} from './state';

const LOG_STEPS: StaticArray<i32> = [
  1, 1, 2, 3, 4, 6, 9, 12, 17, 23, 31, 43, 60, 82, 112, 154, 211, 290, 397, 545, 747, 1023, 1403, 1922, 2635, 3610, 4948, 6780,
];
const LOG_MOST: i32 = 8191;
const BAND_STEPS: StaticArray<i32> = [1, 1, 2, 3, 4, 6, 8, 11, 15, 20, 27];

const logs = new StaticArray<u8>(LOG_MOST + 1);
export const bands = new StaticArray<u8>(64);
/** The first class of zeros at each frequency of a plane. */
const classes = new StaticArray<u16>(32 * 32);
/** Slots of the counters of a decision about a size, and of one about a sign. */
export const slots = new StaticArray<usize>(5);
export const signSlots = new StaticArray<usize>(3);

let inverse: i64 = 0;

/** Fills the tables, which hold for all levels of a picture. */
export function fillTables(): void {
  fillSteps(logs, LOG_STEPS);
  fillSteps(bands, BAND_STEPS);
  fillNeighbours();
  for (let i = 0; i < pitch * pitch; i++) classes[i] = <u16>(unchecked(bands[rowOf(i) + columnOf(i)]) * LOGS);
}

/** Sets the width that sums of sizes are relative to. */
export function measureBy(width: i32): void {
  inverse = (1 << 20) / width;
}

/** The class of zeros at a frequency that have no activity. */
@inline
export function classOf(i: i32): i32 {
  return unchecked(classes[i]);
}

function fillSteps(table: StaticArray<u8>, steps: StaticArray<i32>): void {
  let at = 0;
  for (let i = 0; i < table.length; i++) {
    while (at < steps.length && i >= steps[at]) at++;
    table[i] = <u8>at;
  }
}

/** The highest sum of frequencies of a band; -1 for band -1. */
@inline
export function lastOfBand(band: i32): i32 {
  return band < 0 ? -1 : band < BAND_STEPS.length ? unchecked(BAND_STEPS[band]) - 1 : bands.length - 1;
}

/** The logarithm, in whole steps, of a sum of sizes. */
@inline
export function log(x: i64): i32 {
  return unchecked(logs[<i32>min((x * inverse) >> 20, LOG_MOST)]);
}

// Where frequencies around one stand in a row of the table below, in bytes: the nearest four, the four two away, those across the
// corners, and those 3, 4, 5 and 6 away. Each four are left, right, up and down.
const LEFT: usize = 0;
const RIGHT: usize = 2;
const UP: usize = 4;
const DOWN: usize = 6;
const SECOND: usize = 8;
const CORNERS: usize = 16;
const FARTHER: usize = 24;
const NEIGHBOURS: usize = 56;
/**
 * Of each frequency, at which bytes of i32 those around it lie in their plane: u16 [pitch², 28]. Those that there are not lie at
 * the place beyond all frequencies, whose size is zero.
 */
const neighbours = memory.data(32 * 32 * 56);

/** Fills the table of frequencies around each. */
function fillNeighbours(): void {
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

/** A cell's plane has activity up to a sum of frequencies. */
@inline
function extend(index: i32, sum: i32): void {
  if (i32At(extents, index) < sum) put(extents, index, sum);
}

@inline
function addTo(address: usize, x: i32): void {
  store<i32>(address, load<i32>(address) + x);
}

/** Adds to the four frequencies of a plane that a row of the table names. */
@inline
function addToFour(to: usize, table: usize, x: i32): void {
  for (let k: usize = 0; k < 8; k += 2) addTo(to + load<u16>(table + k), x);
}

@inline
function addToCross(to: usize, i: usize, table: usize, middle: i32, beside: i32): void {
  addTo(to + i, middle);
  addToFour(to, table, beside);
}

/** Adds a size's growth to the activities of all that see it. */
export function spread(p: i32, base: i32, i: i32, index: i32, x: i32): void {
  const table = neighbours + <usize>i * NEIGHBOURS;
  const to = activities + (<usize>base << 2);
  const at = <usize>i << 2;
  addToFour(to, table, 12 * x);
  addToFour(to, table + SECOND, 5 * x);
  addToFour(to, table + CORNERS, 4 * x);
  addToFour(to, table + FARTHER, 2 * x);
  for (let k = FARTHER + 8; k < NEIGHBOURS; k += 8) addToFour(to, table + k, x);
  const across = <usize>cell << 2;
  const down = <usize>line << 2;
  addTo(to + at - down - across, 4 * x);
  addTo(to + at - down + across, 4 * x);
  addTo(to + at + down - across, 4 * x);
  addTo(to + at + down + across, 4 * x);
  addToCross(to - down, at, table, 12 * x, 3 * x);
  addToCross(to + down, at, table, 12 * x, 3 * x);
  addToCross(to - across, at, table, 12 * x, 3 * x);
  addToCross(to + across, at, table, 12 * x, 3 * x);
  for (let other = 0; other < planes; other++) {
    if (other != p) addToCross(to + ((other - p) * plane << 2), at, table, 5 * x, x);
  }
  extendAround(p, index, rowOf(i) + columnOf(i));
}

/** Extends the cells' planes that see a size at such a sum of frequencies. */
@inline
function extendAround(p: i32, index: i32, sum: i32): void {
  extend(index, sum + 6);
  for (let i = -1; i < 2; i++) {
    const middle = index + i * cellLine;
    extend(middle - planes, sum + 1);
    extend(middle, sum + 1);
    extend(middle + planes, sum + 1);
  }
  for (let other = 0; other < planes; other++) extend(index + other - p, sum + 1);
}

/** Half or more of the level's width counts as one, and so on: at most `most`. */
@inline
function rounded(x: i64, most: i32): i32 {
  return <i32>min((((2 * x * inverse) >> 20) + 1) >> 1, most);
}

@inline
function sizeAt(at: usize): i32 {
  return load<i32>(at);
}

/** Sizes at the four frequencies of a plane that a row of the table names. */
@inline
function four(from: usize, table: usize): i32 {
  return sizeAt(from + load<u16>(table)) + sizeAt(from + load<u16>(table, 2)) + sizeAt(from + load<u16>(table, 4)) + sizeAt(from + load<u16>(table, 6));
}

// Sizes and sums of sizes around the coefficient that was looked at last: the frequencies beside it, their far cross and corners, the
// same frequency in the cells beside, in the four diagonal cells, crosses and far crosses there, and in other planes.
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

/** Looks at the sizes around a coefficient, by the row of the table of frequencies around it. */
function lookAround(p: i32, from: usize, at: usize, table: usize): void {
  left = sizeAt(from + load<u16>(table, LEFT));
  right = sizeAt(from + load<u16>(table, RIGHT));
  up = sizeAt(from + load<u16>(table, UP));
  down = sizeAt(from + load<u16>(table, DOWN));
  corners = four(from, table + CORNERS);
  const cellAcross = <usize>cell << 2;
  const cellDown = <usize>line << 2;
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
    const there = from + ((other - p) * plane << 2);
    same += sizeAt(there + at);
    otherCrosses += four(there, table);
  }
}

/** The slot of small sizes around. */
@inline
function pattern(): i32 {
  let digits = rounded(left, 2) * 3 + rounded(up, 2);
  digits = (digits * 3 + rounded(west, 2)) * 3 + rounded(north, 2);
  return (digits * 3 + rounded(same, 2)) * 4 + rounded(<i64>right + down + east + south, 3);
}

/** Fills the slots of a half, by the sizes around and by the logarithm of the activity; the third one is given. */
export function halfContexts(p: i32, base: i32, i: i32, activityLog: i32, third: i32): void {
  const table = neighbours + <usize>i * NEIGHBOURS;
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
 * Fills the slots of a zero, and asks the network of sizes.
 *
 * @param activityLog the logarithm of the zero's activity
 * @param fu its frequency down, or a mean's cosine
 * @param fv the same across
 * @param beyond the logarithm of its interval's end, or -1 if nothing is known of it
 * @param second its second slot
 * @returns the network's odds
 */
export function zeroContexts(
  p: i32, base: i32, i: i32, activityLog: i32, fu: i32, fv: i32, beyond: i32, second: i32,
): i32 {
  const table = neighbours + <usize>i * NEIGHBOURS;
  const from = sizes + (<usize>base << 2);
  lookAround(p, from, <usize>i << 2, table);
  const cross = four(from, table + SECOND);
  const cells = 2 * (<i64>west + east + north + south) + diagonal;
  const crosses = <i64>acrossCrosses + downCrosses;
  see(0, log(8 * <i64>left), log(8 * <i64>right));
  see(1, log(8 * <i64>up), log(8 * <i64>down));
  see(2, log(4 * <i64>cross), log(4 * <i64>corners));
  see(3, log(8 * <i64>west), log(8 * <i64>east));
  see(4, log(8 * <i64>north), log(8 * <i64>south));
  see(5, log(4 * <i64>diagonal), log(4 * <i64>acrossCrosses));
  see(6, log(4 * <i64>downCrosses), log(2 * <i64>farCrosses));
  see(7, log(8 * <i64>same), log(4 * <i64>otherCrosses));
  see(8, log(8 * (2 * (<i64>left + right + up + down) + cross + corners)), log(8 * cells));
  see(9, log(4 * (crosses + farCrosses + cells)), activityLog);
  see(10, max(beyond, 0), beyond < 0 ? 16 : 0);
  const kind = (planes == 1 ? 3 : min(p, 2)) + (i ? 0 : 4);
  const odds = networkOdds(kind, min(fu, 15), min(fv, 15));
  const band = <i32>unchecked(bands[fu + fv]);
  unchecked((slots[0] = (min(max((odds + 2560) >> 7, 0), 31) * 32 + 2 * band + (fu > fv ? 1 : 0))));
  unchecked((slots[1] = second));
  unchecked((slots[2] = pattern()));
  return odds;
}

@inline
function signAt(place: i32): i32 {
  return load<i8>(signs + place);
}

/** A coefficient's sign times the logarithm of its size; 0 while it may be zero. */
@inline
function signedAt(place: i32): i32 {
  return signAt(place) * log(8 * <i64>i32At(sizes, place));
}

/** The same at a frequency that the table names. */
@inline
function signedBeside(base: i32, entry: usize): i32 {
  return signedAt(base + <i32>(load<u16>(entry) >> 2));
}

/** Whether a place's sign is that of another plane there: 1, or -1; 0 while one of them is unknown. */
@inline
function together(place: i32, other: i32): i32 {
  return signAt(place) * signAt(place + other);
}

/** The same, summed over the four frequencies that a row of the table names. */
@inline
function togetherFour(base: i32, table: usize, other: i32): i32 {
  let sum = 0;
  for (let k: usize = 0; k < 8; k += 2) sum += together(base + <i32>(load<u16>(table + k) >> 2), other);
  return sum;
}

// How signs around go with those of another plane, times its sign here.
let besides = 0;
let seconds = 0;
let atCorners = 0;
let inCells = 0;
let inCrosses = 0;

/** Compares the signs around with those of another plane, so many places away. */
function compare(base: i32, i: i32, table: usize, other: i32): void {
  const at = base + i;
  const sign = 2 * signAt(at + other);
  besides = seconds = atCorners = inCells = inCrosses = 0;
  if (!sign) return;
  besides = sign * togetherFour(base, table, other);
  seconds = sign * togetherFour(base, table + SECOND, other);
  atCorners = sign * togetherFour(base, table + CORNERS, other);
  inCells = sign * (together(at - cell, other) + together(at + cell, other) + together(at - line, other) + together(at + line, other));
  inCrosses =
    sign *
    (togetherFour(base - cell, table, other) +
      togetherFour(base + cell, table, other) +
      togetherFour(base - line, table, other) +
      togetherFour(base + line, table, other));
}

/**
 * Fills the slots of a sign, and asks the network of signs.
 *
 * @param mean 2 for a mean, else 0
 * @returns the network's odds
 */
export function signContexts(p: i32, base: i32, i: i32, u: i32, v: i32, mean: i32): i32 {
  const table = neighbours + <usize>i * NEIGHBOURS;
  const second = table + SECOND;
  const corners = table + CORNERS;
  const west = base - cell;
  const east = base + cell;
  const north = base - line;
  const south = base + line;
  seeSigns(0, signedBeside(base, table + LEFT), signedBeside(base, table + RIGHT));
  seeSigns(1, signedBeside(base, second + LEFT), signedBeside(base, second + RIGHT));
  seeSigns(2, signedAt(west + i), signedAt(east + i));
  seeSigns(3, signedBeside(west, table + LEFT), signedBeside(west, table + RIGHT));
  seeSigns(4, signedBeside(east, table + LEFT), signedBeside(east, table + RIGHT));
  seeSigns(5, signedBeside(west, second + LEFT), signedBeside(west, second + RIGHT));
  seeSigns(6, signedBeside(east, second + LEFT), signedBeside(east, second + RIGHT));
  seeSigns(7, signedBeside(base, table + UP), signedBeside(base, table + DOWN));
  seeSigns(8, signedBeside(base, second + UP), signedBeside(base, second + DOWN));
  seeSigns(9, signedAt(north + i), signedAt(south + i));
  seeSigns(10, signedBeside(north, table + UP), signedBeside(north, table + DOWN));
  seeSigns(11, signedBeside(south, table + UP), signedBeside(south, table + DOWN));
  seeSigns(12, signedBeside(north, second + UP), signedBeside(north, second + DOWN));
  seeSigns(13, signedBeside(south, second + UP), signedBeside(south, second + DOWN));
  seeSigns(14, signedBeside(base, corners), signedBeside(base, corners + 2));
  seeSigns(15, signedBeside(base, corners + 4), signedBeside(base, corners + 6));
  seeSigns(16, signedAt(north - cell + i), signedAt(north + cell + i));
  seeSigns(17, signedAt(south - cell + i), signedAt(south + cell + i));
  // Cyclically; of a single plane both are this coefficient, whose sign is not known yet.
  const last = (p > 0 ? -1 : planes - 1) * plane;
  const lastButOne = (p > 1 ? -2 : planes > 1 ? planes - 2 : 0) * plane;
  compare(base, i, table, last);
  seeSigns(18, besides, seconds);
  seeSigns(19, atCorners, inCells);
  const crosses = inCrosses;
  compare(base, i, table, lastButOne);
  seeSigns(20, crosses, besides);
  seeSigns(21, seconds, atCorners);
  seeSigns(22, inCells, inCrosses);
  const odds = signOdds((p ? 1 : 0) + mean, u, v);
  const known = (signAt(base + i + last) + 1) * 3 + signAt(base + i + lastButOne) + 1;
  const likely = min(max((odds + 1024) >> 6, 0), 31);
  unchecked((signSlots[0] = likely * 9 + known));
  unchecked((signSlots[1] = (min(u, 15) * 16 + min(v, 15)) * 9 + known));
  unchecked((signSlots[2] = likely * 64 + min(u, 7) * 8 + min(v, 7)));
  return odds;
}
