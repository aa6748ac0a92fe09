/**
 * Embedded codes of a lapped transform's coefficients (AssemblyScript; docs/format.md, "Codes of the transform").
 *
 * Of each coefficient's size an interval is known, which levels make smaller: a zero's is [0, high), another's [low, high).
 * A level tells of zeros whether they reach a threshold that follows from how likely that is, and halves the intervals
 * of the others until they are short enough. Coefficients lie by row and column of cells, plane and frequency, with a
 * border of one cell and two frequencies that stays zero.
 */
import {
  chance,
  code,
  count,
  KINDS,
  MODELS,
  odds,
  predict,
  prepare,
  reset,
  squash,
  starved,
  stretch,
  update,
} from './entropy';

const BORDER: i32 = 2;
/** Of a coefficient's size before anything is known. */
const UNKNOWN: i32 = 1 << 30;
/** A zero that is less likely to become another number is passed over: 20 / 65536. */
const UNLIKELY: i32 = 20;
/** Intervals beyond the first threshold that have the same length; then each is twice as long as the one before. */
const ALIKE: i32 = 8;
const MOST: i32 = 20;

const LOG_STEPS: StaticArray<i32> = [
  1, 1, 2, 3, 4, 6, 9, 12, 17, 23, 31, 43, 60, 82, 112, 154, 211, 290, 397, 545, 747, 1023, 1403, 1922, 2635, 3610, 4948, 6780,
];
const LOG_MOST: i32 = 8191;
const BAND_STEPS: StaticArray<i32> = [1, 1, 2, 3, 4, 6, 8, 11, 15, 20, 27];
const BANDS: i32 = 12;
const LOGS: i32 = 32;
const CLASSES: i32 = 6 * BANDS * LOGS;
/** 65536 / (1 + exp(6 - 0.27 a)), how likely a zero of activity a becomes another number, before anything is learned. */
const FIRST_CHANCE: StaticArray<i32> = [
  162, 212, 278, 363, 475, 621, 811, 1058, 1379, 1795, 2331, 3020, 3901, 5018, 6420, 8163, 10295, 12860, 15881, 19350, 23222,
  27410, 31785, 36196, 40485, 44511, 48167, 51390, 54156, 56476, 58386, 59933,
];
/** How often a chance counts as having been seen at first. */
const FIRST_SEEN: u32 = 4;

// Kinds of decisions; those of cells' means come MEANS later.
const REACHES: i32 = 0;
const BEYOND_FIRST: i32 = 1;
const BEYOND: i32 = 2;
const FIRST_HALF: i32 = 3;
const HALF: i32 = 4;
const SIGN: i32 = 5;
/** Added to the first three where nothing was known of the coefficient. */
const NEW: i32 = 6;
const MEANS: i32 = 12;

const logs = new StaticArray<u8>(LOG_MOST + 1);
const bands = new StaticArray<u8>(64);
const due = new StaticArray<i32>(CLASSES);
const slots = new StaticArray<usize>(5);
const signSlots = new StaticArray<usize>(5);

let rows: i32 = 0;
let columns: i32 = 0;
let pitch: i32 = 0;
/** Places of a cell's plane, of a cell, of a row of cells, and from one row of frequencies to the next. */
let plane: i32 = 0;
let cell: i32 = 0;
let line: i32 = 0;
let stride: i32 = 0;

let sizes: usize = 0;
let activities: usize = 0;
let lows: usize = 0;
let highs: usize = 0;
let signs: usize = 0;
let chances: usize = 0;
let order: usize = 0;
let free: usize = 0;

let width: i32 = 0;
let inverse: i64 = 0;
let activityLog: i32 = 0;

@inline
function i32At(base: usize, place: i32): i32 {
  return load<i32>(base + (<usize>place << 2));
}

@inline
function put(base: usize, place: i32, x: i32): void {
  store<i32>(base + (<usize>place << 2), x);
}

@inline
function add(base: usize, place: i32, x: i32): void {
  put(base, place, i32At(base, place) + x);
}

/** The logarithm, in whole steps, of a sum of sizes relative to the level's width. */
@inline
function log(x: i64): i32 {
  return unchecked(logs[<i32>min((x * inverse) >> 20, LOG_MOST)]);
}

/**
 * Makes room for a picture's coefficients, of which nothing is known, and for models. The memory from `room` on is free.
 * @returns whether there is memory
 */
export function create(cellRows: i32, cellColumns: i32, frequencies: i32): bool {
  rows = cellRows;
  columns = cellColumns;
  pitch = frequencies;
  stride = pitch + 2 * BORDER;
  plane = stride * stride;
  cell = 3 * plane;
  line = (columns + 2) * cell;
  const places: u64 = <u64>(rows + 2) * <u64>line;
  const bytes: u64 = places * 17 + MODELS + CLASSES * 4 + <u64>(pitch * pitch * 4) + 64;
  // Above the tables, which lie on the heap.
  const start = (heap.alloc(16) + 31) & ~15;
  if (start + bytes >= 0xf0000000) return false;
  const pages = <i32>((start + bytes + 0xffff) >> 16) - memory.size();
  if (pages > 0 && memory.grow(pages) < 0) return false;
  prepare();
  fillLogs(logs, LOG_STEPS);
  fillLogs(bands, BAND_STEPS);
  sizes = start;
  activities = sizes + <usize>places * 4;
  lows = activities + <usize>places * 4;
  highs = lows + <usize>places * 4;
  chances = highs + <usize>places * 4;
  order = chances + CLASSES * 4;
  const models = order + pitch * pitch * 4;
  signs = models + MODELS;
  free = (signs + <usize>places + 15) & ~15;
  memory.fill(sizes, 0, <usize>places * 12);
  memory.fill(signs, 0, <usize>places);
  for (let i: usize = 0; i < <usize>places; i++) store<i32>(highs + i * 4, UNKNOWN);
  for (let i = 0; i < CLASSES; i++) store<u32>(chances + i * 4, FIRST_CHANCE[i % LOGS] | (FIRST_SEEN << 16));
  fillOrder();
  reset(models);
  return true;
}

/** Where memory is free. */
export function room(): usize {
  return free;
}

function fillLogs(table: StaticArray<u8>, steps: StaticArray<i32>): void {
  let at = 0;
  for (let i = 0; i < table.length; i++) {
    while (at < steps.length && i >= steps[at]) at++;
    table[i] = <u8>at;
  }
}

/** Frequencies by their diagonals, to and fro: row, then column, in 16 bits each. */
function fillOrder(): void {
  let at = order;
  for (let sum = 0; sum < 2 * pitch - 1; sum++) {
    for (let i = 0; i <= sum; i++) {
      const row = sum & 1 ? i : sum - i;
      const column = sum - row;
      if (row >= pitch || column >= pitch) continue;
      store<u32>(at, (row << 16) | column);
      at += 4;
    }
  }
}

/** Adds a size's growth to the activities of all that see it. */
function spread(p: i32, place: i32, u: i32, v: i32, x: i32): void {
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
  }
  for (let other = 0; other < 3; other++) {
    if (other != p) spreadCross(place + (other - p) * plane, 5 * x, x);
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

/** Fills the slots of all contexts but the second by the sizes around; that one is of frequency and `fine`. */
function contexts(p: i32, place: i32, third: i32): void {
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
  const next = place + (p == 2 ? -2 : 1) * plane;
  const last = place + (p == 0 ? 2 : -1) * plane;
  const same = <i64>i32At(sizes, next) + i32At(sizes, last);
  const planes = 4 * same + cross(next) + cross(last);
  const ownLog = log(8 * own);
  unchecked((slots[0] = ownLog * LOGS + log(8 * cells)));
  unchecked((slots[1] = log(8 * planes) * LOGS + activityLog));
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
function signContexts(p: i32, place: i32, u: i32, v: i32): void {
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
  const next = place + (p == 2 ? -2 : 1) * plane;
  const last = place + (p == 0 ? 2 : -1) * plane;
  unchecked((signSlots[4] = (min(u, 15) * 16 + min(v, 15)) * 9 + signAt(next) * 3 + signAt(last)));
}

/** The threshold for a zero that reaches it with such odds. */
@inline
function threshold(oddsOf: i32): i32 {
  const share = max(36700 - ((oddsOf * 1182) >> 6), 32768);
  return <i32>((<i64>width * share + 32768) >> 16);
}

/** From how short an interval on zeros of a class are visited. */
@inline
function dueAt(class_: i32, factor: i32): i32 {
  const p = chance(chances + (<usize>class_ << 2));
  return p < UNLIKELY || !factor ? UNKNOWN + 1 : (threshold(stretch(p)) * factor) >> 4;
}

/**
 * Codes a level.
 *
 * @param w its width: intervals become hardly longer than this one
 * @param factor a zero is visited if its interval is so many times the threshold, in 1/16; 0 if none is
 * @param wanted address of the coefficients, i32 [rows, columns, 3, pitch, pitch], to encode; 0 to decode
 * @returns whether the bytes sufficed
 */
export function level(w: i32, factor: i32, wanted: usize): bool {
  width = w;
  inverse = (1 << 20) / w;
  for (let i = 0; i < CLASSES; i++) due[i] = dueAt(i, factor);
  const frequencies = pitch * pitch;
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      for (let p = 0; p < 3; p++) {
        const base = (r + 1) * line + (c + 1) * cell + p * plane + BORDER * (stride + 1);
        const x = wanted ? wanted + <usize>((r * columns + c) * 3 + p) * frequencies * 4 : 0;
        if (!codePlane(p, base, r & 7, c & 7, factor, x)) return false;
      }
    }
  }
  return true;
}

function codePlane(p: i32, base: i32, meanRow: i32, meanColumn: i32, factor: i32, wanted: usize): bool {
  const frequencies = pitch * pitch;
  for (let i = 0; i < frequencies; i++) {
    const both = load<u32>(order + (<usize>i << 2));
    const u = <i32>(both >> 16);
    const v = <i32>(both & 0xffff);
    const place = base + u * stride + v;
    const x = wanted ? load<i32>(wanted + (<usize>(u * pitch + v) << 2)) : 0;
    const mean = i == 0 ? MEANS : 0;
    const fu = mean ? meanRow : u;
    const fv = mean ? meanColumn : v;
    if (!load<i8>(signs + place)) {
      const activity = i32At(activities, place);
      activityLog = activity ? log(2 * <i64>activity) : 0;
      const class_ = ((mean ? p + 3 : p) * BANDS + unchecked(bands[fu + fv])) * LOGS + activityLog;
      if (i32At(highs, place) < unchecked(due[class_])) continue;
      if (unchecked(due[class_]) > UNKNOWN) continue;
      codeZero(p, place, u, v, fu, fv, mean, class_, factor, x);
    }
    if (load<i8>(signs + place)) codeHalves(p, place, u, v, fu, fv, mean, x);
    if (starved) return false;
  }
  return true;
}

/** A number for the mixer's second set of weights. */
@inline
function selected(fu: i32, fv: i32): i32 {
  return min(min(fu + fv, 20) + (fu ? 0 : 21) + (fv ? 0 : 21), 63);
}

/** Codes whether a zero reaches its threshold, and if so, its sign and interval. */
function codeZero(
  p: i32, place: i32, u: i32, v: i32, fu: i32, fv: i32, mean: i32, class_: i32, factor: i32, x: i32,
): void {
  const high = i32At(highs, place);
  const about = threshold(stretch(chance(chances + (<usize>class_ << 2))));
  const ratio = (<i64>high * 10) / about;
  const gap = ratio < 16 ? 0 : ratio < 20 ? 1 : ratio < 26 ? 2 : high < UNKNOWN ? 3 : 4;
  const kind = mean + (high < UNKNOWN ? 0 : NEW);
  const f = min(fu, 15) * 16 + min(fv, 15);
  contexts(p, place, (f * 5 + gap) * 2 + (activityLog > 14 ? 1 : 0));
  const frequency = selected(fu, fv);
  const chanceOf = predict((kind + REACHES) * 3 + p, slots, activityLog, frequency);
  const limit = min(threshold(odds), high - (high >> 4));
  const size = min(abs(x), high - 1);
  const reaches = code(size >= limit, chanceOf);
  if (starved) return;
  update(reaches);
  count(chances + (<usize>class_ << 2), reaches);
  due[class_] = dueAt(class_, factor);
  if (!reaches) {
    put(highs, place, limit);
    return;
  }
  signContexts(p, place, fu, fv);
  const positive = code(x > 0, predict((mean + SIGN) * 3 + p, signSlots, 0, min(fu, 7) * 8 + min(fv, 7)));
  update(positive);
  // The interval is cut in parts about as long as the width.
  const parts = high < UNKNOWN ? max((2 * (high - limit) + width) / (2 * width), 1) : MOST;
  const length = high < UNKNOWN ? (high - limit) / parts : width;
  let part = 0;
  let low = limit;
  let top = low + length;
  while (part < parts - 1) {
    const more = predict((kind + (part ? BEYOND : BEYOND_FIRST)) * 3 + p, slots, activityLog, frequency);
    const beyond = code(size >= top, more);
    if (starved) return;
    update(beyond);
    if (!beyond) break;
    part++;
    low = top;
    top = high < UNKNOWN ? (part == parts - 1 ? high : top + length) : top + (length << max(part - ALIKE, 0));
  }
  if (parts == 1) top = high;
  if (starved) return;
  const relative = min(((top - low) << 8) / width, 256);
  const short = ((((65536 - chanceOf) * (relative * relative)) >>> 16) * 69) >> 8;
  known(p, place, u, v, low, top, low + <i32>((<i64>(top - low) * (32768 - short) + 32768) >> 16));
  store<i8>(signs + place, positive ? 1 : -1);
}

/** Takes an interval, and the size in it that stands for the coefficient. */
@inline
function known(p: i32, place: i32, u: i32, v: i32, low: i32, high: i32, size: i32): void {
  put(lows, place, low);
  put(highs, place, high);
  spread(p, place, u, v, size - i32At(sizes, place));
  put(sizes, place, size);
}

/** Halves an interval until it is short enough. */
function codeHalves(p: i32, place: i32, u: i32, v: i32, fu: i32, fv: i32, mean: i32, x: i32): void {
  while (true) {
    const low = i32At(lows, place);
    const high = i32At(highs, place);
    const length = high - low;
    if (3 * length < 4 * width || length < 2) return;
    activityLog = log(2 * <i64>max(i32At(activities, place), 0));
    const at = min(<i32>((<i64>low * 4) / length), 15);
    contexts(p, place, (min(fu + fv, 31) * 16 + at) * 4 + (activityLog >> 3));
    const kind = (mean + (2 * low < 3 * length ? FIRST_HALF : HALF)) * 3 + p;
    const chanceOf = predict(kind, slots, activityLog, selected(fu, fv));
    const middle = low + (length >> 1);
    const sign = <i32>load<i8>(signs + place);
    const upper = code(x * sign >= middle, chanceOf);
    if (starved) return;
    update(upper);
    const from = upper ? middle : low;
    const to = upper ? high : middle;
    known(p, place, u, v, from, to, from + <i32>((<i64>(to - from) * 31457 + 32768) >> 16));
  }
}

/** Writes what is known, i32 [rows, columns, 3, pitch, pitch], at an address. */
export function values(address: usize): void {
  let out = address;
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      for (let p = 0; p < 3; p++) {
        for (let u = 0; u < pitch; u++) {
          let place = (r + 1) * line + (c + 1) * cell + p * plane + (u + BORDER) * stride + BORDER;
          for (let v = 0; v < pitch; v++, place++, out += 4) {
            store<i32>(out, i32At(sizes, place) * <i32>load<i8>(signs + place));
          }
        }
      }
    }
  }
}
