/**
 * Reconstructs coefficients from what is known of them (AssemblyScript; docs/format.md, "Values").
 */
import { width } from './levels';
import { BLOCK, columns, i32At, indexOf, pitch, placeOf, planes, rows, signs, sizes } from './state';

/** Orthonormal DCTs of n points: 4096 times basis function k at point i has index ((n - 1) * 8 + k) * 8 + i. */
const cosines = new StaticArray<i32>(BLOCK * BLOCK * BLOCK);

function fillCosines(): void {
  for (let n = 1; n <= BLOCK; n++) {
    for (let k = 0; k < n; k++) {
      for (let i = 0; i < n; i++) {
        const scale = 4096 * Math.sqrt((k ? 2.0 : 1.0) / <f64>n);
        const cosine = cosineOf((Math.PI / <f64>(2 * n)) * <f64>(((2 * i + 1) * k) % (4 * n)));
        cosines[((n - 1) * BLOCK + k) * BLOCK + i] = <i32>Math.floor(scale * cosine + 0.5);
      }
    }
  }
}

/** The cosine of an angle from 0 to 2π, by its Taylor series: the library's cosine takes a tenth of the module. */
function cosineOf(angle: f64): f64 {
  let sum = 1.0;
  let term = 1.0;
  for (let k = 1.0; k < 40; k += 2) {
    term *= (-angle * angle) / (k * (k + 1));
    sum += term;
  }
  return sum;
}

/**
 * Writes all coefficients at an address, i32 [rows, columns, planes, pitch, pitch], in units, rounded to a grid of `width` / 16.
 *
 * The cells' means result from an inverse DCT over blocks of 8 by 8 cells.
 */
export function values(address: usize): void {
  const grid = max(width >> 4, 1);
  fillCosines();
  let out = address;
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      for (let p = 0; p < planes; p++) {
        const base = placeOf(r, c, p);
        for (let u = 0; u < pitch; u++) {
          for (let v = 0; v < pitch; v++, out += 4) {
            const place = base + indexOf(u, v);
            const sign = <i32>load<i8>(signs + place);
            store<i32>(out, sign ? sign * ((i32At(sizes, place) + (grid >> 1)) / grid) * grid : 0);
          }
        }
      }
    }
  }
  for (let p = 0; p < planes; p++) {
    for (let r = 0; r < rows; r += BLOCK) {
      for (let c = 0; c < columns; c += BLOCK) meansOfBlock(address, p, r, c, grid);
    }
  }
}

/** Writes the means of the cells of a block, given its first row and column. */
function meansOfBlock(address: usize, p: i32, row: i32, column: i32, grid: i64): void {
  const down = min(rows - row, BLOCK);
  const across = min(columns - column, BLOCK);
  for (let r = 0; r < down; r++) {
    for (let c = 0; c < across; c++) {
      let sum: i64 = grid << 23;
      for (let k = 0; k < down; k++) {
        let part: i64 = 0;
        for (let l = 0; l < across; l++) {
          const place = placeOf(row + k, column + l, p);
          const value = i32At(sizes, place) * <i32>load<i8>(signs + place);
          part += <i64>value * unchecked(cosines[((across - 1) * BLOCK + l) * BLOCK + c]);
        }
        sum += part * unchecked(cosines[((down - 1) * BLOCK + k) * BLOCK + r]);
      }
      const at = ((row + r) * columns + column + c) * planes + p;
      store<i32>(address + <usize>(at * pitch * pitch) * 4, <i32>(floorOf(sum, grid << 24) * grid));
    }
  }
}

/** The quotient rounded towards −∞. */
@inline
function floorOf(x: i64, by: i64): i64 {
  return x >= 0 ? x / by : -((by - 1 - x) / by);
}
