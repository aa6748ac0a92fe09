/**
 * Adaptive binary arithmetic coding with logistic mixing, in integers only (AssemblyScript; docs/format.md, "Decisions").
 *
 * A decision's probability is mixed from adaptive counters, one for each of its contexts (Mahoney's PAQ, "lpaq"), and goes
 * to a carryless range coder. The same code encodes and decodes: `code` takes the decision and returns it, and while
 * decoding it takes no notice of what it was given.
 */

/** Contexts of a decision, and the constant input of the mixer. */
export const CONTEXTS: usize = 5;
/** Counters of a context. */
export const SLOTS: usize = 2560;
/** Kinds of decisions, for each plane. */
export const KINDS: usize = 24;
const INPUTS: usize = CONTEXTS + 1;
const CONSTANT: i32 = 77;
const LIMIT: i32 = 255;
const FIRST_WEIGHT: i32 = 13107;
/** Sets of weights by each of the mixer's two selectors, for each kind and plane. */
const SELECTED: usize = 64;
/** Decisions that a stream may have: so many, and so many more for each of its bytes. Others would take long. */
const DECISIONS: i64 = 1 << 23;
const DECISIONS_PER_BYTE: i64 = 1024;
/** Counters of numbers that are coded bit by bit. */
const NUMBERS: usize = 1 << 16;

/** 65536 / (1 + exp(-x)) at x = -12, -11.5, ..., 12, kept from 0 and from 65536. */
const LOGISTIC: StaticArray<u16> = [
  16, 16, 16, 16, 16, 16, 16, 16, 22, 36, 60, 98, 162, 267, 439, 720, 1179, 1921, 3108, 4971, 7812, 11955, 17625, 24743,
  32768, 40793, 47911, 53581, 57724, 60565, 62428, 63615, 64357, 64816, 65097, 65269, 65374, 65438, 65476, 65500, 65514,
  65520, 65520, 65520, 65520, 65520, 65520, 65520, 65520,
];
export const FARTHEST: i32 = 3072;

const squashed = new StaticArray<u16>(2 * FARTHEST + 1);
const stretched = new StaticArray<i16>(4096);
const rates = new StaticArray<i32>(LIMIT + 1);
const trust = new StaticArray<i32>(LIMIT + 1);

let counters: usize = 0;
let byActivity: usize = 0;
let byFrequency: usize = 0;
let numbers: usize = 0;

let encoding = false;
let low: u32 = 0;
let high: u32 = 0;
let value: u32 = 0;
/** Next byte to read or to write. */
let at: usize = 0;
/** End of the bytes that there are. */
let end: usize = 0;
let first: usize = 0;
let digest: u32 = 0;
/** How many more decisions the bytes so far allow. */
let left: i64 = 0;
/** Whether a decision hung on bytes that are not there, or was one too many for those that are. */
export let starved = false;

// Of the decision that was predicted last.
const slot = new StaticArray<usize>(<i32>CONTEXTS);
const input = new StaticArray<i32>(<i32>INPUTS);
let set1: usize = 0;
let set2: usize = 0;
let odds1: i32 = 0;
let odds2: i32 = 0;
/** Logarithm of the odds that the decision predicted last is 1, in 1/256. */
export let odds: i32 = 0;

/** The probability, out of 65536, of a logarithm of odds in 1/256. */
@inline
export function squash(x: i32): i32 {
  return unchecked(squashed[x + FARTHEST]);
}

/** The inverse of `squash`. */
@inline
export function stretch(p: i32): i32 {
  return unchecked(stretched[p >> 4]);
}

/** Fills the tables. */
export function prepare(): void {
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

/** Memory that the models take, for so many planes. */
export function modelBytes(planes: usize): usize {
  return KINDS * planes * (CONTEXTS * SLOTS * 4 + 2 * SELECTED * INPUTS * 4) + NUMBERS * 4;
}

/** Models that have learned nothing, at an address. */
export function reset(address: usize, planes: usize): void {
  const kinds = KINDS * planes;
  counters = address;
  byActivity = counters + kinds * CONTEXTS * SLOTS * 4;
  byFrequency = byActivity + kinds * SELECTED * INPUTS * 4;
  numbers = byFrequency + kinds * SELECTED * INPUTS * 4;
  for (let i: usize = 0; i < kinds * CONTEXTS * SLOTS; i++) store<u32>(counters + i * 4, 32768);
  for (let i: usize = 0; i < kinds * SELECTED * 2 * INPUTS; i++) {
    store<i32>(byActivity + i * 4, i % INPUTS < CONTEXTS ? FIRST_WEIGHT : 0);
  }
  for (let i: usize = 0; i < NUMBERS; i++) store<u32>(numbers + i * 4, 32768);
}

/** Goes on writing at an address. */
export function startEncoding(address: usize): void {
  encoding = true;
  starved = false;
  left = DECISIONS;
  first = at = address;
  low = digest = 0;
  high = 0xffffffff;
}

/** Reads bytes from an address on, of which there are so many. */
export function startDecoding(address: usize, bytes: usize): void {
  encoding = starved = false;
  left = DECISIONS;
  first = at = address;
  end = address + bytes;
  low = value = digest = 0;
  high = 0xffffffff;
  for (let i = 0; i < 4; i++) value = (value << 8) | next();
}

/** There are so many bytes by now. */
export function extend(bytes: usize): void {
  end = first + bytes;
}

/** Bytes read or written so far. */
export function position(): usize {
  return at - first;
}

@inline
function next(): u32 {
  if (at < end) return load<u8>(at++);
  starved = true;
  at++;
  return 0;
}

/** Writes what tells the last decisions. */
export function finish(): void {
  for (let i = 0; i < 4; i++) {
    store<u8>(at++, high >> 24);
    high <<= 8;
  }
}

/** Codes a decision whose probability to be 1 is p out of 65536. */
@inline
export function code(bit: bool, p: i32): bool {
  const range = high - low;
  const middle = low + (range >> 16) * p + (((range & 0xffff) * p) >> 16);
  if (!encoding) bit = value <= middle;
  if (bit) high = middle;
  else low = middle + 1;
  if (--left < 0) starved = true;
  while ((low ^ high) >> 24 == 0) {
    left += DECISIONS_PER_BYTE;
    if (encoding) store<u8>(at++, high >> 24);
    else value = (value << 8) | next();
    low <<= 8;
    high = (high << 8) | 255;
  }
  digest = (digest ^ (bit ? 1 : 2)) * 0x01000193;
  return bit;
}

/** Moves a counter towards the decision: p in its upper, how often it was seen in its lower half. */
@inline
function learn(address: usize, bit: bool, start: i32): void {
  const n = <i32>load<u16>(address + 2);
  const p = n ? <i32>load<u16>(address) : start;
  const moved = p + <i32>((<i64>((bit ? 65535 : 0) - p) * unchecked(rates[n])) >> 16);
  store<u16>(address, min(max(moved, 16), 65519));
  if (n < LIMIT) store<u16>(address + 2, n + 1);
}

/** A counter's probability. @returns out of 65536 */
@inline
export function chance(address: usize): i32 {
  return load<u16>(address);
}

/** Moves a counter that is not mixed. */
export function count(address: usize, bit: bool): void {
  learn(address, bit, load<u16>(address));
}

@inline
function bounded(dot: i64): i32 {
  return <i32>min(max(dot >> 16, -3071), 3071);
}

/** Predicts a decision of a kind and plane, from slots at `slots`, with weights by two selectors. @returns p */
export function predict(kind: usize, slots: StaticArray<usize>, activity: usize, frequency: usize): i32 {
  set1 = byActivity + (kind * SELECTED + activity) * INPUTS * 4;
  set2 = byFrequency + (kind * SELECTED + frequency) * INPUTS * 4;
  let own = counters + kind * CONTEXTS * SLOTS * 4;
  let dot1 = <i64>load<i32>(set1 + CONTEXTS * 4) * CONSTANT;
  let dot2 = <i64>load<i32>(set2 + CONTEXTS * 4) * CONSTANT;
  for (let i: usize = 0; i < CONTEXTS; i++) {
    const counter = own + unchecked(slots[<i32>i]) * 4;
    const x = (stretch(load<u16>(counter)) * unchecked(trust[load<u16>(counter + 2)])) >> 8;
    unchecked((slot[<i32>i] = counter));
    unchecked((input[<i32>i] = x));
    dot1 += <i64>load<i32>(set1 + i * 4) * x;
    dot2 += <i64>load<i32>(set2 + i * 4) * x;
    own += SLOTS * 4;
  }
  odds1 = bounded(dot1);
  odds2 = bounded(dot2);
  odds = (odds1 + odds2) >> 1;
  return squash(odds);
}

/** Learns what the decision predicted last was. */
export function update(bit: bool): void {
  const wanted = bit ? 65536 : 0;
  const error1 = wanted - squash(odds1);
  const error2 = wanted - squash(odds2);
  const p = squash(odds);
  for (let i: usize = 0; i < INPUTS; i++) {
    const x = i < CONTEXTS ? unchecked(input[<i32>i]) : CONSTANT;
    const w1 = set1 + i * 4;
    const w2 = set2 + i * 4;
    store<i32>(w1, load<i32>(w1) + ((error1 * x + 8192) >> 14));
    store<i32>(w2, load<i32>(w2) + ((error2 * x + 8192) >> 14));
    if (i < CONTEXTS) learn(unchecked(slot[<i32>i]), bit, p);
  }
}

/** Codes the lowest bits of a number, the highest of them first, as they are. */
export function bits(number: u32, many: i32): u32 {
  let result: u32 = 0;
  for (let i = many - 1; i >= 0; i--) {
    result = (result << 1) | (code((number >> i) & 1 ? true : false, 32768) ? 1 : 0);
  }
  return result;
}

/** Codes a number of so many bits, at most 8, by what numbers of its group (at most 256) were before. */
export function symbol(number: u32, many: i32, group: usize): u32 {
  let node: u32 = 1;
  for (let i = many - 1; i >= 0; i--) {
    const counter = numbers + ((group & 255) * 256 + node) * 4;
    const bit = code((number >> i) & 1 ? true : false, load<u16>(counter));
    count(counter, bit);
    node = (node << 1) | (bit ? 1 : 0);
  }
  return node - (1 << many);
}

/** Codes so many numbers, bytes at an address, as `symbol` does, each in the same group. */
export function symbols(address: usize, count: i32, many: i32, group: usize): void {
  for (let i: usize = 0; i < <usize>count && !starved; i++) {
    store<u8>(address + i, symbol(load<u8>(address + i), many, group));
  }
}

/** Codes 16 bits of what all decisions were. @returns whether they are right, and the bytes sufficed */
export function check(): bool {
  const wanted = digest >> 16;
  return bits(wanted, 16) == wanted && !starved;
}

/** Where the coder stands, in 32 bytes at an address. */
export function keepPlace(address: usize): void {
  store<u32>(address, low);
  store<u32>(address + 4, high);
  store<u32>(address + 8, value);
  store<u32>(address + 12, digest);
  store<usize>(address + 16, at);
  store<u32>(address + 20, starved ? 1 : 0);
  store<i64>(address + 24, left);
}

/** Goes back to where the coder stood. */
export function restorePlace(address: usize): void {
  low = load<u32>(address);
  high = load<u32>(address + 4);
  value = load<u32>(address + 8);
  digest = load<u32>(address + 12);
  at = load<usize>(address + 16);
  starved = load<u32>(address + 20) != 0;
  left = load<i64>(address + 24);
}
