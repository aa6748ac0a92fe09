/**
 * A carryless binary range coder in integers only (AssemblyScript; docs/format.md, "Decisions").
 *
 * The same code encodes and decodes: `code` takes a decision and returns it, and ignores its argument when it decodes.
 */

/** Decisions allowed for each byte of a stream, in addition to the initial allowance. It bounds the time that a file can take. */
const DECISIONS_PER_BYTE: i64 = 1024;

let encoding = false;
// The interval and, in decoding, the bytes to compare with it: `bottom`, `top` and `value` of docs/format.md.
let low: u32 = 0;
let high: u32 = 0;
let value: u32 = 0;
/** Next byte to read or to write. */
let at: usize = 0;
/** End of the available bytes. */
let end: usize = 0;
/** First byte of the stream. */
let first: usize = 0;
let digest: u32 = 0;
/** Number of further decisions that the bytes read so far allow. */
let allowance: i64 = 0;
/** Whether a byte beyond the available ones was read, or a decision exceeded the allowance. */
export let starved = false;

/** Starts to encode to an address; `decisions` are allowed before the first byte is written. */
export function startEncoding(address: usize, decisions: i32): void {
  encoding = true;
  starved = false;
  allowance = decisions;
  first = at = address;
  low = digest = 0;
  high = 0xffffffff;
}

/** Starts to decode from an address at which `bytes` are available; `decisions` is the initial allowance. */
export function startDecoding(address: usize, bytes: usize, decisions: i32): void {
  encoding = starved = false;
  allowance = decisions;
  first = at = address;
  end = address + bytes;
  low = value = digest = 0;
  high = 0xffffffff;
  for (let i = 0; i < 4; i++) value = (value << 8) | next();
}

/** Sets the number of bytes that are available by now. */
export function extend(bytes: usize): void {
  end = first + bytes;
}

/** Bytes read or written so far. */
export function position(): usize {
  return at - first;
}

/** The next byte; 0 beyond the available ones. */
@inline
function next(): u32 {
  if (at < end) return load<u8>(at++);
  starved = true;
  at++;
  return 0;
}

/** Writes the last bytes, which the decoder needs for the last decisions. */
export function finish(): void {
  for (let i = 0; i < 4; i++) {
    store<u8>(at++, high >> 24);
    high <<= 8;
  }
}

/** Codes a decision that is 1 with probability p / 65536. */
@inline
export function code(bit: bool, p: i32): bool {
  const range = high - low;
  const middle = low + (range >> 16) * p + (((range & 0xffff) * p) >> 16);
  if (!encoding) bit = value <= middle;
  if (bit) high = middle;
  else low = middle + 1;
  if (--allowance < 0) starved = true;
  while ((low ^ high) >> 24 == 0) {
    allowance += DECISIONS_PER_BYTE;
    if (encoding) store<u8>(at++, high >> 24);
    else value = (value << 8) | next();
    low <<= 8;
    high = (high << 8) | 255;
  }
  digest = (digest ^ (bit ? 1 : 2)) * 0x01000193;
  return bit;
}

/** Codes the lowest `many` bits of a number as plain bits (of probability ½), the highest of them first. */
export function bits(number: u32, many: i32): u32 {
  let result: u32 = 0;
  for (let i = many - 1; i >= 0; i--) {
    result = (result << 1) | (code((number >> i) & 1 ? true : false, 32768) ? 1 : 0);
  }
  return result;
}

/** Codes 10 bits of the digest of all decisions. @returns whether they match, and the bytes sufficed */
export function check(): bool {
  const wanted = digest >> 22;
  return bits(wanted, 10) == wanted && !starved;
}

/** Saves the coder's state in 32 bytes at an address. */
export function keepCoder(address: usize): void {
  store<u32>(address, low);
  store<u32>(address + 4, high);
  store<u32>(address + 8, value);
  store<u32>(address + 12, digest);
  store<usize>(address + 16, at);
  store<u32>(address + 20, starved ? 1 : 0);
  store<i64>(address + 24, allowance);
}

/** Restores the coder's state from an address. */
export function restoreCoder(address: usize): void {
  low = load<u32>(address);
  high = load<u32>(address + 4);
  value = load<u32>(address + 8);
  digest = load<u32>(address + 12);
  at = load<usize>(address + 16);
  starved = load<u32>(address + 20) != 0;
  allowance = load<i64>(address + 24);
}
