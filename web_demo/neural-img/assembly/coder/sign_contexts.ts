/**
 * Contexts of signs: the signs around a coefficient, and their agreement with the signs in other planes (AssemblyScript;
 * docs/format.md, "Contexts" and "The network of signs").
 */
import { log } from './logarithms';
import { CORNERS, DOWN, LEFT, neighboursOf, RIGHT, SECOND, UP } from './neighbours';
import { setSignInputs, signOdds } from './sign_network';
import { cellStep, i32At, planes, planeStep, rowStep, signs, sizes } from './state';

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
function agreement(place: i32, other: i32): i32 {
  return signAt(place) * signAt(place + other);
}

/** The same, summed over four neighbouring frequencies in a row of the table. */
@inline
function agreementOfFour(base: i32, table: usize, other: i32): i32 {
  let sum = 0;
  for (let k: usize = 0; k < 8; k += 2) sum += agreement(base + <i32>(load<u16>(table + k) >> 2), other);
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
  besides = sign * agreementOfFour(base, table, other);
  seconds = sign * agreementOfFour(base, table + SECOND, other);
  atCorners = sign * agreementOfFour(base, table + CORNERS, other);
  inCells =
    sign *
    (agreement(at - cellStep, other) +
      agreement(at + cellStep, other) +
      agreement(at - rowStep, other) +
      agreement(at + rowStep, other));
  inCrosses =
    sign *
    (agreementOfFour(base - cellStep, table, other) +
      agreementOfFour(base + cellStep, table, other) +
      agreementOfFour(base - rowStep, table, other) +
      agreementOfFour(base + rowStep, table, other));
}

/**
 * Fills the slots of a sign, and evaluates the network of signs.
 *
 * @param mean 2 for a mean, else 0
 * @returns the network's log-odds
 */
export function signContexts(p: i32, base: i32, i: i32, u: i32, v: i32, mean: i32): i32 {
  const table = neighboursOf(i);
  const second = table + SECOND;
  const corners = table + CORNERS;
  const west = base - cellStep;
  const east = base + cellStep;
  const north = base - rowStep;
  const south = base + rowStep;
  setSignInputs(0, signedBeside(base, table + LEFT), signedBeside(base, table + RIGHT));
  setSignInputs(1, signedBeside(base, second + LEFT), signedBeside(base, second + RIGHT));
  setSignInputs(2, signedAt(west + i), signedAt(east + i));
  setSignInputs(3, signedBeside(west, table + LEFT), signedBeside(west, table + RIGHT));
  setSignInputs(4, signedBeside(east, table + LEFT), signedBeside(east, table + RIGHT));
  setSignInputs(5, signedBeside(west, second + LEFT), signedBeside(west, second + RIGHT));
  setSignInputs(6, signedBeside(east, second + LEFT), signedBeside(east, second + RIGHT));
  setSignInputs(7, signedBeside(base, table + UP), signedBeside(base, table + DOWN));
  setSignInputs(8, signedBeside(base, second + UP), signedBeside(base, second + DOWN));
  setSignInputs(9, signedAt(north + i), signedAt(south + i));
  setSignInputs(10, signedBeside(north, table + UP), signedBeside(north, table + DOWN));
  setSignInputs(11, signedBeside(south, table + UP), signedBeside(south, table + DOWN));
  setSignInputs(12, signedBeside(north, second + UP), signedBeside(north, second + DOWN));
  setSignInputs(13, signedBeside(south, second + UP), signedBeside(south, second + DOWN));
  setSignInputs(14, signedBeside(base, corners), signedBeside(base, corners + 2));
  setSignInputs(15, signedBeside(base, corners + 4), signedBeside(base, corners + 6));
  setSignInputs(16, signedAt(north - cellStep + i), signedAt(north + cellStep + i));
  setSignInputs(17, signedAt(south - cellStep + i), signedAt(south + cellStep + i));
  // Planes are cyclic; with a single plane, both are the coefficient's own, whose sign is not known yet.
  const last = (p > 0 ? -1 : planes - 1) * planeStep;
  const lastButOne = (p > 1 ? -2 : planes > 1 ? planes - 2 : 0) * planeStep;
  compare(base, i, table, last);
  setSignInputs(18, besides, seconds);
  setSignInputs(19, atCorners, inCells);
  const crosses = inCrosses;
  compare(base, i, table, lastButOne);
  setSignInputs(20, crosses, besides);
  setSignInputs(21, seconds, atCorners);
  setSignInputs(22, inCells, inCrosses);
  const odds = signOdds((p ? 1 : 0) + mean, u, v);
  const known = (signAt(base + i + last) + 1) * 3 + signAt(base + i + lastButOne) + 1;
  const likely = min(max((odds + 1024) >> 6, 0), 31);
  unchecked((signSlots[0] = likely * 9 + known));
  unchecked((signSlots[1] = (min(u, 15) * 16 + min(v, 15)) * 9 + known));
  unchecked((signSlots[2] = likely * 64 + min(u, 7) * 8 + min(v, 7)));
  return odds;
}
