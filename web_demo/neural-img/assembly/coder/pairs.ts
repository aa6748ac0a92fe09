/**
 * Matrix products of the coder's small networks, in 16-bit integers: each SIMD operation multiplies a pair of inputs by their
 * weights to four outputs and adds up the products (AssemblyScript).
 */

/** Writes a matrix of weights, i8 [outputs, inputs] from index `from` on, as vectors of pairs: i16 [inputs / 2, outputs, 2]. */
export function layPairs(to: usize, weights: StaticArray<i8>, from: usize, inputs: usize, outputs: usize): void {
  for (let k: usize = 0; k < inputs; k++) {
    for (let j: usize = 0; j < outputs; j++) {
      store<i16>(pairAt(to, k, j, outputs), unchecked(weights[<i32>(from + j * inputs + k)]));
    }
  }
}

/** The address of the weight from input k to output j. */
@inline
function pairAt(to: usize, k: usize, j: usize, outputs: usize): usize {
  return to + 2 * (((k >> 1) * outputs + j) * 2 + (k & 1));
}

/** Adds a pair of inputs times their weights to the sums of four outputs. */
@inline
export function addPairs(sum: v128, pairs: v128, weights: usize): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(pairs, v128.load(weights)));
}

/** Writes eight hidden values times 2^-shift, i16, as i32 at an address. */
@inline
export function spread(values: v128, shift: i32, to: usize): void {
  v128.store(to, i32x4.shr_s(i32x4.extend_low_i16x8_s(values), shift));
  v128.store(to, i32x4.shr_s(i32x4.extend_high_i16x8_s(values), shift), 16);
}

/** Bound of a network's log-odds in either direction, in 1/256. */
const FARTHEST: i32 = 3071;

/** The log-odds from a network's output: its last sum, clamped. */
@inline
export function oddsOf(sum: i32): i32 {
  return min(max(sum, -FARTHEST), FARTHEST);
}

/** The sum of a vector's four numbers. */
@inline
export function total(sums: v128): i32 {
  return i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3);
}
