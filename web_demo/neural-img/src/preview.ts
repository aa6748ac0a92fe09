/**
 * What the first bytes of an `.anir` file of the family `lapped` show, before its first level has come.
 *
 * A level begins with the means of all cells (docs/format.md, "Preview"): a colour for each cell, between which the picture is
 * interpolated.
 */
import { type Header, previewFrom } from './anir_header.ts';
import { readColours } from './anir_networks.ts';
import { joined } from './bytes.ts';
import { WORTH } from './common_networks.ts';
import { axis } from './coordinates.ts';
import type { Draw } from './kernel.ts';
import { Axis } from './lapped_transform.ts';
import type { ModelInfo } from './network.ts';
import { tableBytes } from './segments.ts';
import { LEAST_WIDTH, readStep } from './steps.ts';
import { Strips } from './strips.ts';

/** Colours of a picture's cells. */
export interface Preview {
  /** Native width and height of the picture in pixels. */
  size: [number, number];
  /** Pixels from one cell to the next. */
  pitch: number;
  /** Native pixels, along each axis, from the picture's corner to where the first cell's colour is. */
  offset: number;
  /** Rows, columns and colour channels. */
  shape: [number, number, number];
  /** [row, column, channel], in [0, 1] or somewhat beyond. */
  colours: Float32Array;
}

/**
 * The preview from as much of a file as there is; none if that is too little, or has no cells. Cells of which nothing has come yet
 * have the colour of their block's known cosines, or the border's.
 */
export function readPreview(
  module: WebAssembly.Module,
  header: Header,
  file: Uint8Array,
): Preview | undefined {
  if (file.length < previewFrom(header) + tableBytes(header, true)) return;
  const { size, pitch, colours: many } = header;
  const [columns, rows] = size.map((pixels) => new Axis(pixels, pitch).cells) as [number, number];
  // Coders of one frequency know means alone, and take little memory.
  const strips = new Strips(module, header, file.subarray(header.start), [0], 1);
  const [{ matrix, border }, { width }] = [
    readColours(strips.first, many),
    readStep(strips.first, undefined),
  ];
  if (width < LEAST_WIDTH) return;
  strips.level(width);
  const [down, across] = [sumsOf(rows, pitch), sumsOf(columns, pitch)];
  const [means, colours] = [joined(strips.known().values), new Float32Array(rows * columns * many)];
  for (let cell = 0, at = 0; cell < rows * columns; cell++) {
    const [row, column] = [Math.floor(cell / columns), cell % columns];
    const scale = (WORTH * pitch) / 2 / ((down[row] as number) * (across[column] as number));
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

/** The lowest cosines of cells along an axis at its native pixels: calls `take` with each cell, pixel and value. */
function lowest(cells: number, pitch: number, take: (cell: number, pixel: number, value: number) => void) {
  const own = new Axis(cells * pitch, pitch);
  const at = axis(own.pixels);
  for (let pixel = 0; pixel < own.pixels; pixel += 8) {
    const { start, values } = own.cosines(at.subarray(pixel, pixel + 8), 1);
    for (const [k, value] of values.entries()) take(start + (k >> 3), pixel + (k & 7), value);
  }
}

/** Of each cell along an axis, the sum of its lowest cosine: what its mean is where the picture is 1. */
function sumsOf(cells: number, pitch: number): Float64Array {
  const sums = new Float64Array(cells);
  lowest(cells, pitch, (cell, _, value) => {
    sums[cell] = (sums[cell] as number) + value;
  });
  return sums;
}

/** Where along an axis the first cell's mean is: the centre of gravity of a cosine away from borders. */
function offsetOf(pitch: number): number {
  let [sum, moment] = [0, 0];
  lowest(3, pitch, (cell, pixel, value) => {
    if (cell !== 1) return;
    sum += value;
    moment += value * (pixel + 0.5);
  });
  return moment / sum - pitch;
}

/** Draws a preview; samples that are farther apart than cells are no averages. */
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
      for (let k = 0; k < line.length; k++) line[k] = 255 * mixed(colours, k, down, row);
      for (let column = 0; column < x.length; column++, to += 4)
        if (many === 1) pixels.fill(mixed(line, 0, across, column), to, to + 3);
        else for (let k = 0; k < many; k++) pixels[to + k] = mixed(line, k, across, column);
    }
    return pixels;
  };
}

/** Four neighbours of each of some places: where their values are, and their weights. */
interface Taps {
  at: Int32Array;
  weights: Float32Array;
}

/** Cubic convolution (Keys 1981) at places between cells, which are so many values apart and go on beyond both ends. */
function taps(places: Float64Array, cells: number, stride: number): Taps {
  const [at, weights] = [new Int32Array(4 * places.length), new Float32Array(4 * places.length)];
  places.forEach((place, k) => {
    const first = Math.floor(place);
    const t = place - first;
    const [square, cube] = [t * t, t ** 3];
    const own = [-t + 2 * square - cube, 2 - 5 * square + 3 * cube, t + 4 * square - 3 * cube, cube - square];
    own.forEach((weight, tap) => {
      at[4 * k + tap] = stride * Math.min(Math.max(first + tap - 1, 0), cells - 1);
      weights[4 * k + tap] = weight / 2;
    });
  });
  return { at, weights };
}

/** The value at a place, of those that are `from` behind where each neighbour's are. */
function mixed(values: Float32Array, from: number, { at, weights }: Taps, place: number): number {
  let sum = 0;
  for (let tap = 4 * place; tap < 4 * place + 4; tap++)
    sum += (values[(at[tap] as number) + from] as number) * (weights[tap] as number);
  return sum;
}
