/**
 * The preview of an `.anir` file of the family `lapped`, which its first bytes give before the first level is complete.
 *
 * A level begins with the means of all cells (docs/format.md, "Preview"). They give each cell a colour; the preview interpolates
 * between these.
 */
import { cellsOf, type Header, previewFrom } from './anir_header.ts';
import { readColours } from './anir_networks.ts';
import { joined } from './bytes.ts';
import { COLOUR_PER_UNIT } from './common_networks.ts';
import { axis } from './coordinates.ts';
import type { Draw } from './kernel.ts';
import { Axis } from './lapped_transform.ts';
import { LEAST_WIDTH, readLevelStep } from './level_step.ts';
import type { ModelInfo } from './network.ts';
import { tableBytes } from './segments.ts';
import { Strips } from './strips.ts';

/** A colour for each of a picture's cells. */
export interface Preview {
  /** Native width and height of the picture in pixels. */
  size: [number, number];
  /** Pixels from one cell to the next. */
  pitch: number;
  /** Native pixels along each axis from the picture's top left corner to the point of the first cell's colour. */
  offset: number;
  /** Numbers of rows, columns and colour channels. */
  shape: [number, number, number];
  /** [row, column, channel], mostly in [0, 1]. */
  colours: Float32Array;
}

/**
 * Reads the preview from the beginning of a file; undefined if that is too short, or the family has no previews. DCT coefficients
 * that have not arrived count as 0, so a block of which nothing has arrived has the colour of the border.
 */
export function readPreview(
  module: WebAssembly.Module,
  header: Header,
  file: Uint8Array,
): Preview | undefined {
  if (file.length < previewFrom(header) + tableBytes(header, true)) return;
  const { size, pitch, colours: many } = header;
  const [columns, rows] = cellsOf(header);
  // With a pitch of 1, coders decode the means alone and take little memory.
  const strips = new Strips(module, header, file.subarray(header.start), [0], 1);
  const [{ matrix, border }, { width }] = [
    readColours(strips.first, many),
    readLevelStep(strips.first, undefined),
  ];
  if (width < LEAST_WIDTH) return;
  strips.level(width);
  const [down, across] = [sumsOf(rows, pitch), sumsOf(columns, pitch)];
  const [means, colours] = [joined(strips.known().values), new Float32Array(rows * columns * many)];
  for (let cell = 0, at = 0; cell < rows * columns; cell++) {
    const [row, column] = [Math.floor(cell / columns), cell % columns];
    const scale = (COLOUR_PER_UNIT * pitch) / 2 / ((down[row] as number) * (across[column] as number));
    for (let colour = 0; colour < many; colour++, at++) {
      let sum = 0;
      for (let plane = 0; plane < many; plane++)
        sum += (matrix[colour * many + plane] as number) * (means[cell * many + plane] as number);
      colours[at] = (border[colour] as number) / 255 + sum * scale;
    }
  }
  return { size, pitch, offset: offsetOf(pitch), shape: [rows, columns, many], colours };
}

export const infoOfPreview = ({ size: [width, height] }: Preview): ModelInfo => ({
  family: 'lapped',
  name: 'preview',
  width,
  height,
});

/** Calls `take` with each value of the cells' cosines of frequency 0 at the native pixels of an axis. */
function lowest(cells: number, pitch: number, take: (cell: number, pixel: number, value: number) => void) {
  const own = new Axis(cells * pitch, pitch);
  const at = axis(own.pixels);
  for (let pixel = 0; pixel < own.pixels; pixel += 8) {
    const { start, values } = own.cosines(at.subarray(pixel, pixel + 8), 1);
    for (const [k, value] of values.entries()) take(start + (k >> 3), pixel + (k & 7), value);
  }
}

/** For each cell along an axis, the sum S of its cosine of frequency 0: a plane that is 1 everywhere has the means 2 / pitch · S · S. */
function sumsOf(cells: number, pitch: number): Float64Array {
  const sums = new Float64Array(cells);
  lowest(cells, pitch, (cell, _, value) => {
    sums[cell] = (sums[cell] as number) + value;
  });
  return sums;
}

/** Pixels to the point that the first cell's mean stands for: the centre of gravity of the cosine, as it is away from borders. */
function offsetOf(pitch: number): number {
  let [sum, moment] = [0, 0];
  lowest(3, pitch, (cell, pixel, value) => {
    if (cell !== 1) return;
    sum += value;
    moment += value * (pixel + 0.5);
  });
  return moment / sum - pitch;
}

/** Draws a preview by cubic interpolation; it does not average where samples are farther apart than cells. */
export function drawPreview({ size, pitch, offset, shape, colours }: Preview): Draw {
  const [rows, columns, many] = shape;
  const tapsOf = (at: Float32Array, axis: 0 | 1, cells: number, stride: number) =>
    taps(
      Float64Array.from(at, (coordinate) => (((coordinate + 1) * size[axis]) / 2 - offset) / pitch),
      cells,
      stride,
    );
  return (x, y) => {
    const [across, down] = [tapsOf(x, 0, columns, many), tapsOf(y, 1, rows, columns * many)];
    const [line, pixels] = [new Float32Array(columns * many), new Uint8ClampedArray(x.length * y.length * 4)];
    pixels.fill(255);
    for (let row = 0, to = 0; row < y.length; row++) {
      for (let k = 0; k < line.length; k++) line[k] = 255 * interpolated(colours, k, down, row);
      for (let column = 0; column < x.length; column++, to += 4)
        if (many === 1) pixels.fill(interpolated(line, 0, across, column), to, to + 3);
        else for (let k = 0; k < many; k++) pixels[to + k] = interpolated(line, k, across, column);
    }
    return pixels;
  };
}

/** The four cells that each of some positions is interpolated from, [positions, 4]. */
interface Taps {
  /** Index of the cell's first value. */
  at: Int32Array;
  weights: Float32Array;
}

/**
 * Taps for cubic convolution (Keys 1981) at positions counted in cells. Neighbouring cells are `stride` values apart; beyond both ends,
 * the last cell is repeated.
 */
function taps(positions: Float64Array, cells: number, stride: number): Taps {
  const [at, weights] = [new Int32Array(4 * positions.length), new Float32Array(4 * positions.length)];
  positions.forEach((position, k) => {
    const first = Math.floor(position);
    const t = position - first;
    const [square, cube] = [t * t, t ** 3];
    const own = [-t + 2 * square - cube, 2 - 5 * square + 3 * cube, t + 4 * square - 3 * cube, cube - square];
    own.forEach((weight, tap) => {
      at[4 * k + tap] = stride * Math.min(Math.max(first + tap - 1, 0), cells - 1);
      weights[4 * k + tap] = weight / 2;
    });
  });
  return { at, weights };
}

/** Interpolates value number `offset` of the cells at the position with the given index. */
function interpolated(values: Float32Array, offset: number, { at, weights }: Taps, position: number): number {
  let sum = 0;
  for (let tap = 4 * position; tap < 4 * position + 4; tap++)
    sum += (values[(at[tap] as number) + offset] as number) * (weights[tap] as number);
  return sum;
}
