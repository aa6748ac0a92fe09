/**
 * Predicts decisions by logistic mixing of adaptive probability estimates, one counter for each context (AssemblyScript;
 * docs/format.md, "Decisions" and "Mixing"; Mahoney's PAQ, "lpaq").
 */
import { WEIGHTS as FIRST_WEIGHTS } from './mixer.bin';
import { code, starved } from './range_coder';

/** Most contexts of a decision. */
const CONTEXTS: usize = 5;
/** Contexts of a decision on significance, magnitude or sign, whose fourth input is the log-odds that a network gives. */
const GIVEN_CONTEXTS: i32 = 3;
/** Number of counters of a context. */
const SLOTS: usize = 2560;
/** Number of kinds of decisions, for each plane. */
const KINDS: usize = 18;
/** Inputs of the mixer: five of contexts and network, the constant, and two that stay 0 and fill a vector. */
const INPUTS: usize = 8;
/** Further inputs where a network is one: its hidden values, so that its last layer adapts to the picture. */
const HIDDEN: usize = 16;
/** Bytes of a set of weights. */
const WEIGHTS: usize = (INPUTS + HIDDEN) * 4;
/** The constant input (bias). */
const CONSTANT: i32 = 77;
/** Number of decisions at which a counter's adaptation rate stops falling. */
const LIMIT: i32 = 255;
/** Unit of the initial weights, in 1/65536. */
const FIRST_UNIT: i32 = 1024;
/** Inputs whose initial weights are given. */
const FIRST_INPUTS: usize = 6;
/** Sets of weights of which each of the mixer's two selectors chooses one, for each kind and plane. */
const SELECTED: usize = 64;
/** Counters of grouped numbers: 256 groups of 256. */
const NUMBERS: usize = 1 << 16;

/** 65536 / (1 + exp(-x)) at x = -12, -11.5, ..., 12, clamped to 16 and 65520. */
const LOGISTIC: StaticArray<u16> = [
  16, 16, 16, 16, 16, 16, 16, 16, 22, 36, 60, 98, 162, 267, 439, 720, 1179, 1921, 3108, 4971, 7812, 11955, 17625, 24743,
  32768, 40793, 47911, 53581, 57724, 60565, 62428, 63615, 64357, 64816, 65097, 65269, 65374, 65438, 65476, 65500, 65514,
  65520, 65520, 65520, 65520, 65520, 65520, 65520, 65520,
];
/** Bound of log-odds in either direction, in 1/256; they are smaller. */
const FARTHEST: i32 = 3072;

/** The logistic function of log-odds from -FARTHEST on. */
const squashed = new StaticArray<u16>(2 * FARTHEST + 1);
/** Log-odds of probabilities in 1/4096. */
const stretched = new StaticArray<i16>(4096);
/** A counter's adaptation rate, in 1/65536, by the number of decisions it has learned from. */
const rates = new StaticArray<i32>(LIMIT + 1);
/** The factor of a counter's log-odds as an input, in 1/256, by the same number. */
const trust = new StaticArray<i32>(LIMIT + 1);

// Addresses of the models: counters by context and slot, sets of weights by first and second selector and the single ones, and
// counters of grouped numbers.
let counters: usize = 0;
let byActivity: usize = 0;
let byFrequency: usize = 0;
let byKind: usize = 0;
let numbers: usize = 0;

// The decision predicted last: addresses of its counters, their number, the inputs, the sets of weights and their log-odds.
const selected = new StaticArray<usize>(<i32>CONTEXTS);
let contexts: i32 = 0;
const inputs = memory.data(32, 16);
/** Address of the network's hidden values, i32 [HIDDEN]; 0 if they are no inputs. */
let hidden: usize = 0;
let set1: usize = 0;
let set2: usize = 0;
let set3: usize = 0;
let odds1: i32 = 0;
let odds2: i32 = 0;
let odds3: i32 = 0;
/** Log-odds that the decision predicted last is 1, in 1/256. */
export let odds: i32 = 0;

/** The logistic function: from log-odds in 1/256 to a probability in 1/65536. */
@inline
function squash(x: i32): i32 {
  return unchecked(squashed[x + FARTHEST]);
}

/** The inverse of `squash`: log-odds of a probability. */
@inline
export function stretch(p: i32): i32 {
  return unchecked(stretched[p >> 4]);
}

/** Fills the tables. */
export function prepareMixer(): void {
  for (let x = -FARTHEST; x <= FARTHEST; x++) {
    const i = (x + FARTHEST) >> 7;
    const part = (x + FARTHEST) & 127;
    const next = part ? <i32>LOGISTIC[i + 1] : 0;
    squashed[x + FARTHEST] = <u16>((<i32>LOGISTIC[i] * (128 - part) + next * part + 64) >> 7);
  }
  let x = -FARTHEST;
  for (let p = 0; p < 4096; p++) {
    while (x < FARTHEST && squash(x) < (p << 4) + 8) x++;
    stretched[p] = <i16>x;
  }
  for (let n = 0; n <= LIMIT; n++) {
    rates[n] = 655360 / (10 * n + 16);
    trust[n] = (2560 * n) / (10 * n + 7);
  }
}

/** Bytes of the models for a number of planes. */
export function modelBytes(planes: usize): usize {
  return KINDS * planes * (CONTEXTS * SLOTS * 4 + (2 * SELECTED + 1) * WEIGHTS) + NUMBERS * 4;
}

/** Sets up models that have learned nothing, at an address from which memory is zero. */
export function resetModels(address: usize, planes: usize): void {
  const kinds = KINDS * planes;
  counters = address;
  byActivity = counters + kinds * CONTEXTS * SLOTS * 4;
  byFrequency = byActivity + kinds * SELECTED * WEIGHTS;
  byKind = byFrequency + kinds * SELECTED * WEIGHTS;
  numbers = byKind + kinds * WEIGHTS;
  for (let kind: usize = 0; kind < kinds; kind++) {
    const own = byKind + kind * WEIGHTS;
    const first = ((kind / planes) * 2 + (kind % planes ? 1 : 0)) * FIRST_INPUTS;
    for (let i: usize = 0; i < FIRST_INPUTS; i++) {
      store<i32>(own + 4 * i, <i32>unchecked(FIRST_WEIGHTS[<i32>(first + i)]) * FIRST_UNIT);
    }
    for (let i: usize = 0; i < SELECTED; i++) {
      memory.copy(byActivity + (kind * SELECTED + i) * WEIGHTS, own, WEIGHTS);
      memory.copy(byFrequency + (kind * SELECTED + i) * WEIGHTS, own, WEIGHTS);
    }
  }
}

/** The address of the single sets of weights, which no selector chooses, by kind and plane; for the recorder. */
export function weightsOfKinds(): usize {
  return byKind;
}

/** A counter's probability, in 1/65536: its lower 16 bits, stored such that an initial counter is 0. */
@inline
function probability(counter: u32): i32 {
  return (counter & 0xffff) ^ 0x8000;
}

/** Adapts a counter to a decision; `start` is its probability if it has not learned anything yet. */
@inline
function learn(address: usize, bit: bool, start: i32): void {
  const counter = load<u32>(address);
  const n = <i32>(counter >> 16);
  const p = n ? probability(counter) : start;
  const moved = p + <i32>((<i64>((bit ? 65535 : 0) - p) * unchecked(rates[n])) >> 16);
  const stored = min(max(moved, 16), 65519) ^ 0x8000;
  store<u32>(address, (min(n + 1, LIMIT) << 16) | stored);
}

/** Writes a counter of probability p that counts as having learned from that many `decisions`. */
export function startCounter(address: usize, p: i32, decisions: u32): void {
  store<u32>(address, (decisions << 16) | (p ^ 0x8000));
}

/** A counter's probability, in 1/65536. */
@inline
export function chance(address: usize): i32 {
  return probability(load<u32>(address));
}

/** Raises a counter's probability to p, if it is less. */
export function raiseTo(address: usize, p: i32): void {
  if (chance(address) < p) startCounter(address, p, load<u32>(address) >> 16);
}

/** Adapts a counter that is not mixed. */
export function adapt(address: usize, bit: bool): void {
  learn(address, bit, chance(address));
}

/** The mixer's input from a counter: its log-odds, less where it has learned little. */
@inline
function inputOf(address: usize): i32 {
  const counter = load<u32>(address);
  return (stretch(probability(counter)) * unchecked(trust[counter >> 16])) >> 8;
}

/** Log-odds by a set of weights: the weighted sum of the inputs, clamped. */
@inline
function weighted(set: usize, first: v128, others: v128): i32 {
  const a = v128.load(set);
  const low = i64x2.add(i64x2.extmul_low_i32x4_s(a, first), i64x2.extmul_high_i32x4_s(a, first));
  let sums = i64x2.add(low, i64x2.extmul_low_i32x4_s(v128.load(set, 16), others));
  if (hidden) {
    for (let i: usize = 0; i < HIDDEN * 4; i += 16) {
      const x = v128.load(hidden + i);
      const w = v128.load(set + i, INPUTS * 4);
      sums = i64x2.add(sums, i64x2.add(i64x2.extmul_low_i32x4_s(w, x), i64x2.extmul_high_i32x4_s(w, x)));
    }
  }
  const sum = (i64x2.extract_lane(sums, 0) + i64x2.extract_lane(sums, 1)) >> 16;
  return <i32>min(max(sum, 1 - FARTHEST), FARTHEST - 1);
}

/** Selects the sets of weights of a kind: two by its selectors, and its single one. @returns address of the kind's counters */
@inline
function selectWeights(kind: usize, activity: usize, frequency: usize): usize {
  set1 = byActivity + (kind * SELECTED + activity) * WEIGHTS;
  set2 = byFrequency + (kind * SELECTED + frequency) * WEIGHTS;
  set3 = byKind + kind * WEIGHTS;
  return counters + kind * CONTEXTS * SLOTS * 4;
}

/** Selects the counter of a context. @returns the mixer's input from it */
@inline
function selectCounter(own: usize, context: i32, slots: StaticArray<usize>): i32 {
  const address = own + (<usize>context * SLOTS + unchecked(slots[context])) * 4;
  unchecked((selected[context] = address));
  return inputOf(address);
}

/** Mixes the first four inputs, the fifth, and the constant. @returns the probability of a 1, in 1/65536 */
@inline
function mix(first: v128, fifth: i32): i32 {
  const others = i32x4.replace_lane(i32x4(0, CONSTANT, 0, 0), 0, fifth);
  v128.store(inputs, first);
  v128.store(inputs, others, 16);
  odds1 = weighted(set1, first, others);
  odds2 = weighted(set2, first, others);
  odds3 = weighted(set3, first, others);
  odds = (odds1 + odds2 + odds3) / 3;
  return squash(odds);
}

/**
 * Predicts a decision from the counters of five contexts.
 * @param kind kind of the decision · planes + plane
 * @param slots the slot in each context
 * @param activity first selector
 * @param frequency second selector
 * @returns the probability of a 1, in 1/65536
 */
export function predict(kind: usize, slots: StaticArray<usize>, activity: usize, frequency: usize): i32 {
  const own = selectWeights(kind, activity, frequency);
  contexts = <i32>CONTEXTS;
  hidden = 0;
  let first = i32x4.splat(selectCounter(own, 0, slots));
  first = i32x4.replace_lane(first, 1, selectCounter(own, 1, slots));
  first = i32x4.replace_lane(first, 2, selectCounter(own, 2, slots));
  first = i32x4.replace_lane(first, 3, selectCounter(own, 3, slots));
  return mix(first, selectCounter(own, 4, slots));
}

/**
 * Predicts a decision as `predict` does, from the counters of three contexts and a network.
 * @param given the network's log-odds
 * @param values address of its hidden values, i32 [HIDDEN], which must not change until `update`
 */
export function predictGiven(
  kind: usize, slots: StaticArray<usize>, given: i32, values: usize, activity: usize, frequency: usize,
): i32 {
  const own = selectWeights(kind, activity, frequency);
  contexts = GIVEN_CONTEXTS;
  hidden = values;
  let first = i32x4.splat(given);
  first = i32x4.replace_lane(first, 0, selectCounter(own, 0, slots));
  first = i32x4.replace_lane(first, 1, selectCounter(own, 1, slots));
  first = i32x4.replace_lane(first, 2, selectCounter(own, 2, slots));
  return mix(first, 0);
}

/** Adapts a set of weights to the error of its prediction (a gradient step on the coding cost). */
@inline
function adaptWeights(set: usize, error: i32): void {
  const errors = i32x4.splat(error);
  for (let i: usize = 0; i < INPUTS * 4; i += 16) adaptFour(set + i, errors, v128.load(inputs + i), 14);
  if (!hidden) return;
  for (let i: usize = 0; i < HIDDEN * 4; i += 16) adaptFour(set + INPUTS * 4 + i, errors, v128.load(hidden + i), 15);
}

/** Adds errors times inputs, times 2^-rate, to four weights. */
@inline
function adaptFour(weights: usize, errors: v128, x: v128, rate: i32): void {
  const moves = i32x4.shr_s(i32x4.add(i32x4.mul(errors, x), i32x4.splat(1 << (rate - 1))), rate);
  v128.store(weights, i32x4.add(v128.load(weights), moves));
}

/** Adapts weights and counters to the outcome of the decision predicted last. */
export function update(bit: bool): void {
  const wanted = bit ? 65536 : 0;
  adaptWeights(set1, wanted - squash(odds1));
  adaptWeights(set2, wanted - squash(odds2));
  adaptWeights(set3, wanted - squash(odds3));
  const p = squash(odds);
  for (let i = 0; i < contexts; i++) learn(unchecked(selected[i]), bit, p);
}

/** Codes a number of `many` bits, at most 8, with counters that learn from all numbers of its group (one of 256). */
function symbol(number: u32, many: i32, group: usize): u32 {
  let node: u32 = 1;
  for (let i = many - 1; i >= 0; i--) {
    const counter = numbers + ((group & 255) * 256 + node) * 4;
    const bit = code((number >> i) & 1 ? true : false, chance(counter));
    adapt(counter, bit);
    node = (node << 1) | (bit ? 1 : 0);
  }
  return node - (1 << many);
}

/** Codes `count` numbers of one group, bytes at an address, as `symbol` does. */
export function symbols(address: usize, count: i32, many: i32, group: usize): void {
  for (let i: usize = 0; i < <usize>count && !starved; i++) {
    store<u8>(address + i, symbol(load<u8>(address + i), many, group));
  }
}
