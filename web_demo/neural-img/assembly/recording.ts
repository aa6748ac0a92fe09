/**
 * What the networks of sizes and of signs saw, and what was then decided, to learn from (AssemblyScript; bench/coder_networks.py). Of
 * the coder's module it is no part: only recorder.ts is compiled with it.
 */
import { copySigns, SIGN_ROW } from './sign_network';
import { copySizes, SIZE_ROW } from './size_network';

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

/** Records whether a zero reaches its threshold; without room, nothing. */
export function recordSize(reaches: bool): void {
  if (at + SIZE_ROW > end) return;
  copySizes(at);
  at += SIZE_ROW;
  store<u8>(at - 1, reaches ? 1 : 0);
}

/** Records whether a coefficient is positive, likewise. */
export function recordSign(positive: bool): void {
  if (at + SIGN_ROW > end) return;
  copySigns(at);
  at += SIGN_ROW;
  store<u8>(at - 1, positive ? 1 : 0);
}
