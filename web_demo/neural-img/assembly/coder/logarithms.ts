/**
 * Quantizes sums of magnitudes and of frequencies for contexts, on logarithmic scales (AssemblyScript; docs/format.md, "Contexts").
 */
import { columnOf, LOGS, pitch, rowOf } from './state';

/** The table L of docs/format.md: sums, in widths of the level, from which on the quantized logarithm is one more. */
const LOG_STEPS: StaticArray<i32> = [
  1, 1, 2, 3, 4, 6, 9, 12, 17, 23, 31, 43, 60, 82, 112, 154, 211, 290, 397, 545, 747, 1023, 1403, 1922, 2635, 3610, 4948, 6780,
];
const LOG_MOST: i32 = 8191;
/** The table B of docs/format.md: sums of two frequencies from which on the band is one more. */
const BAND_STEPS: StaticArray<i32> = [1, 1, 2, 3, 4, 6, 8, 11, 15, 20, 27];

const logs = new StaticArray<u8>(LOG_MOST + 1);
/** The band of each sum of two frequencies. */
export const bands = new StaticArray<u8>(64);
/** The class of an insignificant coefficient without activity, for each frequency of a plane; within the plane's classes. */
const classes = new StaticArray<u16>(32 * 32);

/** 2²⁰ / width of the level. */
let inverse: i64 = 0;

/** Fills the tables, which are valid for all levels of a picture. */
export function fillLogarithms(): void {
  fillSteps(logs, LOG_STEPS);
  fillSteps(bands, BAND_STEPS);
  for (let i = 0; i < pitch * pitch; i++) classes[i] = <u16>(unchecked(bands[rowOf(i) + columnOf(i)]) * LOGS);
}

/** Sets the width (quantization step of the level) that sums of magnitudes are relative to. */
export function measureBy(width: i32): void {
  inverse = (1 << 20) / width;
}

/** The class of an insignificant coefficient without activity at a frequency, within its plane's classes. */
@inline
export function classOf(i: i32): i32 {
  return unchecked(classes[i]);
}

function fillSteps(table: StaticArray<u8>, steps: StaticArray<i32>): void {
  let at = 0;
  for (let i = 0; i < table.length; i++) {
    while (at < steps.length && i >= steps[at]) at++;
    table[i] = <u8>at;
  }
}

/** The highest sum of frequencies of a band; -1 for band -1. */
@inline
export function lastOfBand(band: i32): i32 {
  return band < 0 ? -1 : band < BAND_STEPS.length ? unchecked(BAND_STEPS[band]) - 1 : bands.length - 1;
}

/** The quantized logarithm of a sum of magnitudes. */
@inline
export function log(x: i64): i32 {
  return unchecked(logs[<i32>min((x * inverse) >> 20, LOG_MOST)]);
}

/** A sum of magnitudes in widths of the level, rounded, at most `most`. */
@inline
export function rounded(x: i64, most: i32): i32 {
  return <i32>min((((2 * x * inverse) >> 20) + 1) >> 1, most);
}
