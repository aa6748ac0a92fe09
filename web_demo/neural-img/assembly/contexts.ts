/**
 * Contexts of decisions: what is known around a coefficient (AssemblyScript; docs/format.md, "Contexts").
 */
import {
  activities,
  add,
  BORDER,
  cell,
  extents,
  i32At,
  line,
  LOGS,
  pitch,
  plane,
  planes,
  put,
  signs,
  sizes,
  stride,
} from './state';

const LOG_STEPS: StaticArray<i32> = [
  1, 1, 2, 3, 4, 6, 9, 12, 17, 23, 31, 43, 60, 82, 112, 154, 211, 290, 397, 545, 747, 1023, 1403, 1922, 2635, 3610, 4948, 6780,
];
const LOG_MOST: i32 = 8191;
const BAND_STEPS: StaticArray<i32> = [1, 1, 2, 3, 4, 6, 8, 11, 15, 20, 27];

const logs = new StaticArray<u8>(LOG_MOST + 1);
export const bands = new StaticArray<u8>(64);
/** Slots of the counters of a decision about a size, and of one about a sign. */
export const slots = new StaticArray<usize>(5);
export const signSlots = new StaticArray<usize>(5);

let inverse: i64 = 0;

/** Fills the tables, and sets the width that sums of sizes are relative to. */
export function measureBy(width: i32): void {
  inverse = (1 << 20) / width;
  fillSteps(logs, LOG_STEPS);
  fillSteps(bands, BAND_STEPS);
}

function fillSteps(table: StaticArray<u8>, steps: StaticArray<i32>): void {
  let at = 0;
  for (let i = 0; i < table.length; i++) {
    while (at < steps.length && i >= steps[at]) at++;
    table[i] = <u8>at;
  }
}

/** The logarithm, in whole steps, of a sum of sizes. */
@inline
export function log(x: i64): i32 {
  return unchecked(logs[<i32>min((x * inverse) >> 20, LOG_MOST)]);
}

/** A cell's plane has activity up to a sum of frequencies. */
@inline
function extend(index: i32, sum: i32): void {
  if (i32At(extents, index) < sum) put(extents, index, sum);
}

/** Adds a size's growth to the activities of all that see it. */
export function spread(p: i32, place: i32, u: i32, v: i32, x: i32): void {
  const index = place / plane;
  extend(index, u + v + 6);
  for (let i = 1; i < 7; i++) {
    const w = x * (i == 1 ? 12 : i == 2 ? 5 : i == 3 ? 2 : 1);
    if (u >= i) add(activities, place - i * stride, w);
    if (u + i < pitch) add(activities, place + i * stride, w);
    if (v >= i) add(activities, place - i, w);
    if (v + i < pitch) add(activities, place + i, w);
  }
  for (let i = -1; i < 2; i += 2) {
    add(activities, place + i * stride + i, 4 * x);
    add(activities, place + i * stride - i, 4 * x);
    spreadCross(place + i * line, 12 * x, 3 * x);
    spreadCross(place + i * cell, 12 * x, 3 * x);
    add(activities, place + i * (line + cell), 4 * x);
    add(activities, place + i * (line - cell), 4 * x);
    for (let k = -planes; k <= planes; k += planes) extend(index + i * (line / plane) + k, u + v + 1);
    extend(index + i * planes, u + v + 1);
  }
  for (let other = 0; other < planes; other++) {
    if (other == p) continue;
    spreadCross(place + (other - p) * plane, 5 * x, x);
    extend(index + other - p, u + v + 1);
  }
}

@inline
function spreadCross(place: i32, middle: i32, beside: i32): void {
  add(activities, place, middle);
  add(activities, place - 1, beside);
  add(activities, place + 1, beside);
  add(activities, place - stride, beside);
  add(activities, place + stride, beside);
}

/** Half or more of the level's width counts as one, and so on: at most `most`. */
@inline
function rounded(x: i64, most: i32): i32 {
  return <i32>min((((2 * x * inverse) >> 20) + 1) >> 1, most);
}

@inline
function cross(place: i32): i64 {
  return <i64>i32At(sizes, place - 1) + i32At(sizes, place + 1) + i32At(sizes, place - stride) + i32At(sizes, place + stride);
}

@inline
function farCross(place: i32): i64 {
  return (
    <i64>i32At(sizes, place - 2) + i32At(sizes, place + 2) + i32At(sizes, place - 2 * stride) + i32At(sizes, place + 2 * stride)
  );
}

/** Fills the slots by the sizes around, and by the logarithm of the activity; the third one is given. */
export function contexts(p: i32, place: i32, activityLog: i32, third: i32): void {
  const l = <i64>i32At(sizes, place - 1);
  const r = <i64>i32At(sizes, place + 1);
  const t = <i64>i32At(sizes, place - stride);
  const b = <i64>i32At(sizes, place + stride);
  const own =
    2 * (l + r + t + b) +
    farCross(place) +
    i32At(sizes, place - stride - 1) +
    i32At(sizes, place - stride + 1) +
    i32At(sizes, place + stride - 1) +
    i32At(sizes, place + stride + 1);
  const west = place - cell;
  const east = place + cell;
  const north = place - line;
  const south = place + line;
  const w = <i64>i32At(sizes, west);
  const e = <i64>i32At(sizes, east);
  const n = <i64>i32At(sizes, north);
  const s = <i64>i32At(sizes, south);
  const cells =
    2 * (w + e + n + s) +
    i32At(sizes, north - cell) +
    i32At(sizes, north + cell) +
    i32At(sizes, south - cell) +
    i32At(sizes, south + cell);
  const wide =
    cross(west) + farCross(west) + cross(east) + farCross(east) + cross(north) + farCross(north) + cross(south) + farCross(south);
  let same: i64 = 0;
  let crosses: i64 = 0;
  for (let other = 0; other < planes; other++) {
    if (other == p) continue;
    const at = place + (other - p) * plane;
    same += i32At(sizes, at);
    crosses += cross(at);
  }
  const ownLog = log(8 * own);
  unchecked((slots[0] = ownLog * LOGS + log(8 * cells)));
  unchecked((slots[1] = log(8 * (4 * same + crosses)) * LOGS + activityLog));
  unchecked((slots[2] = third));
  unchecked((slots[3] = log(4 * (wide + cells)) * LOGS + ownLog));
  let pattern = rounded(l, 2) * 3 + rounded(t, 2);
  pattern = (pattern * 3 + rounded(w, 2)) * 3 + rounded(n, 2);
  unchecked((slots[4] = (pattern * 3 + rounded(same, 2)) * 4 + rounded(r + b + e + s, 3)));
}

@inline
function signAt(place: i32): i32 {
  return load<i8>(signs + place) + 1;
}

/** Fills the slots of a sign's contexts by the signs around. */
export function signContexts(p: i32, place: i32, u: i32, v: i32): void {
  const w = signAt(place - cell);
  const e = signAt(place + cell);
  const n = signAt(place - line);
  const s = signAt(place + line);
  const column = min(v, 15) * 81;
  const row = min(u, 15) * 81;
  const left = signAt(place - cell - 1);
  const up = signAt(place - line - stride);
  unchecked((signSlots[0] = column + w * 27 + e * 9 + signAt(place - cell + 1) * 3 + left));
  unchecked((signSlots[1] = row + n * 27 + s * 9 + signAt(place - line + stride) * 3 + up));
  unchecked((signSlots[2] = column + signAt(place - 1) * 27 + signAt(place + 1) * 9 + w * 3 + left));
  unchecked((signSlots[3] = row + signAt(place - stride) * 27 + signAt(place + stride) * 9 + n * 3 + up));
  // Cyclically; of a single plane both are this coefficient, whose sign is not known yet.
  const last = signAt(place + (p > 0 ? -1 : planes - 1) * plane);
  const lastButOne = signAt(place + (p > 1 ? -2 : planes > 1 ? planes - 2 : 0) * plane);
  unchecked((signSlots[4] = (min(u, 15) * 16 + min(v, 15)) * 9 + last * 3 + lastButOne));
}
