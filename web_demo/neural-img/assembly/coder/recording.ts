/**
 * Records training data for the networks of sizes and of signs: their inputs, and the decisions that followed (AssemblyScript;
 * bench/coder_networks.py). It is compiled with recorder.ts only, and is no part of the coder's module.
 */
/** The next record. */
let at: usize = 0;
/** End of the memory for records. */
let end: usize = 0;
/** The first record. */
let first: usize = 0;

/** Sets the memory for records. */
export function recordInto(address: usize, bytes: usize): void {
  first = at = address;
  end = address + bytes;
}

/** Bytes recorded so far: rows of a network's inputs, the last byte of each the decision. */
export function recorded(): usize {
  return at - first;
}

/** Writes a row: a network's 16-bit inputs, reduced to 8 bits, and the decision. Without room it writes nothing. */
export function record(inputs: usize, row: usize, decision: bool): void {
  if (at + row > end) return;
  for (let i: usize = 0; i < row - 1; i++) store<i8>(at + i, <i8>load<i16>(inputs + 2 * i));
  at += row;
  store<u8>(at - 1, decision ? 1 : 0);
}
