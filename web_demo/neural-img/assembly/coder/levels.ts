/**
 * Codes the levels of the embedded stream of coefficients (AssemblyScript; docs/format.md, "Levels").
 *
 * For each coefficient, the interval in which its magnitude lies is known: [0, high) of an insignificant one, [low, high)
 * of a significant one. A level codes whether insignificant coefficients lie at or above a threshold, which depends on the
 * probability of that, and refines the intervals of significant ones by halving until they are short enough. The cells' DC
 * coefficients ("means"), as coefficients of a DCT over blocks of cells, come first, so that a preview can be shown early.
 */
import { addToActivities } from './activity';
import { bands, classOf, lastOfBand, log, measureBy } from './logarithms';
import { adapt, chance, odds, predict, predictGiven, raiseTo, stretch, update } from './mixer';
import { code, position, starved } from './range_coder';
import { record } from './recording';
import { signContexts, signSlots } from './sign_contexts';
import { SIGN_ROW, signHidden, signInputs } from './sign_network';
import { refinementContexts, significanceContexts, slots } from './size_contexts';
import { SIZE_ROW, sizeHidden, sizeInputs } from './size_network';
import { columnOf, endOf, highOf, i32At, lowOf, placeOf, put, putHigh, putLow, rowOf } from './state';
import { BANDS, BLOCK, CLASSES, columns, LOGS, pitch, planes, planeStep, rows, UNKNOWN } from './state';
import { activities, chances, extents, signs, sizes } from './state';

/**
 * Probability of significance in a class, in 1/65536, below which the class's coefficients are skipped. When a level begins, all
 * classes are raised to this probability, so that none is skipped for ever.
 */
const UNLIKELY: i32 = 40;
/** Number of parts after a new coefficient's first part that have the first one's length; each further part is twice as long as the last. */
const EQUAL_PARTS: i32 = 8;
/** A part of a new coefficient's interval that begins at this magnitude or above is the last one. */
const LAST_PART_FROM: i32 = 1 << 22;

// Kinds of decisions. For means, MEANS is added; NEW is added to the first three for a coefficient that was never coded before.
const SIGNIFICANCE: i32 = 0;
const BEYOND_FIRST: i32 = 1;
const BEYOND: i32 = 2;
const NEW: i32 = 3;
const LOW_REFINEMENT: i32 = 6;
const REFINEMENT: i32 = 7;
const SIGN: i32 = 8;
const MEANS: i32 = 9;

/** An insignificant coefficient's significance is predicted if `high` is at least this multiple of its class's threshold, in 1/16. */
const PREDICTED_FROM: i32 = 26;
/** It is coded if `high` is at least this multiple of the coefficient's own threshold, in 1/16. */
const CODED_FROM: i32 = 28;
/** Factor, in 1/16, of the threshold of a coefficient that was coded before. */
const REPEATED_FACTOR: i32 = 14;
/** An interval is refined if it is at least this long, in halves of the width. */
const REFINED_FROM: i32 = 3;

/** For each class of insignificant coefficients, the least `high` at which their significance is predicted. */
const leastHighs = new StaticArray<i32>(CLASSES);

/** The width of the level coded last: its quantization step, in units. */
export let width: i32 = 1;
let meansEnd: usize = 0;

/** The significance threshold at the given log-odds of significance: half a width, or more if significance is less likely. */
@inline
function threshold(oddsOf: i32): i32 {
  const share = max(33423 - ((oddsOf * 1802) >> 6), 32768);
  return <i32>((<i64>width * share + 32768) >> 16);
}

/** The entry of `leastHighs` for a class, from its counter. */
@inline
function leastHighOf(class_: i32): i32 {
  const p = chance(chances + (<usize>class_ << 2));
  return p < UNLIKELY ? UNKNOWN + 1 : (threshold(stretch(p)) * PREDICTED_FROM) >> 4;
}

/**
 * Codes a level.
 * @param w its width: intervals of significant coefficients become shorter than one and a half times that
 * @param wanted address of the coefficients to encode, i32 [rows, columns, planes, pitch, pitch]; 0 to decode
 * @returns whether the bytes and the allowed decisions sufficed (see `starved`)
 */
export function level(w: i32, wanted: usize): bool {
  width = w;
  measureBy(w);
  for (let i = 0; i < CLASSES; i++) {
    raiseTo(chances + (<usize>i << 2), UNLIKELY);
    leastHighs[i] = leastHighOf(i);
  }
  if (!codeMeans(wanted)) return false;
  meansEnd = position();
  return codeOthers(wanted);
}

/** Bytes read or written up to the end of the means of the level coded last. */
export function meansPosition(): usize {
  return meansEnd;
}

/** The address of a cell's plane in the coefficients to encode; 0 to decode. */
@inline
function wantedAt(wanted: usize, row: i32, column: i32, p: i32): usize {
  return wanted ? wanted + <usize>((row * columns + column) * planes + p) * <usize>(pitch * pitch * 4) : 0;
}

/** Codes the means: one DCT frequency of all blocks after another, in diagonals, so that a preview soon shows the whole picture. */
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

/** Codes a mean: the DCT coefficient of vertical frequency u and horizontal frequency v of its block. */
function codeMean(p: i32, base: i32, u: i32, v: i32, wanted: usize): bool {
  const low = lowOf(base);
  const activity = max(i32At(activities, base), 0);
  const class_ = ((p + planes) * BANDS + unchecked(bands[u + v])) * LOGS + log(2 * <i64>activity);
  if (low ? highOf(base) - low < refinedFrom() : highOf(base) < leastHighs[class_]) return true;
  const index = base / planeStep;
  const x = wanted ? load<i32>(wanted) : 0;
  if (!low) codeSignificance(p, base, 0, index, u, v, MEANS, class_, x);
  if (lowOf(base)) codeRefinement(p, base, 0, index, u, v, MEANS, x);
  return !starved;
}

/** Codes all coefficients other than means, cell by cell. */
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

/** The length from which on an interval is refined. */
@inline
function refinedFrom(): i32 {
  return (REFINED_FROM * width + 1) / 2;
}

/** The highest sum of frequencies at which the significance of coefficients without activity is predicted; at least -1. */
function quietTo(p: i32): i32 {
  let band = BANDS;
  while (band && unchecked(leastHighs[(p * BANDS + band - 1) * LOGS]) > UNKNOWN) band--;
  return lastOfBand(band - 1);
}

/** Codes the coefficients of a cell in one plane other than its mean. */
function codePlane(p: i32, base: i32, wanted: usize): bool {
  const index = base / planeStep;
  const quiet = quietTo(p);
  const long = refinedFrom();
  const ofPlane = p * BANDS * LOGS;
  // All coefficients beyond are insignificant and would be skipped.
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
      if (high < unchecked(leastHighs[class_])) continue;
    }
    const u = rowOf(i);
    const v = columnOf(i);
    const x = wanted ? load<i32>(wanted + (<usize>(u * pitch + v) << 2)) : 0;
    if (!low) codeSignificance(p, base, i, index, u, v, 0, class_, x);
    if (lowOf(place)) codeRefinement(p, base, i, index, u, v, 0, x);
    if (starved) return false;
    end = endOf(max(i32At(extents, index), quiet));
  }
  return true;
}

/** The mixer's second selector, by frequency. */
@inline
function selectorOf(fu: i32, fv: i32): i32 {
  return min(min(fu + fv, 20) + (fu ? 0 : 21) + (fv ? 0 : 21), 63);
}

/**
 * Codes whether an insignificant coefficient is significant, unless its threshold is too near `high`; if it is, its sign and interval.
 * @param base place of the lowest frequency in the plane p of its cell
 * @param i place of the coefficient, counted from there
 * @param index of the cell's plane in `extents`
 * @param fu vertical frequency
 * @param fv horizontal frequency
 * @param mean MEANS for a mean, else 0
 * @param x the coefficient to encode
 */
function codeSignificance(
  p: i32, base: i32, i: i32, index: i32, fu: i32, fv: i32, mean: i32, class_: i32, x: i32,
): void {
  const place = base + i;
  const high = highOf(place);
  const activityLog = class_ % LOGS;
  const classThreshold = threshold(stretch(chance(chances + (<usize>class_ << 2))));
  const tenfold = <i64>high * 10;
  const gap = tenfold < 16 * <i64>classThreshold ? 0 : tenfold < 20 * <i64>classThreshold ? 1 : tenfold < 26 * <i64>classThreshold ? 2 : high < UNKNOWN ? 3 : 4;
  const kind = mean + (high < UNKNOWN ? 0 : NEW);
  const f = min(fu, 15) * 16 + min(fv, 15);
  const beyond = high < UNKNOWN ? log(8 * <i64>high) : -1;
  const sizeOdds = significanceContexts(p, base, i, activityLog, fu, fv, beyond, (f * 5 + gap) * 2 + (activityLog > 14 ? 1 : 0));
  const frequency = selectorOf(fu, fv);
  const chanceOf = predictGiven((kind + SIGNIFICANCE) * planes + p, slots, sizeOdds, sizeHidden, activityLog, frequency);
  const ownThreshold = threshold(odds);
  if (high < (ownThreshold * CODED_FROM) >> 4) return;
  const limit = high < UNKNOWN ? (ownThreshold * REPEATED_FACTOR) >> 4 : ownThreshold;
  const size = min(abs(x), high - 1);
  const isSignificant = code(size >= limit, chanceOf);
  if (starved) return;
  if (isDefined(RECORDING_SIZES)) record(sizeInputs, SIZE_ROW, isSignificant);
  update(isSignificant);
  adapt(chances + (<usize>class_ << 2), isSignificant);
  leastHighs[class_] = leastHighOf(class_);
  if (!isSignificant) {
    putHigh(place, limit);
    return;
  }
  const signOdds = signContexts(p, base, i, fu, fv, mean ? 2 : 0);
  const chanceOfSign = predictGiven((mean + SIGN) * planes + p, signSlots, signOdds, signHidden, 0, min(fu, 7) * 8 + min(fv, 7));
  const positive = code(x > 0, chanceOfSign);
  if (isDefined(RECORDING_SIGNS)) record(signInputs, SIGN_ROW, positive);
  update(positive);
  // The interval from the threshold on is divided into parts about as long as the width; the part's index is coded in unary.
  const parts = high < UNKNOWN ? max((2 * (high - limit) + width) / (2 * width), 1) : UNKNOWN;
  const length = high < UNKNOWN ? (high - limit) / parts : width;
  let part = 0;
  let low = limit;
  let top = low + length;
  while (part < parts - 1 && low < LAST_PART_FROM) {
    const chanceBeyond = predictGiven((kind + (part ? BEYOND : BEYOND_FIRST)) * planes + p, slots, sizeOdds, sizeHidden, activityLog, frequency);
    const isBeyond = code(size >= top, chanceBeyond);
    if (starved) return;
    update(isBeyond);
    if (!isBeyond) break;
    part++;
    low = top;
    top = high < UNKNOWN ? (part == parts - 1 ? high : top + length) : top + (length << max(part - EQUAL_PARTS, 0));
  }
  if (parts == 1) top = high;
  if (starved) return;
  const relative = top - low < width ? ((top - low) << 8) / width : 256;
  const short = ((((65536 - chanceOf) * (relative * relative)) >>> 16) * 69) >> 8;
  putInterval(p, base, i, index, low, top, low + <i32>((<i64>(top - low) * (32768 - short) + 32768) >> 16));
  store<i8>(signs + place, positive ? 1 : -1);
}

/** Stores an interval and the reconstructed magnitude within it, and adds the latter's growth to the activities around. */
@inline
function putInterval(p: i32, base: i32, i: i32, index: i32, low: i32, high: i32, size: i32): void {
  const place = base + i;
  putLow(place, low);
  putHigh(place, high);
  addToActivities(p, base, i, index, size - i32At(sizes, place));
  put(sizes, place, size);
}

/** Codes the refinement of a significant coefficient: halves its interval until it is short enough. */
function codeRefinement(p: i32, base: i32, i: i32, index: i32, fu: i32, fv: i32, mean: i32, x: i32): void {
  const place = base + i;
  while (true) {
    const low = lowOf(place);
    const high = highOf(place);
    const length = high - low;
    if (2 * length < REFINED_FROM * width || length < 2) return;
    const activityLog = log(2 * <i64>max(i32At(activities, place), 0));
    const at = min(<i32>((<i64>low * 4) / length), 15);
    refinementContexts(p, base, i, activityLog, (min(fu + fv, 31) * 16 + at) * 4 + (activityLog >> 3));
    const kind = (mean + (2 * low < 3 * length ? LOW_REFINEMENT : REFINEMENT)) * planes + p;
    const chanceOf = predict(kind, slots, activityLog, selectorOf(fu, fv));
    const middle = low + (length >> 1);
    const sign = <i32>load<i8>(signs + place);
    const upper = code(x * sign >= middle, chanceOf);
    if (starved) return;
    update(upper);
    const from = upper ? middle : low;
    const to = upper ? high : middle;
    putInterval(p, base, i, index, from, to, from + <i32>((<i64>(to - from) * 29491 + 32768) >> 16));
  }
}
