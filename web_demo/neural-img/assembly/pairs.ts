/**
 * Small networks' products: sums of pairs of inputs by vectors of weights from two inputs to four outputs (AssemblyScript).
 */

/** A matrix [outputs, inputs] of weights, i8, from one of an array on, as vectors of pairs: i16 [inputs / 2, outputs, 2]. */
export function layPairs(to: usize, weights: StaticArray<i8>, from: usize, inputs: usize, outputs: usize): void {
  for (let k: usize = 0; k < inputs; k++) {
    for (let j: usize = 0; j < outputs; j++) {
      store<i16>(pairAt(to, k, j, outputs), unchecked(weights[<i32>(from + j * inputs + k)]));
    }
  }
}

/** Where the weight from input k to output j stands. */
@inline
export function pairAt(to: usize, k: usize, j: usize, outputs: usize): usize {
  return to + 2 * (((k >> 1) * outputs + j) * 2 + (k & 1));
}

/** Sums of pairs of inputs by a vector of weights, added to others. */
@inline
export function addPairs(sum: v128, pairs: v128, weights: usize): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(pairs, v128.load(weights)));
}

/** Odds of a network, in 1/256, are no farther from even. */
const FARTHEST: i32 = 3071;

@inline
export function oddsOf(sum: i32): i32 {
  return min(max(sum, -FARTHEST), FARTHEST);
}

/** The sum of a vector's four numbers. */
@inline
export function total(sums: v128): i32 {
  return i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3);
}
