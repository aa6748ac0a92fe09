/**
 * A carryless range coder of binary decisions, in integers only (AssemblyScript; docs/format.md, "Decisions").
 *
 * The same code encodes and decodes: `code` takes the decision and returns it, and while decoding it takes no notice of what
 * it was given.
 */

/** Decisions that a stream may have for each of its bytes, beside those with which it begins. Others would take long. */
const DECISIONS_PER_BYTE: i64 = 1024;

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

/** Goes on writing at an address; so many decisions are allowed before the first byte. */
export function startEncoding(address: usize, decisions: i32): void {
  encoding = true;
  starved = false;
  left = decisions;
  first = at = address;
  low = digest = 0;
  high = 0xffffffff;
}

/** Reads bytes from an address on, of which there are so many; so many decisions are allowed before the first of them. */
export function startDecoding(address: usize, bytes: usize, decisions: i32): void {
  encoding = starved = false;
  left = decisions;
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

/** Codes the lowest bits of a number, the highest of them first, as they are. */
export function bits(number: u32, many: i32): u32 {
  let result: u32 = 0;
  for (let i = many - 1; i >= 0; i--) {
    result = (result << 1) | (code((number >> i) & 1 ? true : false, 32768) ? 1 : 0);
  }
  return result;
}

/** Codes 10 bits of what all decisions were. @returns whether they are right, and the bytes sufficed */
export function check(): bool {
  const wanted = digest >> 22;
  return bits(wanted, 10) == wanted && !starved;
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
