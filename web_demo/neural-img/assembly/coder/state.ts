/**
 * Holds what is known of a picture's coefficients (AssemblyScript; docs/format.md, "Coefficients").
 *
 * Arrays are ordered by row and column of cells, plane, and frequency in coding order, so that the low frequencies, which are used
 * most, are adjacent in memory. The picture has a border of one cell, and each plane of a cell one place more than frequencies;
 * their sizes stay zero, so that neighbours can be read without checks. An index into these arrays is called a place.
 */
import { modelBytes, prepareMixer, resetModels, startCounter } from './mixer';
import { keepCoder, restoreCoder } from './range_coder';
import { prepareSigns } from './sign_network';
import { prepareSizes } from './size_network';

/** The end of a coefficient's interval before anything is known. */
export const UNKNOWN: i32 = 1 << 30;
/** Number of bands of sums of two frequencies. */
export const BANDS: i32 = 12;
/** Bound of quantized logarithms, rounded up to a power of two. */
export const LOGS: i32 = 32;
/** Cells along a side of a block, over which a DCT of the cells' means is taken. */
export const BLOCK: i32 = 8;
/** Most planes that a picture may have. */
const MOST_PLANES: i32 = 4;
/** Number of classes of insignificant coefficients, by plane (with means apart), band and quantized activity. */
export const CLASSES: i32 = 2 * MOST_PLANES * BANDS * LOGS;
/** Initial probability of significance at activity a, in 1/65536: 65536 / (1 + exp(6 - 0.27 a)). */
const FIRST_CHANCE: StaticArray<i32> = [
  162, 212, 278, 363, 475, 621, 811, 1058, 1379, 1795, 2331, 3020, 3901, 5018, 6420, 8163, 10295, 12860, 15881, 19350,
  23222, 27410, 31785, 36196, 40485, 44511, 48167, 51390, 54156, 56476, 58386, 59933,
];
/** Number of decisions from which the initial probability counts as having been learned. */
const FIRST_SEEN: u32 = 4;

/** Rows and columns of cells, planes, and frequencies of a cell along each axis. */
export let rows: i32 = 0;
export let columns: i32 = 0;
export let planes: i32 = 0;
export let pitch: i32 = 0;
/** Places from a plane of a cell to the next. */
export let planeStep: i32 = 0;
/** Places from a cell to the next one of its row. */
export let cellStep: i32 = 0;
/** Places from a row of cells to the next. */
export let rowStep: i32 = 0;
/** Planes of all cells of a row. */
export let planesPerRow: i32 = 0;

/** Reconstructed magnitudes of coefficients, i32; 0 of insignificant ones. */
export let sizes: usize = 0;
/** Weighted sums of the magnitudes around each coefficient, i32. */
export let activities: usize = 0;
/** Intervals of magnitudes, i32 [2]: the lower end, 0 of insignificant coefficients, and the exclusive upper end (see `highOf`). */
let intervals: usize = 0;
/** Signs, i8; 0 of insignificant coefficients. */
export let signs: usize = 0;
/** For each plane of a cell, the highest sum of frequencies at which there is activity, i32. */
export let extents: usize = 0;
/** For each class of insignificant coefficients, a counter of the probability of significance. */
export let chances: usize = 0;
/** Memory from here on is free. */
let free: usize = 0;
/** Rows and columns (vertical and horizontal frequencies) in coding order, u8 [pitch², 2]. */
const order = memory.data(32 * 32 * 2);
/** The inverse: index in coding order by row and column, u16 [pitch, 32]. */
const indices = memory.data(32 * 32 * 2);
/** The first index of each sum of row and column, u16 [2 pitch]. */
const ends = memory.data(64 * 2);

@inline
export function i32At(base: usize, place: i32): i32 {
  return load<i32>(base + (<usize>place << 2));
}

@inline
export function put(base: usize, place: i32, x: i32): void {
  store<i32>(base + (<usize>place << 2), x);
}

@inline
export function lowOf(place: i32): i32 {
  return load<i32>(intervals + (<usize>place << 3));
}

@inline
export function putLow(place: i32, low: i32): void {
  store<i32>(intervals + (<usize>place << 3), low);
}

/** The upper end of an interval. It is stored as its difference from UNKNOWN, so that zeroed memory means UNKNOWN. */
@inline
export function highOf(place: i32): i32 {
  return UNKNOWN - load<i32>(intervals + (<usize>place << 3), 4);
}

@inline
export function putHigh(place: i32, high: i32): void {
  store<i32>(intervals + (<usize>place << 3), UNKNOWN - high, 4);
}

/** The place of a cell's lowest frequency in a plane. */
@inline
export function placeOf(row: i32, column: i32, p: i32): i32 {
  return (row + 1) * rowStep + (column + 1) * cellStep + p * planeStep;
}

/** The row of frequency i in coding order. */
@inline
export function rowOf(i: i32): i32 {
  return load<u8>(order + (<usize>i << 1));
}

/** The column of frequency i in coding order. */
@inline
export function columnOf(i: i32): i32 {
  return load<u8>(order + (<usize>i << 1), 1);
}

/** The index of a frequency in coding order. */
@inline
export function indexOf(row: i32, column: i32): i32 {
  return load<u16>(indices + (<usize>(row * 32 + column) << 1));
}

/**
 * Allocates memory for a picture's coefficients, of which nothing is known, and for the models. Memory from `room` on is free.
 * @returns whether there is enough memory
 */
export function makeState(cellRows: i32, cellColumns: i32, cellPlanes: i32, frequencies: i32): bool {
  rows = cellRows;
  columns = cellColumns;
  planes = cellPlanes;
  pitch = frequencies;
  // The additional place, whose size stays zero, stands for all frequencies out of range.
  planeStep = pitch * pitch + 1;
  cellStep = planes * planeStep;
  const count: u64 = <u64>(rows + 2) * <u64>(columns + 2) * <u64>cellStep;
  const cellsPlanes: u64 = <u64>(rows + 2) * <u64>(columns + 2) * <u64>planes;
  const others: u64 = modelBytes(planes) + CLASSES * 4 + cellsPlanes * 4 + 64;
  // After the tables, which are on the heap.
  const start = (heap.alloc(16) + 31) & ~15;
  if (count >= 1 << 30 || start + count * 17 + others >= 0xf0000000) return false;
  const used = <usize>memory.size() << 16;
  const pages = <i32>((start + count * 17 + others + 0xffff) >> 16) - memory.size();
  if (pages > 0 && memory.grow(pages) < 0) return false;
  rowStep = (columns + 2) * cellStep;
  planesPerRow = (columns + 2) * planes;
  const array = <usize>count * 4;
  sizes = start;
  activities = sizes + array;
  intervals = activities + array;
  chances = intervals + 2 * array;
  extents = chances + CLASSES * 4;
  const models = (extents + <usize>cellsPlanes * 4 + 15) & ~15;
  signs = models + modelBytes(planes);
  free = (signs + <usize>count + 15) & ~15;
  // New memory is zero already, but a page that is written before it is read costs one page fault instead of two.
  memory.fill(sizes, 0, models - sizes);
  memory.fill(signs, 0, free - signs);
  if (used > models) memory.fill(models, 0, min(used, signs) - models);
  for (let i = 0; i < CLASSES; i++) startCounter(chances + (<usize>i << 2), FIRST_CHANCE[i % LOGS], FIRST_SEEN);
  fillOrder();
  prepareMixer();
  prepareSizes();
  prepareSigns();
  resetModels(models, planes);
  return true;
}

/** The index in coding order after the last frequency whose row and column add up to at most `sum`. */
@inline
export function endOf(sum: i32): i32 {
  return sum < 2 * pitch - 1 ? load<u16>(ends + (<usize>(sum + 1) << 1)) : pitch * pitch;
}

/** Fills the tables of the coding order, a zigzag along diagonals. */
function fillOrder(): void {
  let i = 0;
  for (let sum = 0; sum < 2 * pitch - 1; sum++) {
    store<u16>(ends + 2 * sum, i);
    for (let k = 0; k <= sum; k++) {
      const row = sum & 1 ? k : sum - k;
      const column = sum - row;
      if (row >= pitch || column >= pitch) continue;
      store<u8>(order + 2 * i, row);
      store<u8>(order + 2 * i, column, 1);
      store<u16>(indices + 2 * (row * 32 + column), i++);
    }
  }
  store<u16>(ends + 2 * (2 * pitch - 1), i);
}

/** The address from which memory is free. */
export function room(): usize {
  return free;
}

/** An address where `values` may write once no level follows: it overwrites the activities. */
export function spare(): usize {
  return activities;
}

/** Saves coefficients, models and the range coder's state to `kept` bytes of memory at an address. */
export function keep(address: usize): void {
  keepCoder(address);
  memory.copy(address + 32, sizes, free - sizes);
}

/** Restores the state that `keep` saved at an address. */
export function restore(address: usize): void {
  restoreCoder(address);
  memory.copy(sizes, address + 32, free - sizes);
}

/** The number of bytes that `keep` writes. */
export function kept(): usize {
  return free - sizes + 32;
}
