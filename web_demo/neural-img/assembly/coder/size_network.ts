/**
 * The network of sizes, the same for all pictures: estimates from the magnitudes around an insignificant coefficient how probable it
 * is that it becomes significant (AssemblyScript; docs/format.md, "The network of sizes"; bench/size_network.py trained it).
 *
 * It has two hidden layers of rectified units, in integers of 1/256. Weights are laid out in vectors for `addPairs`; biases are called
 * offsets.
 */
import { addPairs, layPairs, oddsOf, spread, total } from './pairs';
import { WEIGHTS } from './size_network.bin';

const INPUTS: usize = 22;
const FIRST: usize = 16;
const SECOND: usize = 8;
/** Kinds of coefficients that have offsets of their own: planes, and means of these. */
const KINDS: usize = 8;
/** Frequencies along an axis that have offsets of their own. */
const FREQUENCIES: usize = 16;
/** Upper bound of a hidden value. */
const MOST: i32 = 4095;

// Indices in WEIGHTS, which begins with the weights of inputs: the first layer's offsets by kind, vertical and horizontal frequency,
// then weights and offsets of the second layer and of the last.
const OF_KINDS: usize = FIRST * INPUTS;
const OF_ROWS: usize = OF_KINDS + KINDS * FIRST;
const OF_COLUMNS: usize = OF_ROWS + FREQUENCIES * FIRST;
const TO_SECOND: usize = OF_COLUMNS + FREQUENCIES * FIRST;
const OFFSETS: usize = TO_SECOND + SECOND * FIRST;
const TO_LAST: usize = OFFSETS + SECOND;
const LAST_OFFSET: usize = TO_LAST + SECOND;

/** The network's inputs, i16; for records, the kind and both frequencies of the coefficient follow. */
export const sizeInputs = memory.data(25 * 2, 16);
const hidden = memory.data(16 * 2, 16);
/** A quarter of the first layer's values, i32, for the mixer. */
export const sizeHidden = memory.data(16 * 4, 16);
const toFirst = memory.data(22 * 16 * 2, 16);
const toSecond = memory.data(16 * 8 * 2, 16);
const offsets = memory.data((8 + 16 + 16) * 16 * 2, 16);
const secondOffsets = memory.data(8 * 4, 16);
const toLast = memory.data(8 * 2, 16);

@inline
function weight(i: usize): i16 {
  return unchecked(WEIGHTS[<i32>i]);
}

/** Bytes of a record: the inputs, the kind and both frequencies of the coefficient, and the decision. */
export const SIZE_ROW: usize = INPUTS + 4;

/** Lays the weights out for SIMD. */
export function prepareSizes(): void {
  layPairs(toFirst, WEIGHTS, 0, INPUTS, FIRST);
  layPairs(toSecond, WEIGHTS, TO_SECOND, FIRST, SECOND);
  for (let i: usize = 0; i < (KINDS + 2 * FREQUENCIES) * FIRST; i++) store<i16>(offsets + 2 * i, weight(OF_KINDS + i) << 4);
  for (let i: usize = 0; i < SECOND; i++) {
    store<i32>(secondOffsets + 4 * i, <i32>weight(OFFSETS + i) << 9);
    store<i16>(toLast + 2 * i, weight(TO_LAST + i));
  }
}

/** Sets a pair of inputs, from 0 to 32767 each. */
@inline
export function setSizeInputs(pair: usize, x: i32, y: i32): void {
  store<i32>(sizeInputs + 4 * pair, x | (y << 16));
}

/** The sums of eight outputs, clamped to 0 … MOST, as i16. */
@inline
function rectified(low: v128, high: v128): v128 {
  return i16x8.min_s(i16x8.max_s(i16x8.narrow_i32x4_s(low, high), i16x8.splat(0)), i16x8.splat(<i16>MOST));
}

/** The offsets of eight outputs of the first layer, from j on, for a kind and both frequencies. */
@inline
function offsetsOf(j: usize, kind: i32, row: i32, column: i32): v128 {
  const at = offsets + 2 * j;
  const ofKind = v128.load(at + 2 * FIRST * <usize>kind);
  const ofRow = v128.load(at + 2 * FIRST * (KINDS + <usize>row));
  return i16x8.add(i16x8.add(ofKind, ofRow), v128.load(at + 2 * FIRST * (KINDS + FREQUENCIES + <usize>column)));
}

/**
 * Evaluates the network for the inputs that `setSizeInputs` has set.
 *
 * @param kind 0 to 2 by plane, 3 for the only plane, 4 more for a mean
 * @param row vertical frequency of the coefficient, at most 15
 * @param column horizontal frequency, at most 15
 * @returns the log-odds, in 1/256, that the coefficient becomes significant
 */
export function sizeOdds(kind: i32, row: i32, column: i32): i32 {
  if (isDefined(RECORDING_SIZES)) {
    store<i16>(sizeInputs + 2 * INPUTS, kind);
    store<i16>(sizeInputs + 2 * INPUTS + 2, row);
    store<i16>(sizeInputs + 2 * INPUTS + 4, column);
  }
  const own0 = offsetsOf(0, kind, row, column);
  const own1 = offsetsOf(8, kind, row, column);
  let a = i32x4.extend_low_i16x8_s(own0);
  let b = i32x4.extend_high_i16x8_s(own0);
  let c = i32x4.extend_low_i16x8_s(own1);
  let d = i32x4.extend_high_i16x8_s(own1);
  for (let k: usize = 0; k < INPUTS / 2; k++) {
    const pairs = v128.load32_splat(sizeInputs + 4 * k);
    const weights = toFirst + 4 * FIRST * k;
    a = addPairs(a, pairs, weights);
    b = addPairs(b, pairs, weights + 16);
    c = addPairs(c, pairs, weights + 32);
    d = addPairs(d, pairs, weights + 48);
  }
  const first = rectified(a, b);
  const second = rectified(c, d);
  v128.store(hidden, first);
  v128.store(hidden, second, 16);
  spread(first, 2, sizeHidden);
  spread(second, 2, sizeHidden + 32);
  a = v128.load(secondOffsets);
  b = v128.load(secondOffsets, 16);
  for (let k: usize = 0; k < FIRST / 2; k++) {
    const pairs = v128.load32_splat(hidden + 4 * k);
    const weights = toSecond + 4 * SECOND * k;
    a = addPairs(a, pairs, weights);
    b = addPairs(b, pairs, weights + 16);
  }
  const sums = i32x4.dot_i16x8_s(rectified(i32x4.shr_s(a, 5), i32x4.shr_s(b, 5)), v128.load(toLast));
  return oddsOf(((<i32>weight(LAST_OFFSET) << 10) + total(sums)) >> 6);
}
