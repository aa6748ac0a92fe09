/**
 * Levels: what a stream tells of coefficients, in turn (AssemblyScript; docs/format.md, "Levels").
 *
 * Of each coefficient's size an interval is known, which levels make smaller: a zero's is [0, high), another's [low, high).
 * A level tells of zeros whether they reach a threshold that follows from how likely that is, and halves the intervals
 * of the others until they are short enough.
 */
import { bands, contexts, log, measureBy, signContexts, signSlots, slots, spread } from './contexts';
import { chance, code, count, odds, predict, starved, stretch, update } from './entropy';
import {
  activities,
  BANDS,
  CLASSES,
  chances,
  columns,
  extents,
  highs,
  i32At,
  LOGS,
  lows,
  order,
  pitch,
  plane,
  planes,
  placeOf,
  put,
  rows,
  signs,
  sizes,
  UNKNOWN,
} from './state';

/** A zero that is less likely to reach its threshold is passed over: 20 / 65536. */
const UNLIKELY: i32 = 20;
/** From a first threshold on, so many intervals are as long as the width; then each is twice as long as the one before. */
const ALIKE: i32 = 8;
/** No interval of a new coefficient begins beyond. */
const LARGEST: i32 = 1 << 22;

// Kinds of decisions; those of cells' means come MEANS later, and the first three NEW later for a new coefficient.
const REACHES: i32 = 0;
const BEYOND_FIRST: i32 = 1;
const BEYOND: i32 = 2;
const FIRST_HALF: i32 = 3;
const HALF: i32 = 4;
const SIGN: i32 = 5;
const NEW: i32 = 6;
const MEANS: i32 = 12;

/** From how long an interval on zeros of a class are visited. */
const due = new StaticArray<i32>(CLASSES);

/** The last level's width. */
export let width: i32 = 1;
let factor: i32 = 0;

/** The threshold for a zero that reaches it with such odds. */
@inline
function threshold(oddsOf: i32): i32 {
  const share = max(33423 - ((oddsOf * 1182) >> 6), 32768);
  return <i32>((<i64>width * share + 32768) >> 16);
}

/** From how short an interval on zeros of a class are visited. */
@inline
function dueAt(class_: i32): i32 {
  const p = chance(chances + (<usize>class_ << 2));
  return p < UNLIKELY || !factor ? UNKNOWN + 1 : (threshold(stretch(p)) * factor) >> 4;
}

/**
 * Codes a level.
 *
 * @param w its width: intervals become hardly longer
 * @param visited a zero is visited if its interval is so many times its threshold, in 1/16; 0 if none is
 * @param wanted address of the coefficients, i32 [rows, columns, planes, pitch, pitch], to encode; 0 to decode
 * @returns whether the bytes sufficed
 */
export function level(w: i32, visited: i32, wanted: usize): bool {
  width = w;
  factor = visited;
  measureBy(w);
  for (let i = 0; i < CLASSES; i++) due[i] = dueAt(i);
  const bytes = <usize>(pitch * pitch * 4);
  let from = wanted;
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      for (let p = 0; p < planes; p++, from += bytes) {
        if (!codePlane(p, placeOf(r, c, p), r & 7, c & 7, wanted ? from : 0)) return false;
      }
    }
  }
  return true;
}

/** The band from which on no zeros without activity are visited. */
function quietFrom(p: i32): i32 {
  let band = BANDS;
  while (band && unchecked(due[(p * BANDS + band - 1) * LOGS]) > UNKNOWN) band--;
  return band;
}

/** Codes a plane of a cell, whose mean is a cosine of that row and column of its block. */
function codePlane(p: i32, base: i32, meanRow: i32, meanColumn: i32, wanted: usize): bool {
  const frequencies = pitch * pitch;
  const index = base / plane;
  const quiet = quietFrom(p);
  for (let i = 0; i < frequencies; i++) {
    const entry = i32At(order, i);
    const sum = ((entry >> 8) & 255) + (entry & 255);
    // From here on all are zeros, of which none is visited.
    if (sum > i32At(extents, index) && <i32>unchecked(bands[sum]) >= quiet) break;
    const place = base + (entry >> 16);
    const zero = !load<i8>(signs + place);
    const activity = i32At(activities, place);
    const length = i32At(highs, place);
    // Most coefficients are known well enough.
    if (!zero && 3 * (length - i32At(lows, place)) < 5 * width) continue;
    const activityLog = activity > 0 ? log(2 * <i64>activity) : 0;
    const u = (entry >> 8) & 255;
    const v = entry & 255;
    const mean = i ? 0 : MEANS;
    const fu = mean ? meanRow : u;
    const fv = mean ? meanColumn : v;
    const class_ = ((mean ? p + planes : p) * BANDS + unchecked(bands[fu + fv])) * LOGS + activityLog;
    if (zero && length < unchecked(due[class_])) continue;
    const x = wanted ? load<i32>(wanted + (<usize>(u * pitch + v) << 2)) : 0;
    if (zero) codeZero(p, place, u, v, fu, fv, mean, class_, x);
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
  p: i32, place: i32, u: i32, v: i32, fu: i32, fv: i32, mean: i32, class_: i32, x: i32,
): void {
  const high = i32At(highs, place);
  const activityLog = class_ % LOGS;
  const about = threshold(stretch(chance(chances + (<usize>class_ << 2))));
  const ratio = (<i64>high * 10) / about;
  const gap = ratio < 16 ? 0 : ratio < 20 ? 1 : ratio < 26 ? 2 : high < UNKNOWN ? 3 : 4;
  const kind = mean + (high < UNKNOWN ? 0 : NEW);
  const f = min(fu, 15) * 16 + min(fv, 15);
  contexts(p, place, activityLog, (f * 5 + gap) * 2 + (activityLog > 14 ? 1 : 0));
  const frequency = selected(fu, fv);
  const chanceOf = predict((kind + REACHES) * planes + p, slots, activityLog, frequency);
  const limit = min(threshold(odds), high - (high >> 4));
  const size = min(abs(x), high - 1);
  const reaches = code(size >= limit, chanceOf);
  if (starved) return;
  update(reaches);
  count(chances + (<usize>class_ << 2), reaches);
  due[class_] = dueAt(class_);
  if (!reaches) {
    put(highs, place, limit);
    return;
  }
  signContexts(p, place, fu, fv);
  const positive = code(x > 0, predict((mean + SIGN) * planes + p, signSlots, 0, min(fu, 7) * 8 + min(fv, 7)));
  update(positive);
  // The interval is cut in parts about as long as the width.
  const parts = high < UNKNOWN ? max((2 * (high - limit) + width) / (2 * width), 1) : UNKNOWN;
  const length = high < UNKNOWN ? (high - limit) / parts : width;
  let part = 0;
  let low = limit;
  let top = low + length;
  while (part < parts - 1 && low < LARGEST) {
    const more = predict((kind + (part ? BEYOND : BEYOND_FIRST)) * planes + p, slots, activityLog, frequency);
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
  const relative = top - low < width ? ((top - low) << 8) / width : 256;
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
    if (3 * length < 5 * width || length < 2) return;
    const activityLog = log(2 * <i64>max(i32At(activities, place), 0));
    const at = min(<i32>((<i64>low * 4) / length), 15);
    contexts(p, place, activityLog, (min(fu + fv, 31) * 16 + at) * 4 + (activityLog >> 3));
    const kind = (mean + (2 * low < 3 * length ? FIRST_HALF : HALF)) * planes + p;
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
