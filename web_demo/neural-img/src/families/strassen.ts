/**
 * Products of large square matrices by Strassen's algorithm in Winograd's form: seven products of half the size and a few sums
 * instead of eight products (Winograd 1971, On multiplication of 2 × 2 matrices). With float32 they err about twice as much.
 */
import { type Kernel, type Matrix, PANEL } from '../kernel.ts';

/** Number of panels of eight points that are multiplied at a time. */
export const PANELS = 8;
/** Channels from which on this is clearly faster (bench/NOTES.md). */
const LEAST = 96;

/**
 * Prepares products with a square matrix, if it is large and each half of it has whole panels. The function that is returned
 * multiplies PANELS panels [channels][8] at `from` and writes such panels at `to`.
 * @param bias address of the biases
 */
export function strassen(kernel: Kernel, { at, rows: size, columns }: Matrix, bias: number) {
  if (size < LEAST || size % 16 || size !== columns) return;
  const { run } = kernel;
  const half = size / 2;
  const [quarter, step] = [half * PANEL, size * PANEL];

  /** Returns the addresses of the quarters of so many panels: the first half of channels of the first half of panels, and so on. */
  function quarters(at: number, panels: number): [number, number, number, number] {
    const other = at + (panels / 2) * step;
    return [at, at + quarter, other, other + quarter];
  }
  const subtract = (a: number, b: number, out: number, panels = PANELS / 2) =>
    run.subtract(a, b, out, quarter, panels, step);
  const multiply = (a: number, by: number, out: number, biases = 0) =>
    run.multiply(a, by, biases, out, half, half, PANELS / 2, step, step, PANEL, step);

  // Winograd's sums of quarters of the matrix, but −s₁ instead of s₁ and n₁₁ = −a₁₁, so that all sums are differences.
  const panels = size / 8;
  const [a11, a12, a21, a22] = quarters(at, panels);
  const sums = kernel.matrix(2 * size, size, () => 0).at;
  const [n11, s1, s2, s3] = quarters(sums, panels);
  const s4 = sums + panels * step;
  const sum = (a: number, b: number, out: number) => subtract(a, b, out, panels / 2);
  sum(n11, a11, n11);
  sum(a11, a21, s3);
  sum(a22, s3, s2);
  sum(a12, s2, s4);
  sum(n11, s2, s1);
  const [t, t2, u, p5] = quarters(kernel.take(PANELS * size * 8), PANELS);

  return (from: number, to: number): void => {
    const [b11, b21, b12, b22] = quarters(from, PANELS);
    const [c11, c21, c12, c22] = quarters(to, PANELS);
    subtract(b12, b11, t);
    subtract(b22, t, t2);
    multiply(t, s1, p5);
    multiply(b11, n11, u);
    multiply(b21, a12, c11, bias);
    subtract(c11, u, c11);
    multiply(t2, s2, c21);
    subtract(u, c21, u);
    multiply(b22, s4, c12, bias);
    subtract(c12, p5, c12);
    subtract(c12, u, c12);
    subtract(b22, b12, t);
    multiply(t, s3, c21, bias + 4 * half);
    subtract(c21, p5, c22);
    subtract(c21, u, c21);
    subtract(c22, u, c22);
    subtract(t2, b21, t2);
    multiply(t2, a22, u);
    subtract(c21, u, c21);
  };
}
