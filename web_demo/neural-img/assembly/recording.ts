/**
 * What the networks of sizes and of signs saw, and what was then decided, to learn from (AssemblyScript; bench/coder_networks.py). Of
 * the coder's module it is no part: only recorder.ts is compiled with it.
 */
import { SIGN_ROW, signsSeen } from './sign_network';
import { SIZE_ROW, sizesSeen } from './size_network';

let at: usize = 0;
let end: usize = 0;
let first: usize = 0;

/** Records go to so many bytes of memory at an address. */
export function recordInto(address: usize, bytes: usize): void {
  first = at = address;
  end = address + bytes;
}

/** Bytes recorded: rows of what a network saw, the last byte of each the decision. */
export function recorded(): usize {
  return at - first;
}

/** Records whether a zero reaches its threshold. */
export function recordSize(reaches: bool): void {
  record(sizesSeen, SIZE_ROW, reaches);
}

/** Records whether a coefficient is positive. */
export function recordSign(positive: bool): void {
  record(signsSeen, SIGN_ROW, positive);
}

/** Writes a row: numbers of 16 bits that a network saw, in 8 bits, and the decision; without room, nothing. */
function record(seen: usize, row: usize, decision: bool): void {
  if (at + row > end) return;
  for (let i: usize = 0; i < row - 1; i++) store<i8>(at + i, <i8>load<i16>(seen + 2 * i));
  at += row;
  store<u8>(at - 1, decision ? 1 : 0);
}
