/**
 * The modulated lapped transform of a picture (Malvar 1992), evaluated at arbitrary coordinates.
 *
 * A square lattice of cells covers the picture. Along each axis a cell has cosines under a window that overlaps those of the two
 * adjacent cells; of these the lowest frequencies are kept. The transform is orthonormal.
 */
import type { Latents } from './network.ts';
import type { Context } from './rans.ts';

/** Possible pitches: pixels from one cell to the next. */
export const PITCHES = [16, 32];
/** Least number of frequencies that are kept along each axis. */
export const LEAST_FREQUENCIES = 4;
/** Possible reaches: pixels from a point to the nearest neighbours whose planes are a network's inputs. */
export const REACHES = [1, 2, 3, 4];
/** Prior activity of the code of a cell's mean. */
const MEAN_ACTIVITY = 280;
/** A spacing that exceeds a whole number of native pixels by less than this counts as that number. */
const SPACING_TOLERANCE = 0.01;

/** Cells from `start` up to but excluding `end`. */
export interface Cells {
  start: number;
  end: number;
}

/** The cells along one axis of a picture. Coordinates are in [-1, 1]; the centre of cell i is at position i. */
export class Axis {
  /** Number of cells, the last of which may extend beyond the picture. */
  readonly cells: number;

  constructor(
    readonly pixels: number,
    readonly pitch: number,
  ) {
    this.cells = Math.ceil(pixels / pitch);
  }

  /** The range of cells whose windows are open (not zero) at any of the coordinates. */
  openCells(at: ArrayLike<number>): Cells {
    const positions = Array.from(at, (coordinate) => this.#clipped(this.#position(coordinate)));
    const end = Math.ceil(Math.max(...positions)) + 1;
    return { start: Math.floor(Math.min(...positions)), end: Math.min(end, this.cells) };
  }

  /**
   * Offsets of the points over which a sample is averaged, if samples are `spacing` native pixels apart. Points are at most a native
   * pixel apart, so up to native spacing there is one point (docs/decoding.md).
   */
  around(spacing: number): number[] {
    const count = Math.max(1, Math.ceil(spacing - SPACING_TOLERANCE));
    return Array.from({ length: count }, (_, k) => (((k + 0.5) / count - 0.5) * 2 * spacing) / this.pixels);
  }

  /**
   * Number of frequencies, at most `frequencies`, that are drawn in samples `spacing` native pixels apart. The waves of higher ones are
   * shorter than half of that, so averaging leaves almost nothing of them.
   */
  shown(spacing: number, frequencies: number): number {
    return Math.min(frequencies, Math.max(1, Math.ceil((4 * this.pitch) / spacing - 0.5)));
  }

  /** Windowed cosines, without the factor √(2 / pitch), of the open cells: averaged over each of up to eight samples, [cell, frequency][8]. */
  cosines(at: ArrayLike<number>, frequencies: number, spacing = 1): Cells & { values: Float32Array } {
    const points = this.around(spacing).map((offset) =>
      Float64Array.from(at, (coordinate) => coordinate + offset),
    );
    const all = [...(points[0] as Float64Array), ...(points.at(-1) as Float64Array)];
    const cells = this.openCells(all);
    const values = new Float32Array((cells.end - cells.start) * frequencies * 8);
    for (const own of points) this.#add(own, 1 / points.length, cells.start, frequencies, values);
    return { ...cells, values };
  }

  /** Adds windowed cosines at up to eight coordinates, times a weight, to `values`, whose first cell is `start`. */
  #add(at: Float64Array, weight: number, start: number, frequencies: number, values: Float32Array): void {
    for (let lane = 0; lane < at.length; lane++) {
      const position = this.#position(at[lane] as number);
      // Before the first cell's centre and after the last one's there is no neighbour to overlap, and the window is 1.
      const clipped = this.#clipped(position);
      const first = Math.floor(clipped);
      for (let cell = first; cell < Math.min(first + 2, this.cells); cell++) {
        const window = weight * Math.cos(((clipped - cell) * Math.PI) / 2);
        const angle = ((position - cell + 1.5) * Math.PI) / 2;
        // cos (2k + 1)a = 2 cos 2a · cos (2k - 1)a - cos (2k - 3)a
        const double = 2 * Math.cos(2 * angle);
        let [before, now] = [Math.cos(angle), Math.cos(angle)];
        for (let k = 0, to = (cell - start) * frequencies * 8 + lane; k < frequencies; k++, to += 8) {
          values[to] = (values[to] as number) + now * window;
          const next = double * now - before;
          before = now;
          now = next;
        }
      }
    }
  }

  #position(coordinate: number): number {
    return ((coordinate + 1) * this.pixels) / 2 / this.pitch - 0.5;
  }

  #clipped(position: number): number {
    return Math.min(Math.max(position, 0), this.cells - 1);
  }
}

/** Numbers of cells along and across the scan, in a picture of this width and height. */
export function lattice([width, height]: [number, number], pitch: number, down: boolean): [number, number] {
  const [columns, rows] = [Math.ceil(width / pitch), Math.ceil(height / pitch)];
  return down ? [rows, columns] : [columns, rows];
}

/** The value of a code, in steps. */
export function valueOfCode({ magnitudes }: Latents, code: number): number {
  return Math.sign(code) * (magnitudes[Math.abs(code)] as number);
}

/** Sums up the cells' means, whose codes are differences along the scan: [plane, along, across], in steps. */
export function meansOf(latents: Latents): Float64Array {
  const [{ codes }, [along, across, order]] = [latents, latents.shape];
  const means = new Float64Array(codes.length / order ** 2);
  for (let cell = 0; cell < means.length; cell++) {
    const isFirst = Math.floor(cell / across) % along === 0;
    means[cell] =
      valueOfCode(latents, codes[cell * order ** 2] as number) +
      (isFirst ? 0 : (means[cell - across] as number));
  }
  return means;
}

/** An input of a network: a plane at an offset from the point, in units of `Latents.reach`. */
export interface LatentInput {
  plane: number;
  right: number;
  down: number;
}

const SIDES = [
  [-1, 0],
  [0, -1],
  [0, 1],
  [1, 0],
] as const;
const CORNERS = [
  [-1, -1],
  [-1, 1],
  [1, -1],
  [1, 1],
] as const;

const around = (plane: number, places: typeof SIDES | typeof CORNERS, distance = 1): LatentInput[] =>
  places.map(([right, down]) => ({ plane, right: distance * right, down: distance * down }));

/** The inputs from a point's neighbours, in order. */
const NEIGHBOURS = [
  ...around(0, SIDES),
  ...around(0, CORNERS),
  ...[1, 2].flatMap((plane) => around(plane, SIDES)),
  ...around(0, SIDES, 2),
  ...[1, 2].flatMap((plane) => around(plane, CORNERS)),
];

/**
 * The inputs of a network's first channels, in order: all planes at the point, then planes at its neighbours.
 *
 * The input from a neighbour is the difference of its plane from the same plane at the point, 0 for a plane that the picture does not
 * have. All remaining channels, always including the last one, are constant: π/2.
 */
export function inputsOf(channels: number, planes: number): LatentInput[] {
  const here = Array.from({ length: planes }, (_, plane) => ({ plane, right: 0, down: 0 }));
  return [...here, ...NEIGHBOURS].slice(0, channels - 1);
}

/** The context model of `.onnx` codes: earlier codes of similar frequencies in the same cell and in the one before. */
export function context(order: number): Context {
  const cell = order ** 2;
  const weights = new Map([
    [order + 1, 2],
    [cell, 15],
    [cell + 1, 3],
  ]);
  // With few frequencies some of these distances coincide, and their weights add up.
  const add = (distance: number, weight: number) =>
    weights.set(distance, (weights.get(distance) ?? 0) + weight);
  [12, 5, 2, 1, 1, 1].forEach((weight, k) => {
    add(k + 1, weight);
    add((k + 1) * order, weight);
  });
  return { weights, prior: Int32Array.from({ length: cell }, (_, k) => (k === 0 ? MEAN_ACTIVITY : 0)) };
}
