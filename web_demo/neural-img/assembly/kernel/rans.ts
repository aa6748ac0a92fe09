/** Decodes range asymmetric numeral systems (rANS; src/rans.ts explains them and checks the arguments of these functions). */

const TOTAL_BITS = 14;
const TOTAL: u32 = 1 << TOTAL_BITS;
const WORD_BITS = 16;
const LOWEST: u32 = 1 << 15;
/** Bytes of a tap, one of the earlier codes on which an activity depends. */
const TAP = 12;

/**
 * Decodes all codes into zeroed memory and returns the number of words taken: more than `count` if the stream ends too early.
 *
 * Nearly all codes are 0, whose slots are in the middle of a table; so the large array `slots`, which does not fit into caches, is
 * seldom read.
 * @param slots uint16 [tables][TOTAL][3]: the code's frequency, the slot's distance from the code's first slot, and the code (int16)
 * @param tables uint16 [most + 1][2]: for each activity, the index of its table and the frequency of code 0 in it
 * @param prior int32 [period]: added to the activity at each step of a cell
 * @param taps int32 [][3]: distance in steps, weight, and room for an address, up to the address `end`
 * @param ring int32 [size][lanes + 2] and one more, zero: activities of this step and of as many later ones as taps reach
 * @param codes int16 [lanes / across][steps / period][across][period]
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
  taps: usize,
  end: usize,
  ring: usize,
  size: u32,
  codes: usize,
  across: u32,
): u32 {
  // Lanes to skip in `codes` between one group of `across` lanes and the next.
  const jump = (steps / period - 1) * across;
  const wide = (lanes + 2) << 2;
  let taken: u32 = 0;
  let row: u32 = 0;
  let phase: u32 = 0;
  for (let step: u32 = 0; step < steps; step++) {
    const added = load<i32>(prior + (phase << 2));
    let at = ring + row * wide + 4;
    for (let tap = taps; tap < end; tap += TAP) {
      const later = row + load<u32>(tap);
      store<usize>(tap, ring + (later < size ? later : later - size) * wide, 8);
    }
    let four: u32 = 4;
    for (let lane: u32 = 0; lane < lanes; lane++, at += 4) {
      if (lane + 4 === four && four <= lanes) {
        four += 4;
        if (decodeZeros(at, states + (lane << 2), tables, added, most)) {
          lane += 3;
          at += 12;
          continue;
        }
      }
      const activity = min(load<i32>(at) + added, most);
      store<i32>(at, 0);
      const state = load<u32>(states + (lane << 2));
      const table = tables + (activity << 2);
      const position = state & (TOTAL - 1);
      let frequency = <u32>load<u16>(table, 2);
      let distance = position - ((TOTAL - frequency) >> 1);
      let code: i16 = 0;
      if (distance >= frequency) {
        const slot = slots + (((<usize>load<u16>(table)) << TOTAL_BITS) + position) * 6;
        frequency = load<u16>(slot);
        distance = load<u16>(slot, 2);
        code = load<i16>(slot, 4);
      }
      let next = (state >> TOTAL_BITS) * frequency + distance;
      if (next < LOWEST) {
        if (taken === count) return count + 1;
        next = (next << WORD_BITS) | load<u16>(words + (taken << 1));
        taken++;
      }
      store<u32>(states + (lane << 2), next);
      // A code of 0, as most are, adds nothing to activities.
      if (code === 0) continue;
      const group = lane < across ? 0 : lane / across;
      store<i16>(codes + (((lane + group * jump) * period + phase) << 1), code);
      // An absolute value has four times as much weight in its own lane as in the two neighbouring lanes.
      const weighted = i32x4.mul(i32x4.splat(abs<i32>(code)), i32x4(1, 4, 1, 0));
      for (let tap = taps; tap < end; tap += TAP) {
        const to = load<usize>(tap, 8) + (lane << 2);
        v128.store(to, i32x4.add(v128.load(to), i32x4.mul(weighted, v128.load32_splat(tap, 4))));
      }
    }
    // The two lanes beyond the outermost ones do not exist.
    store<i32>(at, 0);
    store<i32>(ring + row * wide, 0);
    if (++row === size) row = 0;
    if (++phase === period) {
      phase = 0;
      codes += (across * period) << 1;
    }
  }
  return taken;
}

/** Decodes the codes of four lanes if these are all 0 and take no words; otherwise does nothing and returns false. */
function decodeZeros(activities: usize, states: usize, tables: usize, added: i32, most: i32): bool {
  const sums = i32x4.add(v128.load(activities), i32x4.splat(added));
  const at = i32x4.shl(i32x4.min_s(sums, i32x4.splat(most)), 2);
  let frequency = i32x4.splat(load<u16>(tables + i32x4.extract_lane(at, 0), 2));
  frequency = i32x4.replace_lane(frequency, 1, load<u16>(tables + i32x4.extract_lane(at, 1), 2));
  frequency = i32x4.replace_lane(frequency, 2, load<u16>(tables + i32x4.extract_lane(at, 2), 2));
  frequency = i32x4.replace_lane(frequency, 3, load<u16>(tables + i32x4.extract_lane(at, 3), 2));
  const state = v128.load(states);
  const first = i32x4.shr_u(i32x4.sub(i32x4.splat(TOTAL), frequency), 1);
  const distance = i32x4.sub(v128.and(state, i32x4.splat(TOTAL - 1)), first);
  const next = i32x4.add(i32x4.mul(i32x4.shr_u(state, TOTAL_BITS), frequency), distance);
  const isZero = v128.and(i32x4.lt_u(distance, frequency), i32x4.ge_u(next, i32x4.splat(LOWEST)));
  if (!i32x4.all_true(isZero)) return false;
  v128.store(activities, i32x4.splat(0));
  v128.store(states, next);
  return true;
}

/** Writes the slots of a table, given uint16 frequencies of absolute values from 0 on, which hold for either sign. */
export function fillSlots(frequencies: usize, sizes: i32, slots: usize): void {
  for (let code = 1 - sizes; code < sizes; code++) {
    const frequency = load<u16>(frequencies + ((<usize>abs(code)) << 1));
    for (let k: u32 = 0; k < frequency; k++, slots += 6) {
      store<u16>(slots, frequency);
      store<u16>(slots, k, 2);
      store<i16>(slots, code, 4);
    }
  }
}
