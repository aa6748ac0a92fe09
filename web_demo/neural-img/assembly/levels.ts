/**
 * Levels: what a stream tells of coefficients, in turn (AssemblyScript; docs/format.md, "Levels").
 *
 * Of each coefficient's size an interval is known, which levels make smaller: a zero's is [0, high), another's [low, high).
 * A level tells of zeros whether they reach a threshold that follows from how likely that is, and halves the intervals
 * of the others until they are short enough. Cells' means come first, so that there is soon something to see.
 */
import { spread } from './activity';
import { bands, classOf, lastOfBand, log, measureBy } from './logarithms';
import { atLeast, chance, count, odds, predict, predictGiven, stretch, update } from './mixer';
import { code, position, starved } from './range_coder';
import { recordSign, recordSize } from './recording';
import { signContexts, signSlots } from './sign_contexts';
import { halfContexts, slots, zeroContexts } from './size_contexts';
import { columnOf, endOf, highOf, i32At, lowOf, placeOf, put, putHigh, putLow, rowOf } from './state';
import { BANDS, BLOCK, CLASSES, columns, LOGS, pitch, plane, planes, rows, UNKNOWN } from './state';
import { activities, chances, extents, signs, sizes } from './state';

/**
 * A zero that is less likely to reach its threshold is passed over: 40 / 65536. Zeros of each class are as likely at least as a level
 * begins, so that none is passed over for ever.
 */
const UNLIKELY: i32 = 40;
/** Beyond the first interval above a threshold, so many are as long as that; then each is twice as long as the one before. */
const ALIKE: i32 = 8;
/** No interval of a new coefficient begins beyond. */
const LARGEST: i32 = 1 << 22;

// Kinds of decisions; those of cells' means come MEANS later, and the first three NEW later for a new coefficient.
const REACHES: i32 = 0;
const BEYOND_FIRST: i32 = 1;
const BEYOND: i32 = 2;
const NEW: i32 = 3;
const FIRST_HALF: i32 = 6;
const HALF: i32 = 7;
const SIGN: i32 = 8;
const MEANS: i32 = 9;

/**
 * A zero is looked at if its interval is so many times its class's threshold, in 1/16, and told of if it is so many times its own;
 * if it was before, so much of that is its threshold then.
 */
const LOOKED_AT: i32 = 26;
const TOLD_AGAIN: i32 = 28;
const LOWER: i32 = 14;
/** An interval that is so many times the width, in halves, is halved. */
const HALVED: i32 = 3;

/** From how long an interval on zeros of a class are looked at. */
const due = new StaticArray<i32>(CLASSES);

/** The last level's width. */
export let width: i32 = 1;
let means: usize = 0;

/** The threshold for a zero that reaches it with such odds. */
@inline
function threshold(oddsOf: i32): i32 {
  const share = max(33423 - ((oddsOf * 1802) >> 6), 32768);
  return <i32>((<i64>width * share + 32768) >> 16);
}

/** From how long an interval on zeros of a class are looked at. */
@inline
function dueAt(class_: i32): i32 {
  const p = chance(chances + (<usize>class_ << 2));
  return p < UNLIKELY ? UNKNOWN + 1 : (threshold(stretch(p)) * LOOKED_AT) >> 4;
}

/**
 * Codes a level.
 * @param w its width: intervals of sizes other than zero become shorter than one and a half times that
 * @param wanted address of the coefficients, i32 [rows, columns, planes, pitch, pitch], to encode; 0 to decode
 * @returns whether the bytes sufficed
 */
export function level(w: i32, wanted: usize): bool {
  width = w;
  measureBy(w);
  for (let i = 0; i < CLASSES; i++) {
    atLeast(chances + (<usize>i << 2), UNLIKELY);
    due[i] = dueAt(i);
  }
  if (!codeMeans(wanted)) return false;
  means = position();
  return codeOthers(wanted);
}

/** Bytes read or written up to the end of the last level's means. */
export function meansPosition(): usize {
  return means;
}

/** Where the coefficients of a cell's plane are, among those to encode; 0 to decode. */
@inline
function wantedAt(wanted: usize, row: i32, column: i32, p: i32): usize {
  return wanted ? wanted + <usize>((row * columns + column) * planes + p) * <usize>(pitch * pitch * 4) : 0;
}

/** Codes cells' means: cosine after cosine of all blocks, by diagonals, so that the whole picture is seen soon. */
function codeMeans(wanted: usize): bool {
  for (let sum = 0; sum < 2 * BLOCK - 1; sum++) {
    for (let u = max(sum - BLOCK + 1, 0); u <= min(sum, BLOCK - 1); u++) {
      for (let r = u; r < rows; r += BLOCK) {
        for (let c = sum - u; c < columns; c += BLOCK) {
          for (let p = 0; p < planes; p++) {
            if (!codeMean(p, placeOf(r, c, p), u, sum - u, wantedAt(wanted, r, c, p))) return false;
          }
        }
      }
    }
  }
  return true;
}

/** Codes a cosine of cells' means. */
function codeMean(p: i32, base: i32, u: i32, v: i32, wanted: usize): bool {
  const low = lowOf(base);
  const activity = max(i32At(activities, base), 0);
  const class_ = ((p + planes) * BANDS + unchecked(bands[u + v])) * LOGS + log(2 * <i64>activity);
  if (low ? highOf(base) - low < longest() : highOf(base) < due[class_]) return true;
  const index = base / plane;
  const x = wanted ? load<i32>(wanted) : 0;
  if (!low) codeZero(p, base, 0, index, u, v, MEANS, class_, x);
  if (lowOf(base)) codeHalves(p, base, 0, index, u, v, MEANS, x);
  return !starved;
}

/** Codes all that are no means, cell by cell. */
function codeOthers(wanted: usize): bool {
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      for (let p = 0; p < planes; p++) {
        if (!codePlane(p, placeOf(r, c, p), wantedAt(wanted, r, c, p))) return false;
      }
    }
  }
  return true;
}

/** Intervals that are shorter are known well enough. */
@inline
function longest(): i32 {
  return (HALVED * width + 1) / 2;
}

/** The highest sum of frequencies at which zeros without activity are looked at; at least -1. */
function quietTo(p: i32): i32 {
  let band = BANDS;
  while (band && unchecked(due[(p * BANDS + band - 1) * LOGS]) > UNKNOWN) band--;
  return lastOfBand(band - 1);
}

/** Codes a plane of a cell but for its mean. */
function codePlane(p: i32, base: i32, wanted: usize): bool {
  const index = base / plane;
  const quiet = quietTo(p);
  const long = longest();
  const ofPlane = p * BANDS * LOGS;
  // Beyond, all are zeros, of which none is looked at.
  let end = endOf(max(i32At(extents, index), quiet));
  for (let i = 1; i < end; i++) {
    const place = base + i;
    const low = lowOf(place);
    const high = highOf(place);
    let class_ = 0;
    if (low) {
      if (high - low < long) continue;
    } else {
      const activity = i32At(activities, place);
      class_ = ofPlane + classOf(i) + (activity > 0 ? log(2 * <i64>activity) : 0);
      if (high < unchecked(due[class_])) continue;
    }
    const u = rowOf(i);
    const v = columnOf(i);
    const x = wanted ? load<i32>(wanted + (<usize>(u * pitch + v) << 2)) : 0;
    if (!low) codeZero(p, base, i, index, u, v, 0, class_, x);
    if (lowOf(place)) codeHalves(p, base, i, index, u, v, 0, x);
    if (starved) return false;
    end = endOf(max(i32At(extents, index), quiet));
  }
  return true;
}

/** A number for the mixer's second set of weights. */
@inline
function selected(fu: i32, fv: i32): i32 {
  return min(min(fu + fv, 20) + (fu ? 0 : 21) + (fv ? 0 : 21), 63);
}

/** Codes whether a zero reaches its threshold, unless that is too near its interval's end, and if so, its sign and interval. */
function codeZero(
  p: i32, base: i32, i: i32, index: i32, fu: i32, fv: i32, mean: i32, class_: i32, x: i32,
): void {
  const place = base + i;
  const high = highOf(place);
  const activityLog = class_ % LOGS;
  const about = threshold(stretch(chance(chances + (<usize>class_ << 2))));
  const tenfold = <i64>high * 10;
  const gap = tenfold < 16 * <i64>about ? 0 : tenfold < 20 * <i64>about ? 1 : tenfold < 26 * <i64>about ? 2 : high < UNKNOWN ? 3 : 4;
  const kind = mean + (high < UNKNOWN ? 0 : NEW);
  const f = min(fu, 15) * 16 + min(fv, 15);
  const beyond = high < UNKNOWN ? log(8 * <i64>high) : -1;
  const near = zeroContexts(p, base, i, activityLog, fu, fv, beyond, (f * 5 + gap) * 2 + (activityLog > 14 ? 1 : 0));
  const frequency = selected(fu, fv);
  const chanceOf = predictGiven((kind + REACHES) * planes + p, slots, near, activityLog, frequency);
  const likely = threshold(odds);
  if (high < (likely * TOLD_AGAIN) >> 4) return;
  const limit = high < UNKNOWN ? (likely * LOWER) >> 4 : likely;
  const size = min(abs(x), high - 1);
  const reaches = code(size >= limit, chanceOf);
  if (starved) return;
  if (isDefined(RECORDING_SIZES)) recordSize(reaches);
  update(reaches);
  count(chances + (<usize>class_ << 2), reaches);
  due[class_] = dueAt(class_);
  if (!reaches) {
    putHigh(place, limit);
    return;
  }
  const given = signContexts(p, base, i, fu, fv, mean ? 2 : 0);
  const chanceOfSign = predictGiven((mean + SIGN) * planes + p, signSlots, given, 0, min(fu, 7) * 8 + min(fv, 7));
  const positive = code(x > 0, chanceOfSign);
  if (isDefined(RECORDING_SIGNS)) recordSign(positive);
  update(positive);
  // The interval is cut in parts about as long as the width.
  const parts = high < UNKNOWN ? max((2 * (high - limit) + width) / (2 * width), 1) : UNKNOWN;
  const length = high < UNKNOWN ? (high - limit) / parts : width;
  let part = 0;
  let low = limit;
  let top = low + length;
  while (part < parts - 1 && low < LARGEST) {
    const more = predictGiven((kind + (part ? BEYOND : BEYOND_FIRST)) * planes + p, slots, near, activityLog, frequency);
    const larger = code(size >= top, more);
    if (starved) return;
    update(larger);
    if (!larger) break;
    part++;
    low = top;
    top = high < UNKNOWN ? (part == parts - 1 ? high : top + length) : top + (length << max(part - ALIKE, 0));
  }
  if (parts == 1) top = high;
  if (starved) return;
  const relative = top - low < width ? ((top - low) << 8) / width : 256;
  const short = ((((65536 - chanceOf) * (relative * relative)) >>> 16) * 69) >> 8;
  known(p, base, i, index, low, top, low + <i32>((<i64>(top - low) * (32768 - short) + 32768) >> 16));
  store<i8>(signs + place, positive ? 1 : -1);
}

/** Takes an interval, and the size in it that stands for the coefficient. */
@inline
function known(p: i32, base: i32, i: i32, index: i32, low: i32, high: i32, size: i32): void {
  const place = base + i;
  putLow(place, low);
  putHigh(place, high);
  spread(p, base, i, index, size - i32At(sizes, place));
  put(sizes, place, size);
}

/** Halves an interval until it is short enough. */
function codeHalves(p: i32, base: i32, i: i32, index: i32, fu: i32, fv: i32, mean: i32, x: i32): void {
  const place = base + i;
  while (true) {
    const low = lowOf(place);
    const high = highOf(place);
    const length = high - low;
    if (2 * length < HALVED * width || length < 2) return;
    const activityLog = log(2 * <i64>max(i32At(activities, place), 0));
    const at = min(<i32>((<i64>low * 4) / length), 15);
    halfContexts(p, base, i, activityLog, (min(fu + fv, 31) * 16 + at) * 4 + (activityLog >> 3));
    const kind = (mean + (2 * low < 3 * length ? FIRST_HALF : HALF)) * planes + p;
    const chanceOf = predict(kind, slots, activityLog, selected(fu, fv));
    const middle = low + (length >> 1);
    const sign = <i32>load<i8>(signs + place);
    const upper = code(x * sign >= middle, chanceOf);
    if (starved) return;
    update(upper);
    const from = upper ? middle : low;
    const to = upper ? high : middle;
    known(p, base, i, index, from, to, from + <i32>((<i64>(to - from) * 29491 + 32768) >> 16));
  }
}
