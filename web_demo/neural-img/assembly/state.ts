/**
 * What is known of a picture's coefficients, in memory (AssemblyScript; docs/format.md, "Coefficients").
 *
 * Coefficients lie by row and column of cells, plane, and frequency in the order in which they are coded, so that those in use
 * lie together. Around the picture is a border of one cell, and each plane of a cell has one place more than frequencies: their
 * sizes stay zero, so that all that is around a coefficient can be read. An index into these arrays is a place.
 */
import { modelBytes, prepare, reset, startCounter } from './mixer';
import { keepPlace, restorePlace } from './range_coder';
import { prepareSigns } from './sign_network';
import { prepareSizes } from './size_network';

/** The end of a coefficient's interval before anything is known. */
export const UNKNOWN: i32 = 1 << 30;
export const BANDS: i32 = 12;
export const LOGS: i32 = 32;
/** Cells along a side of a block, whose means are coded as cosines. */
export const BLOCK: i32 = 8;
/** Most planes of a cell. */
export const MOST_PLANES: i32 = 4;
/** Classes of zeros: planes and planes of means, bands of frequencies, logarithms of activity. */
export const CLASSES: i32 = 2 * MOST_PLANES * BANDS * LOGS;
/** 65536 / (1 + exp(6 - 0.27 a)): how likely a zero of activity a reaches its threshold, before anything is learned. */
const FIRST_CHANCE: StaticArray<i32> = [
  162, 212, 278, 363, 475, 621, 811, 1058, 1379, 1795, 2331, 3020, 3901, 5018, 6420, 8163, 10295, 12860, 15881, 19350,
  23222, 27410, 31785, 36196, 40485, 44511, 48167, 51390, 54156, 56476, 58386, 59933,
];
/** How often a chance counts as having been seen at first. */
const FIRST_SEEN: u32 = 4;

export let rows: i32 = 0;
export let columns: i32 = 0;
export let planes: i32 = 0;
export let pitch: i32 = 0;
/** Places of a cell's plane, of a cell, and of a row of cells. */
export let plane: i32 = 0;
export let cell: i32 = 0;
export let line: i32 = 0;
/** Cells' planes of a row of cells. */
export let cellLine: i32 = 0;

/** Sizes that stand for coefficients, i32; 0 while one may be zero. */
export let sizes: usize = 0;
/** Weighted sums of the sizes around, i32. */
export let activities: usize = 0;
/** Intervals: lower ends, i32, 0 while a coefficient may be zero, each before an upper end, which it does not reach. */
let intervals: usize = 0;
/** Signs, i8: 0 while a coefficient may be zero. */
export let signs: usize = 0;
/** Of each cell's plane, the highest sum of frequencies at which there is activity, i32. */
export let extents: usize = 0;
/** Counters of how likely zeros of each class reach their thresholds. */
export let chances: usize = 0;
let free: usize = 0;
/** Rows and columns of frequencies in their order, u8 [pitch², 2], and their places by rows and columns, u16 [pitch, 32]. */
const order = memory.data(32 * 32 * 2);
const places = memory.data(32 * 32 * 2);
/** The first place of each sum of row and column, u16 [2 pitch]. */
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

/** The upper end, kept as what is missing to UNKNOWN, so that memory of zeros knows nothing. */
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
  return (row + 1) * line + (column + 1) * cell + p * plane;
}

/** The row and the column of the frequency that is so many places beyond the lowest one, and the other way around. */
@inline
export function rowOf(i: i32): i32 {
  return load<u8>(order + (<usize>i << 1));
}

@inline
export function columnOf(i: i32): i32 {
  return load<u8>(order + (<usize>i << 1), 1);
}

@inline
export function indexOf(row: i32, column: i32): i32 {
  return load<u16>(places + (<usize>(row * 32 + column) << 1));
}

/**
 * Makes room for a picture's coefficients, of which nothing is known, and for models. Memory from `room` on is free.
 * @returns whether there is memory
 */
export function makeRoom(cellRows: i32, cellColumns: i32, cellPlanes: i32, frequencies: i32): bool {
  rows = cellRows;
  columns = cellColumns;
  planes = cellPlanes;
  pitch = frequencies;
  // One more, whose size stays zero, stands for frequencies that there are not.
  plane = pitch * pitch + 1;
  cell = planes * plane;
  const count: u64 = <u64>(rows + 2) * <u64>(columns + 2) * <u64>cell;
  const cellsPlanes: u64 = <u64>(rows + 2) * <u64>(columns + 2) * <u64>planes;
  const others: u64 = modelBytes(planes) + CLASSES * 4 + cellsPlanes * 4 + 64;
  // Above the tables, which lie on the heap.
  const start = (heap.alloc(16) + 31) & ~15;
  if (count >= 1 << 30 || start + count * 17 + others >= 0xf0000000) return false;
  const used = <usize>memory.size() << 16;
  const pages = <i32>((start + count * 17 + others + 0xffff) >> 16) - memory.size();
  if (pages > 0 && memory.grow(pages) < 0) return false;
  line = (columns + 2) * cell;
  cellLine = (columns + 2) * planes;
  const array = <usize>count * 4;
  sizes = start;
  activities = sizes + array;
  intervals = activities + array;
  chances = intervals + 2 * array;
  extents = chances + CLASSES * 4;
  const models = (extents + <usize>cellsPlanes * 4 + 15) & ~15;
  signs = models + modelBytes(planes);
  free = (signs + <usize>count + 15) & ~15;
  // New memory is zero, but pages that are written first cost one fault instead of two.
  memory.fill(sizes, 0, models - sizes);
  memory.fill(signs, 0, free - signs);
  if (used > models) memory.fill(models, 0, min(used, signs) - models);
  for (let i = 0; i < CLASSES; i++) startCounter(chances + (<usize>i << 2), FIRST_CHANCE[i % LOGS], FIRST_SEEN);
  fillOrder();
  prepare();
  prepareSizes();
  prepareSigns();
  reset(models, planes);
  return true;
}

/** The place beyond the last frequency whose row and column have that sum, or a smaller one. */
@inline
export function endOf(sum: i32): i32 {
  return sum < 2 * pitch - 1 ? load<u16>(ends + (<usize>(sum + 1) << 1)) : pitch * pitch;
}

/** Frequencies by their diagonals, to and fro. */
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
      store<u16>(places + 2 * (row * 32 + column), i++);
    }
  }
  store<u16>(ends + 2 * (2 * pitch - 1), i);
}

/** Where memory is free. */
export function room(): usize {
  return free;
}

/** Where coefficients may be written once no level follows: over the activities. */
export function spare(): usize {
  return activities;
}

/** Keeps all that is known and learned at an address, where there are `kept` bytes of memory. */
export function keep(address: usize): void {
  keepPlace(address);
  memory.copy(address + 32, sizes, free - sizes);
}

/** Goes back to what was kept at an address. */
export function restore(address: usize): void {
  restorePlace(address);
  memory.copy(sizes, address + 32, free - sizes);
}

/** Bytes that `keep` writes. */
export function kept(): usize {
  return free - sizes + 32;
}
