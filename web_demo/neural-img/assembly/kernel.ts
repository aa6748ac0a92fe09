/**
 * Products of matrices, sines, filters and colours, eight points at a time, in 128-bit SIMD (AssemblyScript).
 *
 * A matrix [n, k] of float32 lies in panels, [n / 8][k][8]: eight rows of it side by side. A product of two such matrices,
 * [points, inner] and [outputs, inner], is written as panels of points again, [points / 8][output][8].
 * Steps are distances in bytes. Outputs are a multiple of 4, and those beyond a matrix's own come of weights of zero.
 */

const PANEL: usize = 32;
/** 1.5 · 2²³: a float to which this is added holds the nearest integer in its lowest bits. */
const SHIFT: f32 = 12582912;

/**
 * a · bᵀ + bias, with panels of b, outputs and panels of points so many bytes apart; without a bias if its address is 0.
 *
 * A block is 4 outputs by 8 points: V8 puts all loads of a turn before its arithmetic, and 8 sums and 6 loads are as many
 * values as fit into registers.
 */
export function multiply(
  a: usize,
  b: usize,
  bias: usize,
  out: usize,
  inner: usize,
  outputs: usize,
  panels: usize,
  groupStep: usize,
  outputStep: usize,
  panelStep: usize,
): void {
  for (; panels > 0; panels--) {
    let to = out;
    for (let m: usize = 0; m < outputs; m += 4) {
      let at = b + (m >> 3) * groupStep + ((m & 4) << 2);
      const own = bias + (m << 2);
      let a0 = f32x4.splat(bias ? load<f32>(own) : 0);
      let b0 = f32x4.splat(bias ? load<f32>(own, 4) : 0);
      let c0 = f32x4.splat(bias ? load<f32>(own, 8) : 0);
      let d0 = f32x4.splat(bias ? load<f32>(own, 12) : 0);
      let a1 = a0;
      let b1 = b0;
      let c1 = c0;
      let d1 = d0;
      for (let from = a, last = a + inner * PANEL; from < last; from += PANEL) {
        const x0 = v128.load(from);
        const x1 = v128.load(from, 16);
        const wa = v128.load32_splat(at);
        a0 = multiplyAdd(x0, wa, a0);
        a1 = multiplyAdd(x1, wa, a1);
        const wb = v128.load32_splat(at, 4);
        b0 = multiplyAdd(x0, wb, b0);
        b1 = multiplyAdd(x1, wb, b1);
        const wc = v128.load32_splat(at, 8);
        c0 = multiplyAdd(x0, wc, c0);
        c1 = multiplyAdd(x1, wc, c1);
        const wd = v128.load32_splat(at, 12);
        d0 = multiplyAdd(x0, wd, d0);
        d1 = multiplyAdd(x1, wd, d1);
        at += PANEL;
      }
      v128.store(to, a0);
      v128.store(to, a1, 16);
      to += outputStep;
      v128.store(to, b0);
      v128.store(to, b1, 16);
      to += outputStep;
      v128.store(to, c0);
      v128.store(to, c1, 16);
      to += outputStep;
      v128.store(to, d0);
      v128.store(to, d1, 16);
      to += outputStep;
    }
    a += inner * PANEL;
    out += panelStep;
  }
}

function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
}

/** Subtracts panels from others, so many of each, both so many bytes apart. */
export function subtract(from: usize, what: usize, step: usize, panels: usize): void {
  for (const end = from + panels * step; from < end; from += step, what += step) {
    v128.store(from, f32x4.sub(v128.load(from), v128.load(what)));
    v128.store(from, f32x4.sub(v128.load(from, 16), v128.load(what, 16)), 16);
  }
}

/** base + sin πt in the place of t, so many panels; the base goes on by so many bytes after each half of one. */
export function sines(values: usize, panels: usize, base: usize, baseStep: usize): void {
  for (const end = values + panels * PANEL; values < end; values += 16) {
    v128.store(values, f32x4.add(v128.load(base), sine(v128.load(values))));
    base += baseStep;
  }
}

/** sin πt, within 2 · 10⁻⁷: of the nearest integer, whose parity is the sign, and a polynomial of what is left. */
function sine(t: v128): v128 {
  const shifted = f32x4.add(t, f32x4.splat(SHIFT));
  const rest = f32x4.sub(t, f32x4.sub(shifted, f32x4.splat(SHIFT)));
  const square = f32x4.mul(rest, rest);
  let p = multiplyAdd(square, f32x4.splat(0.0772201269865036), f32x4.splat(-0.5980451703071594));
  p = multiplyAdd(p, square, f32x4.splat(2.5500314235687256));
  p = multiplyAdd(p, square, f32x4.splat(-5.1677069664001465));
  p = multiplyAdd(p, square, f32x4.splat(3.141592502593994));
  return v128.xor(f32x4.mul(p, rest), i32x4.shl(shifted, 31));
}

/**
 * Factors times sin(a + b) = sin a · cos b + cos a · sin b: of points [panel][output][sin a × 8, cos a × 8], all with one
 * [output][cos b, sin b] of the other axis; the factors go on by so many bytes after each half of a panel.
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
      const cosine = v128.load32_splat(at);
      const sine = v128.load32_splat(at, 4);
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
 * Levels of red, green, blue and alpha, 255 c / √(1 + Σ h²) + bias, of so many panels [four colours c, eight channels h][8];
 * they take the place of the first of these, as panels [red, green, blue, alpha][8].
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

/** RGBA of so many panels [red, green, blue, alpha][8], in levels. */
export function pixels(values: usize, out: usize, panels: usize): void {
  for (const end = out + panels * PANEL; out < end; out += 16) {
    const low = v128.or(level(v128.load(values)), i32x4.shl(level(v128.load(values, 32)), 8));
    const high = v128.or(level(v128.load(values, 64)), i32x4.shl(level(v128.load(values, 96)), 8));
    v128.store(out, v128.or(low, i32x4.shl(high, 16)));
    // The other half of the panel, or the next one.
    values += out & 16 ? 112 : 16;
  }
}

/** The nearest of the integers from 0 to 255. */
function level(value: v128): v128 {
  const clamped = f32x4.pmin(f32x4.splat(255), f32x4.pmax(f32x4.splat(0), value));
  return v128.and(f32x4.add(clamped, f32x4.splat(SHIFT)), i32x4.splat(255));
}
