/**
 * What is known of a picture's coefficients, in memory (AssemblyScript; docs/format.md, "Coefficients").
 *
 * Coefficients lie by row and column of cells, plane and frequency. Around the picture is a border of one cell, and between
 * planes one of two frequencies, whose sizes stay zero, so that all that is around one can be read. An index into these
 * arrays is a place.
 */
import { keepPlace, modelBytes, prepare, reset, restorePlace } from './entropy';

export const BORDER: i32 = 2;
/** The end of a coefficient's interval before anything is known. */
export const UNKNOWN: i32 = 1 << 30;
export const BANDS: i32 = 12;
export const LOGS: i32 = 32;
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
/** Places of a cell's plane, of a cell, of a row of cells, and from one row of frequencies to the next. */
export let plane: i32 = 0;
export let cell: i32 = 0;
export let line: i32 = 0;
export let stride: i32 = 0;

/** Sizes that stand for coefficients, i32; 0 while one may be zero. */
export let sizes: usize = 0;
/** Weighted sums of the sizes around, i32. */
export let activities: usize = 0;
/** Intervals, i32: their lower ends, of coefficients that are not zero; their upper ends, which they do not reach. */
export let lows: usize = 0;
export let highs: usize = 0;
/** Signs, i8: 0 while a coefficient may be zero. */
export let signs: usize = 0;
/** Of each cell's plane, the highest sum of frequencies at which there is activity, i32. */
export let extents: usize = 0;
/** Counters of how likely zeros of each class reach their thresholds. */
export let chances: usize = 0;
/** The order of a cell's frequencies: place in the plane << 16 | row << 8 | column, u32. */
export let order: usize = 0;
let free: usize = 0;

@inline
export function i32At(base: usize, place: i32): i32 {
  return load<i32>(base + (<usize>place << 2));
}

@inline
export function put(base: usize, place: i32, x: i32): void {
  store<i32>(base + (<usize>place << 2), x);
}

@inline
export function add(base: usize, place: i32, x: i32): void {
  put(base, place, i32At(base, place) + x);
}

/** The place of a cell's lowest frequency in a plane. */
@inline
export function placeOf(row: i32, column: i32, p: i32): i32 {
  return (row + 1) * line + (column + 1) * cell + p * plane + BORDER * (stride + 1);
}

/**
 * Makes room for a picture's coefficients, of which nothing is known, and for models. Memory from `room` on is free.
 * @returns whether there is memory
 */
export function create(cellRows: i32, cellColumns: i32, cellPlanes: i32, frequencies: i32): bool {
  rows = cellRows;
  columns = cellColumns;
  planes = cellPlanes;
  pitch = frequencies;
  // What ends one row of frequencies, or one plane, begins the next.
  stride = pitch + BORDER;
  plane = stride * stride;
  cell = planes * plane;
  const places: u64 = <u64>(rows + 2) * <u64>(columns + 2) * <u64>cell;
  const cellsPlanes: u64 = <u64>(rows + 2) * <u64>(columns + 2) * <u64>planes;
  const others: u64 = modelBytes(planes) + CLASSES * 4 + cellsPlanes * 4 + <u64>(pitch * pitch * 4) + 64;
  // Above the tables, which lie on the heap.
  const start = (heap.alloc(16) + 31) & ~15;
  if (places >= 1 << 30 || start + places * 17 + others >= 0xf0000000) return false;
  const pages = <i32>((start + places * 17 + others + 0xffff) >> 16) - memory.size();
  if (pages > 0 && memory.grow(pages) < 0) return false;
  line = (columns + 2) * cell;
  const array = <usize>places * 4;
  sizes = start;
  activities = sizes + array;
  lows = activities + array;
  highs = lows + array;
  chances = highs + array;
  extents = chances + CLASSES * 4;
  order = extents + <usize>cellsPlanes * 4;
  const models = order + pitch * pitch * 4;
  signs = models + modelBytes(planes);
  free = (signs + <usize>places + 15) & ~15;
  memory.fill(sizes, 0, 3 * array);
  memory.fill(extents, 0, <usize>cellsPlanes * 4);
  memory.fill(signs, 0, <usize>places);
  for (let i: usize = 0; i < array; i += 4) store<i32>(highs + i, UNKNOWN);
  for (let i = 0; i < CLASSES; i++) put(chances, i, FIRST_CHANCE[i % LOGS] | (FIRST_SEEN << 16));
  fillOrder();
  prepare();
  reset(models, planes);
  return true;
}

/** Frequencies by their diagonals, to and fro. */
function fillOrder(): void {
  let i = 0;
  for (let sum = 0; sum < 2 * pitch - 1; sum++) {
    for (let k = 0; k <= sum; k++) {
      const row = sum & 1 ? k : sum - k;
      const column = sum - row;
      if (row < pitch && column < pitch) put(order, i++, ((row * stride + column) << 16) | (row << 8) | column);
    }
  }
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
