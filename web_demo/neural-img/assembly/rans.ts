/** Decoding of range asymmetric numeral systems (../src/rans.ts says what they are and checks what comes here). */

const TOTAL_BITS = 14;
const TOTAL: u32 = 1 << TOTAL_BITS;
const WORD_BITS = 16;
const LOWEST: u32 = 1 << 15;
/** Weights of magnitudes in the lanes beside a code's own, and in that itself. */
const ASIDE = 1;
const OWN = 4;

/**
 * Writes all codes, int16 [steps][lanes], where zeros are already, and returns how many words were taken: more than
 * there are if the stream ends too early.
 *
 * For each of TOTAL slots of a table, `slots` has uint16 frequency, distance from the code's first slot, and the code.
 * `tables` has, for each activity up to `most`, uint8 which table holds. Of `taps` earlier codes that tell of a code,
 * `distances` has int32 how many steps before it they are, and `weights` int32 what their magnitudes count.
 * `ring` is int32 [size][lanes + 2], zero: activities of this step and the next ones, as far as codes reach.
 */
export function decode(
  words: usize,
  count: u32,
  states: usize,
  lanes: u32,
  steps: u32,
  slots: usize,
  tables: usize,
  most: i32,
  prior: usize,
  period: u32,
  distances: usize,
  weights: usize,
  taps: u32,
  ring: usize,
  size: u32,
  codes: usize,
): u32 {
  const wide = (lanes + 2) << 2;
  let taken: u32 = 0;
  let row: u32 = 0;
  let phase: u32 = 0;
  for (let step: u32 = 0; step < steps; step++) {
    const added = load<i32>(prior + (phase << 2));
    let at = ring + row * wide + 4;
    for (let lane: u32 = 0; lane < lanes; lane++, at += 4, codes += 2) {
      const activity = min(load<i32>(at) + added, most);
      store<i32>(at, 0);
      const state = load<u32>(states + (lane << 2));
      const table = <usize>load<u8>(tables + activity);
      const slot = slots + ((table << TOTAL_BITS) + (state & (TOTAL - 1))) * 6;
      let next = (state >> TOTAL_BITS) * load<u16>(slot) + load<u16>(slot, 2);
      if (next < LOWEST) {
        if (taken === count) return count + 1;
        next = (next << WORD_BITS) | load<u16>(words + (taken << 1));
        taken++;
      }
      store<u32>(states + (lane << 2), next);
      const code = load<i16>(slot, 4);
      // Most are zero, which tells nothing.
      if (code === 0) continue;
      store<i16>(codes, code);
      const magnitude = code < 0 ? -(<i32>code) : <i32>code;
      for (let tap: u32 = 0; tap < taps; tap++) {
        let later = row + load<u32>(distances + (tap << 2));
        if (later >= size) later -= size;
        const to = ring + later * wide + (lane << 2);
        const share = magnitude * load<i32>(weights + (tap << 2));
        store<i32>(to, load<i32>(to) + ASIDE * share);
        store<i32>(to, load<i32>(to, 4) + OWN * share, 4);
        store<i32>(to, load<i32>(to, 8) + ASIDE * share, 8);
      }
    }
    // The lanes beyond the last ones on either side are nobody's.
    store<i32>(at, 0);
    store<i32>(ring + row * wide, 0);
    if (++row === size) row = 0;
    if (++phase === period) phase = 0;
  }
  return taken;
}

/** Writes the slots of a table, given uint16 frequencies of the magnitudes from 0 on; one other than 0 has two signs. */
export function spread(frequencies: usize, magnitudes: i32, slots: usize): void {
  for (let code = 1 - magnitudes; code < magnitudes; code++) {
    const frequency = load<u16>(frequencies + ((<usize>abs(code)) << 1));
    for (let k: u32 = 0; k < frequency; k++, slots += 6) {
      store<u16>(slots, frequency);
      store<u16>(slots, k, 2);
      store<i16>(slots, code, 4);
    }
  }
}
