/**
 * Contexts of signs: the signs around a coefficient, and their agreement with the signs in other planes (AssemblyScript;
 * docs/format.md, "Contexts" and "The network of signs").
 */
import { log } from './logarithms';
import { CORNERS, DOWN, LEFT, RIGHT, rowAround, SECOND, UP } from './neighbours';
import { seeSigns, signOdds } from './sign_network';
import { cell, i32At, line, plane, planes, signs, sizes } from './state';

/** The slot of a sign in each of its contexts. */
export const signSlots = new StaticArray<usize>(3);

@inline
function signAt(place: i32): i32 {
  return load<i8>(signs + place);
}

/** A coefficient's sign times the quantized logarithm of its magnitude; 0 while it is insignificant. */
@inline
function signedAt(place: i32): i32 {
  return signAt(place) * log(8 * <i64>i32At(sizes, place));
}

/** The same for a neighbouring frequency, given its entry in the table. */
@inline
function signedBeside(base: i32, entry: usize): i32 {
  return signedAt(base + <i32>(load<u16>(entry) >> 2));
}

/** 1 if a coefficient's sign agrees with that in another plane, -1 if it does not; 0 while one of them is insignificant. */
@inline
function together(place: i32, other: i32): i32 {
  return signAt(place) * signAt(place + other);
}

/** The same, summed over four neighbouring frequencies in a row of the table. */
@inline
function togetherFour(base: i32, table: usize, other: i32): i32 {
  let sum = 0;
  for (let k: usize = 0; k < 8; k += 2) sum += together(base + <i32>(load<u16>(table + k) >> 2), other);
  return sum;
}

// Agreement of the signs around with those in another plane, times twice the sign of the coefficient in that plane: over its four
// neighbours, those at distance 2, the diagonal ones, the same frequency in adjacent cells, and the neighbours of that.
let besides = 0;
let seconds = 0;
let atCorners = 0;
let inCells = 0;
let inCrosses = 0;

/** Computes the agreement with another plane, which is `other` places away. */
function compare(base: i32, i: i32, table: usize, other: i32): void {
  const at = base + i;
  const sign = 2 * signAt(at + other);
  besides = seconds = atCorners = inCells = inCrosses = 0;
  if (!sign) return;
  besides = sign * togetherFour(base, table, other);
  seconds = sign * togetherFour(base, table + SECOND, other);
  atCorners = sign * togetherFour(base, table + CORNERS, other);
  inCells = sign * (together(at - cell, other) + together(at + cell, other) + together(at - line, other) + together(at + line, other));
  inCrosses =
    sign *
    (togetherFour(base - cell, table, other) +
      togetherFour(base + cell, table, other) +
      togetherFour(base - line, table, other) +
      togetherFour(base + line, table, other));
}

/**
 * Fills the slots of a sign, and evaluates the network of signs.
 *
 * @param mean 2 for a mean, else 0
 * @returns the network's log-odds
 */
export function signContexts(p: i32, base: i32, i: i32, u: i32, v: i32, mean: i32): i32 {
  const table = rowAround(i);
  const second = table + SECOND;
  const corners = table + CORNERS;
  const west = base - cell;
  const east = base + cell;
  const north = base - line;
  const south = base + line;
  seeSigns(0, signedBeside(base, table + LEFT), signedBeside(base, table + RIGHT));
  seeSigns(1, signedBeside(base, second + LEFT), signedBeside(base, second + RIGHT));
  seeSigns(2, signedAt(west + i), signedAt(east + i));
  seeSigns(3, signedBeside(west, table + LEFT), signedBeside(west, table + RIGHT));
  seeSigns(4, signedBeside(east, table + LEFT), signedBeside(east, table + RIGHT));
  seeSigns(5, signedBeside(west, second + LEFT), signedBeside(west, second + RIGHT));
  seeSigns(6, signedBeside(east, second + LEFT), signedBeside(east, second + RIGHT));
  seeSigns(7, signedBeside(base, table + UP), signedBeside(base, table + DOWN));
  seeSigns(8, signedBeside(base, second + UP), signedBeside(base, second + DOWN));
  seeSigns(9, signedAt(north + i), signedAt(south + i));
  seeSigns(10, signedBeside(north, table + UP), signedBeside(north, table + DOWN));
  seeSigns(11, signedBeside(south, table + UP), signedBeside(south, table + DOWN));
  seeSigns(12, signedBeside(north, second + UP), signedBeside(north, second + DOWN));
  seeSigns(13, signedBeside(south, second + UP), signedBeside(south, second + DOWN));
  seeSigns(14, signedBeside(base, corners), signedBeside(base, corners + 2));
  seeSigns(15, signedBeside(base, corners + 4), signedBeside(base, corners + 6));
  seeSigns(16, signedAt(north - cell + i), signedAt(north + cell + i));
  seeSigns(17, signedAt(south - cell + i), signedAt(south + cell + i));
  // Planes are cyclic; with a single plane, both are the coefficient's own, whose sign is not known yet.
  const last = (p > 0 ? -1 : planes - 1) * plane;
  const lastButOne = (p > 1 ? -2 : planes > 1 ? planes - 2 : 0) * plane;
  compare(base, i, table, last);
  seeSigns(18, besides, seconds);
  seeSigns(19, atCorners, inCells);
  const crosses = inCrosses;
  compare(base, i, table, lastButOne);
  seeSigns(20, crosses, besides);
  seeSigns(21, seconds, atCorners);
  seeSigns(22, inCells, inCrosses);
  const odds = signOdds((p ? 1 : 0) + mean, u, v);
  const known = (signAt(base + i + last) + 1) * 3 + signAt(base + i + lastButOne) + 1;
  const likely = min(max((odds + 1024) >> 6, 0), 31);
  unchecked((signSlots[0] = likely * 9 + known));
  unchecked((signSlots[1] = (min(u, 15) * 16 + min(v, 15)) * 9 + known));
  unchecked((signSlots[2] = likely * 64 + min(u, 7) * 8 + min(v, 7)));
  return odds;
}
