/**
 * The network of signs, the same for all pictures: estimates from the signs around a coefficient how probable it is that its own is
 * positive (AssemblyScript; docs/format.md, "The network of signs"; bench/sign_network.py trained it).
 *
 * The network is odd (negating all signs negates its log-odds), since its layers have no biases; the hidden layer has factors by
 * frequency instead. The weights of inputs along an axis depend on whether the frequency along that axis is even or odd.
 */
import { addPairs, layPairs, oddsOf, spread, total } from './pairs';
import { WEIGHTS } from './sign_network.bin';

/** Pairs of inputs along each axis. */
const ALONG: usize = 7;
/** Other pairs of inputs. */
const OTHERS: usize = 9;
/** Inputs along both axes. */
const AXES: usize = 4 * ALONG;
const INPUTS: usize = AXES + 2 * OTHERS;
const HIDDEN: usize = 16;
/** Kinds of coefficients: first and other planes, and means of these. */
const KINDS: usize = 4;
/** Frequencies along an axis that have factors of their own. */
const FREQUENCIES: usize = 8;
/** Bound of a hidden value in either direction. */
const MOST: i32 = 512;
/** Bytes of the weights of a pair of inputs. */
const PAIR: usize = 4 * HIDDEN;

// Indices in WEIGHTS, which begins with the weights of inputs: the part that is added for even frequencies and subtracted for odd
// ones, the factors by frequency, and the last layer.
const OF_EVEN: usize = HIDDEN * INPUTS;
const OF_ROWS: usize = OF_EVEN + HIDDEN * AXES;
const TO_LAST: usize = OF_ROWS + 2 * FREQUENCIES * HIDDEN;

/** The network's inputs, i16; for records, the kind and both frequencies of the coefficient follow. */
export const signInputs = memory.data(49 * 2, 16);
const forEven = memory.data(46 * 16 * 2, 16);
const forOdd = memory.data(28 * 16 * 2, 16);
const factors = memory.data(2 * 8 * 16 * 2, 16);
const toLast = memory.data(4 * 16 * 2, 16);

/** The hidden layer's values, i32, for the mixer. */
export const signHidden = memory.data(16 * 4, 16);

/** Bytes of a record: the inputs, the kind and both frequencies of the coefficient, and the decision. */
export const SIGN_ROW: usize = INPUTS + 4;

/** Lays the weights out for SIMD. */
export function prepareSigns(): void {
  layPairs(forEven, WEIGHTS, 0, INPUTS, HIDDEN);
  layPairs(forOdd, WEIGHTS, OF_EVEN, AXES, HIDDEN);
  for (let i: usize = 0; i < AXES * HIDDEN; i++) {
    const both = load<i16>(forEven + 2 * i);
    const even = load<i16>(forOdd + 2 * i);
    store<i16>(forEven + 2 * i, both + even);
    store<i16>(forOdd + 2 * i, both - even);
  }
  for (let i: usize = 0; i < 2 * FREQUENCIES * HIDDEN; i++) store<i16>(factors + 2 * i, unchecked(WEIGHTS[<i32>(OF_ROWS + i)]));
  for (let i: usize = 0; i < KINDS * HIDDEN; i++) store<i16>(toLast + 2 * i, unchecked(WEIGHTS[<i32>(TO_LAST + i)]));
}

/** Sets a pair of inputs. */
@inline
export function setSignInputs(pair: usize, x: i32, y: i32): void {
  store<i32>(signInputs + 4 * pair, (x & 0xffff) | (y << 16));
}

/** Four sums times their factors, within ±MOST. */
@inline
function bounded(sums: v128, factor: v128): v128 {
  const scaled = i32x4.shr_s(i32x4.mul(sums, factor), 2);
  return i32x4.min_s(i32x4.max_s(scaled, i32x4.splat(-MOST)), i32x4.splat(MOST));
}

/**
 * Evaluates the network for the inputs that `setSignInputs` has set.
 *
 * @param kind 0 for the first plane, 1 for another, 2 more for a mean
 * @param u vertical frequency of the coefficient
 * @param v horizontal frequency
 * @returns the log-odds, in 1/256, that the coefficient is positive
 */
export function signOdds(kind: i32, u: i32, v: i32): i32 {
  if (isDefined(RECORDING_SIGNS)) {
    store<i16>(signInputs + 2 * INPUTS, kind);
    store<i16>(signInputs + 2 * INPUTS + 2, u);
    store<i16>(signInputs + 2 * INPUTS + 4, v);
  }
  let a = i32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  for (let k: usize = 0; k < INPUTS / 2; k++) {
    const pairs = v128.load32_splat(signInputs + 4 * k);
    const odd = k < ALONG ? v & 1 : k < 2 * ALONG ? u & 1 : 0;
    const weights = (odd ? forOdd : forEven) + PAIR * k;
    a = addPairs(a, pairs, weights);
    b = addPairs(b, pairs, weights + 16);
    c = addPairs(c, pairs, weights + 32);
    d = addPairs(d, pairs, weights + 48);
  }
  const down = factors + 2 * HIDDEN * <usize>min(u, <i32>FREQUENCIES - 1);
  const across = factors + 2 * HIDDEN * (FREQUENCIES + <usize>min(v, <i32>FREQUENCIES - 1));
  const low = i16x8.add(v128.load(down), v128.load(across));
  const high = i16x8.add(v128.load(down, 16), v128.load(across, 16));
  const first = i16x8.narrow_i32x4_s(bounded(a, i32x4.extend_low_i16x8_s(low)), bounded(b, i32x4.extend_high_i16x8_s(low)));
  const second = i16x8.narrow_i32x4_s(bounded(c, i32x4.extend_low_i16x8_s(high)), bounded(d, i32x4.extend_high_i16x8_s(high)));
  spread(first, 0, signHidden);
  spread(second, 0, signHidden + 32);
  const last = toLast + 2 * HIDDEN * <usize>kind;
  const sums = i32x4.add(i32x4.dot_i16x8_s(first, v128.load(last)), i32x4.dot_i16x8_s(second, v128.load(last, 16)));
  return oddsOf(total(sums) >> 5);
}
