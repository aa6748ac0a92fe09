/**
 * Products and differences of matrices, eight points at a time, in 128-bit SIMD (AssemblyScript).
 *
 * A float32 matrix [n, k] is stored in panels, [n / 8][k][8]: eight rows interleaved. The product of two such matrices,
 * [points, inner] and [outputs, inner], is again written as panels of points, [points / 8][output][8].
 */

/** Bytes of eight float32 numbers, one column of a panel. */
export const PANEL: usize = 32;

/**
 * Writes a · bᵀ + bias, in blocks of 4 outputs by 8 points: V8 puts all loads of an iteration before its arithmetic, and 8 sums and
 * 6 loads are as many values as fit into registers.
 * @param bias address of float32 [outputs]; 0 for none
 * @param panels number of panels of points
 * @param inputStep bytes from one panel of a to the next
 * @param groupStep bytes from one panel of b to the next
 * @param outputStep bytes from one output to the next
 * @param panelStep bytes from one panel of outputs to the next
 */
export function multiply(
  a: usize,
  b: usize,
  bias: usize,
  out: usize,
  inner: usize,
  outputs: usize,
  panels: usize,
  inputStep: usize,
  groupStep: usize,
  outputStep: usize,
  panelStep: usize,
): void {
  const fours = outputs & ~3;
  for (let m = fours; m < outputs; m++) {
    const own = bias ? load<f32>(bias + (m << 2)) : 0;
    const at = b + (m >> 3) * groupStep + ((m & 7) << 2);
    multiplyOne(a, at, own, out + m * outputStep, inner, panels, inputStep, panelStep);
  }
  for (; panels > 0; panels--) {
    let to = out;
    for (let m: usize = 0; m < fours; m += 4) {
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
    a += inputStep;
    out += panelStep;
  }
}

/** Writes a single output of `multiply`, three panels at a time for six independent sums; missing panels repeat the last one. */
function multiplyOne(
  a: usize,
  b: usize,
  bias: f32,
  out: usize,
  inner: usize,
  panels: usize,
  inputStep: usize,
  panelStep: usize,
): void {
  for (let panel: usize = 0; panel < panels; panel += 3) {
    const second = min(panel + 1, panels - 1);
    const third = min(panel + 2, panels - 1);
    let x = a + panel * inputStep;
    let y = a + second * inputStep;
    let z = a + third * inputStep;
    let x0 = f32x4.splat(bias);
    let x1 = x0;
    let y0 = x0;
    let y1 = x0;
    let z0 = x0;
    let z1 = x0;
    for (let at = b, last = b + inner * PANEL; at < last; at += PANEL) {
      const weight = v128.load32_splat(at);
      x0 = multiplyAdd(v128.load(x), weight, x0);
      x1 = multiplyAdd(v128.load(x, 16), weight, x1);
      y0 = multiplyAdd(v128.load(y), weight, y0);
      y1 = multiplyAdd(v128.load(y, 16), weight, y1);
      z0 = multiplyAdd(v128.load(z), weight, z0);
      z1 = multiplyAdd(v128.load(z, 16), weight, z1);
      x += PANEL;
      y += PANEL;
      z += PANEL;
    }
    v128.store(out + panel * panelStep, x0);
    v128.store(out + panel * panelStep, x1, 16);
    v128.store(out + second * panelStep, y0);
    v128.store(out + second * panelStep, y1, 16);
    v128.store(out + third * panelStep, z0);
    v128.store(out + third * panelStep, z1, 16);
  }
}

/**
 * Writes a − b, of panels.
 * @param size bytes of a panel that are written, a multiple of 16
 * @param step bytes from one panel to the next, of all three
 */
export function subtract(a: usize, b: usize, out: usize, size: usize, panels: usize, step: usize): void {
  for (; panels > 0; panels--) {
    for (let at: usize = 0; at < size; at += 16)
      v128.store(out + at, f32x4.sub(v128.load(a + at), v128.load(b + at)));
    a += step;
    b += step;
    out += step;
  }
}

/** a · b + c, rounded once (fused, with relaxed SIMD) or twice. */
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
}
