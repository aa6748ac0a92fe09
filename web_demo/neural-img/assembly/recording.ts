/**
 * What the network of sizes saw, and what was then decided, to learn from (AssemblyScript; bench/size_network.py). Of the coder's
 * module it is no part: only recorder.ts is compiled with it.
 */
import { copySeen, ROW } from './size_network';

let at: usize = 0;
let end: usize = 0;
let first: usize = 0;

/** Records go to so many bytes of memory at an address. */
export function recordInto(address: usize, bytes: usize): void {
  first = at = address;
  end = address + bytes;
}

/** Bytes recorded: rows of what the network saw, u8 [26], the last one the decision. */
export function recorded(): usize {
  return at - first;
}

/** Records a decision; without room, nothing. */
export function record(reaches: bool): void {
  if (at + ROW > end) return;
  copySeen(at);
  store<u8>(at + ROW - 1, reaches ? 1 : 0);
  at += ROW;
}
