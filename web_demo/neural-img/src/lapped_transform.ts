/**
 * The modulated lapped transform of a picture, evaluated at any coordinates (Malvar 1992).
 *
 * A square lattice of cells covers the picture. Along each axis a cell has cosines of its lowest frequencies, under a window
 * that overlaps those of the two cells beside it; the transform is orthonormal.
 */
import type { Latents } from './network.ts';
import type { Context } from './rans.ts';

/** Pixels from one cell to the next. */
export const PITCHES = [16, 32];
/** Frequencies that are kept along each axis, at least. */
export const FEWEST = 4;
/** Pixels from a point to the nearest neighbours at which a network sees planes. */
export const REACHES = [1, 2, 3, 4];
/** Prior activity of the code of a cell's mean. */
const MEAN_ACTIVITY = 280;
/** So many native pixels more than a whole number between samples are as good as none. */
const HARDLY = 0.01;

/** Cells from `start` to before `end`. */
export interface Cells {
  start: number;
  end: number;
}

/** The cells along one axis of a picture, whose coordinates are in [-1, 1]: at position i is the middle of cell i. */
export class Axis {
  /** The last one may reach beyond the picture. */
  readonly cells: number;

  constructor(
    readonly pixels: number,
    readonly pitch: number,
  ) {
    this.cells = Math.ceil(pixels / pitch);
  }

  /** The cells whose windows are not zero at all of the coordinates. */
  openCells(at: ArrayLike<number>): Cells {
    const positions = Array.from(at, (coordinate) => this.#clipped(this.#position(coordinate)));
    const end = Math.ceil(Math.max(...positions)) + 1;
    return { start: Math.floor(Math.min(...positions)), end: Math.min(end, this.cells) };
  }

  /**
   * Distances of the points over which a sample is averaged, where samples are `spacing` pixels apart. Points are at most a
   * native pixel apart, so that close samples are one point (docs/decoding.md).
   */
  around(spacing: number): number[] {
    const count = Math.max(1, Math.ceil(spacing - HARDLY));
    return Array.from({ length: count }, (_, k) => (((k + 0.5) / count - 0.5) * 2 * spacing) / this.pixels);
  }

  /**
   * Of so many frequencies, those that samples `spacing` pixels apart show: of the others, whose waves are shorter than half of
   * that, averages have next to nothing left.
   */
  shown(spacing: number, frequencies: number): number {
    return Math.min(frequencies, Math.max(1, Math.ceil((4 * this.pitch) / spacing - 0.5)));
  }

  /** Windowed cosines of the cells that are open at up to eight samples, averages over these, [cell, frequency][8]. */
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

  /** Adds windowed cosines, times a weight, at up to eight coordinates, to those of the cells from `start` on. */
  #add(at: Float64Array, weight: number, start: number, frequencies: number, values: Float32Array): void {
    for (let lane = 0; lane < at.length; lane++) {
      const position = this.#position(at[lane] as number);
      // Before the first and after the last middle, where there is no neighbour to overlap, windows are 1.
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

/** Numbers of cells along and across the scan. */
export function lattice([width, height]: [number, number], pitch: number, down: boolean): [number, number] {
  const [columns, rows] = [Math.ceil(width / pitch), Math.ceil(height / pitch)];
  return down ? [rows, columns] : [columns, rows];
}

/** What a code of these latents stands for, in steps. */
export function worthOf({ magnitudes }: Latents, code: number): number {
  return Math.sign(code) * (magnitudes[Math.abs(code)] as number);
}

/** Means of cells, in steps, [plane, along, across]: their codes are differences along the scan. */
export function meansOf(latents: Latents): Float64Array {
  const [{ codes }, [along, across, order]] = [latents, latents.shape];
  const means = new Float64Array(codes.length / order ** 2);
  for (let cell = 0; cell < means.length; cell++) {
    const isFirst = Math.floor(cell / across) % along === 0;
    means[cell] =
      worthOf(latents, codes[cell * order ** 2] as number) + (isFirst ? 0 : (means[cell - across] as number));
  }
  return means;
}

/** A plane at some distance from a point, in units of `Latents.reach`. */
export interface Seen {
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

const around = (plane: number, places: typeof SIDES | typeof CORNERS, distance = 1): Seen[] =>
  places.map(([right, down]) => ({ plane, right: distance * right, down: distance * down }));

/** What networks see beside a point, in order. */
const BESIDE = [
  ...around(0, SIDES),
  ...around(0, CORNERS),
  ...[1, 2].flatMap((plane) => around(plane, SIDES)),
  ...around(0, SIDES, 2),
  ...[1, 2].flatMap((plane) => around(plane, CORNERS)),
];

/**
 * What the first of a network's channels see, in order: all planes at the point, then planes beside it.
 *
 * Beside the point they see by how much a plane differs there from what it is at the point, which is 0 for a plane that the picture
 * does not have. The last channel, and those for which nothing is left to see, are constant: π/2.
 */
export function seenBy(channels: number, planes: number): Seen[] {
  const here = Array.from({ length: planes }, (_, plane) => ({ plane, right: 0, down: 0 }));
  return [...here, ...BESIDE].slice(0, channels - 1);
}

/** The context model of the codes: earlier ones of like frequency in the same cell and in the one before. */
export function context(order: number): Context {
  const cell = order ** 2;
  const weights = new Map([
    [order + 1, 2],
    [cell, 15],
    [cell + 1, 3],
  ]);
  // Where there are few frequencies, some of these distances are equal.
  const add = (distance: number, weight: number) =>
    weights.set(distance, (weights.get(distance) ?? 0) + weight);
  [12, 5, 2, 1, 1, 1].forEach((weight, k) => {
    add(k + 1, weight);
    add((k + 1) * order, weight);
  });
  return { weights, prior: Int32Array.from({ length: cell }, (_, k) => (k === 0 ? MEAN_ACTIVITY : 0)) };
}
