/**
 * The steps of evaluation before and after matrix products: dequantized coefficients, inputs of `lapped` networks, sines, filters
 * and colours, eight points at a time, in 128-bit SIMD (AssemblyScript). Panels are those of `products.ts`.
 */
import { multiplyAdd, PANEL } from './products';

/** 1.5 · 2²³: the sum of this and a float holds the nearest integer to the float in its lowest bits. */
const SHIFT: f32 = 12582912;

/**
 * Writes the inputs of a `lapped` network as [panel][channel][8]: each channel's values at its first address, minus those at its
 * second address, if that is not 0.
 * @param addresses uint32 [channels][2]
 * @param at byte offset of the first point, added to all addresses
 * @param panelStep bytes from one panel of the output to the next
 * @param panels number of panels of points
 */
export function inputs(
  addresses: usize,
  channels: usize,
  at: usize,
  out: usize,
  panelStep: usize,
  panels: usize,
): void {
  for (; panels > 0; panels--) {
    let to = out;
    for (let own = addresses, end = addresses + (channels << 3); own < end; own += 8, to += PANEL) {
      const there = load<usize>(own) + at;
      let low = v128.load(there);
      let high = v128.load(there, 16);
      let here = load<usize>(own, 4);
      if (here) {
        here += at;
        low = f32x4.sub(low, v128.load(here));
        high = f32x4.sub(high, v128.load(here, 16));
      }
      v128.store(to, low);
      v128.store(to, high, 16);
    }
    at += PANEL;
    out += panelStep;
  }
}

/**
 * Writes the dequantized coefficients of cells side by side across the scan into zeroed memory, as [column function / 8][row function][8].
 * @param codes int16 [cells][order][order]
 * @param most number of frequencies to take along the scan
 * @param others number of frequencies to take across it
 * @param worths float32: the value of a positive code of each absolute value
 * @param height number of row functions
 * @param x column function of the first cell's lowest frequency
 * @param y row function of the same
 * @param down whether the scan goes down
 */
export function coefficients(
  codes: usize,
  cells: u32,
  order: u32,
  most: u32,
  others: u32,
  worths: usize,
  out: usize,
  height: u32,
  x: u32,
  y: u32,
  down: bool,
): void {
  for (; cells > 0; cells--) {
    for (let i: u32 = 0; i < most; i++) {
      let at = codes + ((i * order) << 1);
      for (let j: u32 = 0; j < others; j++, at += 2) {
        // Most codes are zero.
        if (j + 8 <= others && !v128.any_true(v128.load(at))) {
          j += 7;
          at += 14;
          continue;
        }
        const code = load<i16>(at);
        if (code === 0) continue;
        const worth = load<f32>(worths + ((<usize>abs<i32>(code)) << 2));
        const column = x + (down ? j : i);
        const row = (column >> 3) * height + y + (down ? i : j);
        store<f32>(out + (((row << 3) + (column & 7)) << 2), code < 0 ? -worth : worth);
      }
    }
    codes += (order * order) << 1;
    if (down) x += others;
    else y += others;
  }
}

/**
 * SHIFT, then the coefficients of sin πx ≈ x (c₁ + c₃x² + c₅x⁴ + c₇x⁶) for |x| ≤ ½, the highest first. They are in memory since V8
 * rebuilds constants in code in each iteration of a loop.
 */
const SINE = memory.data<f32>([SHIFT, -0.5545195, 2.5418444, -5.167135, 3.1415818]);

/**
 * Replaces t with base + sin πt, within 8 · 10⁻⁷, for panels of channels [channel][8]: the nearest integer's parity gives the sign, a
 * polynomial of the remainder the rest.
 * @param values address of t
 * @param panelStep bytes from one panel to the next, of values and of base
 * @param baseStep bytes by which base advances after each four points
 */
export function sines(
  values: usize,
  channels: usize,
  panels: usize,
  panelStep: usize,
  base: usize,
  baseStep: usize,
): void {
  const shift = v128.load32_splat(SINE);
  const c7 = v128.load32_splat(SINE, 4);
  const c5 = v128.load32_splat(SINE, 8);
  const c3 = v128.load32_splat(SINE, 12);
  const c1 = v128.load32_splat(SINE, 16);
  for (; panels > 0; panels--) {
    let from = base;
    for (let at = values, end = values + channels * PANEL; at < end; at += 16) {
      const t = v128.load(at);
      const shifted = f32x4.add(t, shift);
      const rest = f32x4.sub(t, f32x4.sub(shifted, shift));
      const square = f32x4.mul(rest, rest);
      const polynomial = multiplyAdd(multiplyAdd(multiplyAdd(square, c7, c5), square, c3), square, c1);
      const signed = v128.xor(rest, i32x4.shl(shifted, 31));
      v128.store(at, multiplyAdd(polynomial, signed, v128.load(from)));
      from += baseStep;
    }
    values += panelStep;
    base += panelStep;
  }
}

/**
 * Writes factors times sin(a + b) = sin a · cos b + cos a · sin b, for a of many points along one axis and b of one point of the other.
 * @param factorStep bytes by which factors advances after each four points
 * @param lanes float32 [panel][output][sin a × 8, cos a × 8]
 * @param other float32 [output][sin b, cos b]
 */
export function waves(
  factors: usize,
  factorStep: usize,
  lanes: usize,
  other: usize,
  out: usize,
  outputs: usize,
  panels: usize,
): void {
  for (; panels > 0; panels--) {
    for (let at = other, end = other + outputs * 8; at < end; at += 8) {
      const sine = v128.load32_splat(at);
      const cosine = v128.load32_splat(at, 4);
      const low = multiplyAdd(v128.load(lanes, 32), sine, f32x4.mul(v128.load(lanes), cosine));
      const high = multiplyAdd(v128.load(lanes, 48), sine, f32x4.mul(v128.load(lanes, 16), cosine));
      v128.store(out, f32x4.mul(v128.load(factors), low));
      v128.store(out, f32x4.mul(v128.load(factors + factorStep), high), 16);
      factors += 2 * factorStep;
      lanes += 2 * PANEL;
      out += PANEL;
    }
  }
}

/**
 * Computes levels of red, green, blue and alpha, 255 c / √(1 + Σ h²) + bias, from panels [four colours c, eight channels h][8]. The
 * result overwrites the beginning of these as panels [red, green, blue, alpha][8].
 */
export function normalize(values: usize, bias: usize, panels: usize): void {
  let from = values;
  for (const end = values + panels * 4 * PANEL; values < end; values += 16) {
    let sum = f32x4.splat(1);
    for (let k: usize = 4; k < 12; k++) {
      const channel = v128.load(from + k * PANEL);
      sum = multiplyAdd(channel, channel, sum);
    }
    const scale = f32x4.div(f32x4.splat(255), f32x4.sqrt(sum));
    for (let k: usize = 0; k < 4; k++) {
      const level = multiplyAdd(v128.load(from + k * PANEL), scale, v128.load32_splat(bias + (k << 2)));
      v128.store(values + k * PANEL, level);
    }
    // The other half of the panel, or the next one.
    const isOther = (values & 16) !== 0;
    from += isOther ? 11 * PANEL + 16 : 16;
    values += isOther ? 3 * PANEL : 0;
  }
}

/** Writes RGBA pixels, a byte per channel, from panels [red, green, blue, alpha][8] of levels. */
export function pixels(values: usize, out: usize, panels: usize): void {
  for (const end = out + panels * PANEL; out < end; out += 16) {
    const low = v128.or(level(v128.load(values)), i32x4.shl(level(v128.load(values, 32)), 8));
    const high = v128.or(level(v128.load(values, 64)), i32x4.shl(level(v128.load(values, 96)), 8));
    v128.store(out, v128.or(low, i32x4.shl(high, 16)));
    // The other half of the panel, or the next one.
    values += out & 16 ? 112 : 16;
  }
}

/** The nearest integer from 0 to 255, for each of four values. */
function level(value: v128): v128 {
  const clamped = f32x4.pmin(f32x4.splat(255), f32x4.pmax(f32x4.splat(0), value));
  return v128.and(f32x4.add(clamped, f32x4.splat(SHIFT)), i32x4.splat(255));
}
