/** Draws the planes of a lapped transform at samples and at the neighbours that are a network's inputs (docs/decoding.md). */
import { type Kernel, PANEL } from '../kernel.ts';
import { Axis, type Cells, inputsOf, meansOf } from '../lapped_transform.ts';
import { channelsOf, coloursOf, type Latents, type Network } from '../network.ts';

/** Coordinates along an axis in panels of eight: those of samples, and in margins before and after them those of neighbours. */
export interface Line extends Cells {
  /** For each panel, the address of its windowed cosines, [cell, frequency][8], and the cells that are open there. */
  panels: (Cells & { at: number })[];
  /** Number of frequencies of each cell. */
  frequencies: number;
  /** Number of coordinates before the first sample's, a multiple of 8. */
  margin: number;
  /** Number of panels with samples, which follow the margin. */
  count: number;
  /** Index distance between a sample and its nearest neighbours. */
  shift: number;
}

/** Planes as pictures in the kernel's memory. */
export interface Pictures {
  /** Address of each plane's first sample. */
  at: number[];
  /** Bytes from one row to the next. */
  pitch: number;
}

/** Where neighbours coincide with samples, the nearest ones are at most this many samples away. */
const FARTHEST = 8;
/** Tolerance of coordinates in float32. */
const ROUNDING = 2 ** -23;

/** Prepares the planes of a network's latents for drawing. */
export function openPlanes(kernel: Kernel, network: Network) {
  const { run } = kernel;
  const latents = network.latents as Latents;
  const axes = network.size.map((pixels) => new Axis(pixels, latents.pitch)) as [Axis, Axis];
  const [means, worth] = [meansOf(latents), (latents.step * 2) / latents.pitch];
  const codes = kernel.put(latents.codes);
  const worths = kernel.put(latents.magnitudes.map((magnitude) => magnitude * worth));
  const seen = inputsOf(channelsOf(network), coloursOf(network));
  const farthest = Math.max(0, ...seen.flatMap(({ right, down }) => [Math.abs(right), Math.abs(down)]));
  // For each plane and for columns at least 0, 1 and 2 shifts away: the distance, in shifts, of the farthest row of inputs; -1 if none.
  const rowsSeen = Array.from({ length: coloursOf(network) }, (_, plane) =>
    [0, 1, 2].map((columns) => {
      const own = seen.filter((place) => place.plane === plane && Math.abs(place.right) >= columns);
      return Math.max(-1, ...own.map(({ down }) => Math.abs(down)));
    }),
  );

  /** Prepares the coordinates along an axis, 0 for x and 1 for y, of samples that are `spacing` native pixels apart. */
  function lineOf(axis: 0 | 1, samples: Float32Array, spacing: number): Line {
    const [own, reach] = [axes[axis], (2 * latents.reach) / (network.size[axis] as number)];
    const frequencies = own.shown(spacing, latents.shape[2]);
    const { coordinates, margin, shift } = besides(samples, reach, farthest);
    const panels = Array.from({ length: coordinates.length / 8 }, (_, panel) => {
      const { values, ...cells } = own.cosines(
        coordinates.subarray(panel * 8, panel * 8 + 8),
        frequencies,
        spacing,
      );
      return { ...cells, at: kernel.put(values) };
    });
    const [start, end] = [panels.map((own) => own.start), panels.map((own) => own.end)];
    const cells = { start: Math.min(...start), end: Math.max(...end) };
    return { ...cells, panels, frequencies, margin, count: Math.ceil(samples.length / 8), shift };
  }

  /** Writes a plane's coefficients of all open cells to an address, as `count` floats: [column function / 8][row function][8]. */
  function writeCoefficients(plane: number, columns: Line, rows: Line, to: number, count: number): void {
    const { down, shape } = latents;
    const [along, across, order] = shape;
    const [first, second] = down ? [rows, columns] : [columns, rows];
    const height = (rows.end - rows.start) * rows.frequencies;
    const floats = kernel.floats(to, count).fill(0);
    for (let a = first.start; a < first.end; a++) {
      const cell = (plane * along + a) * across;
      const place = (a - first.start) * first.frequencies;
      run.coefficients(
        ...[codes + (cell + second.start) * order ** 2 * 2, second.end - second.start, order],
        ...[first.frequencies, second.frequencies, worths, to, height],
        ...(down ? [0, place] : [place, 0]),
        Number(down),
      );
      for (let b = second.start; b < second.end; b++) {
        const beside = (b - second.start) * second.frequencies;
        const [column, row] = down ? [beside, place] : [place, beside];
        floats[((column >> 3) * height + row) * 8 + (column & 7)] = (means[cell + b] as number) * worth;
      }
    }
  }

  /** Draws each plane at the samples and at the neighbours where it is an input. */
  function draw(columns: Line, rows: Line): Pictures {
    const [groups, height] = [
      Math.ceil(((columns.end - columns.start) * columns.frequencies) / 8),
      (rows.end - rows.start) * rows.frequencies,
    ];
    const [pitch, step] = [columns.panels.length * PANEL, groups * 8 * PANEL];
    const coefficients = kernel.take(groups * height * 8);
    // Coefficients times row functions: for eight rows each, [row / 8][column function][8].
    const sums = kernel.take((rows.panels.length * step) / 4);
    const at = rowsSeen.map((reach, plane) => {
      writeCoefficients(plane, columns, rows, coefficients, groups * height * 8);
      const tall = within(rows, reach[0] as number);
      for (let k = tall.first; k < tall.end; k++) {
        const [own, inner, skipped] = reaching(rows, k);
        const to = sums + k * step;
        run.multiply(own, coefficients + skipped, 0, to, inner, groups * 8, 1, 0, height * PANEL, PANEL, 0);
      }
      const picture = kernel.take((rows.panels.length * 8 * pitch) / 4);
      for (let k = 0; k < columns.panels.length; k++) {
        const { first, end } = within(rows, reach[shiftsTo(columns, k)] as number);
        if (end <= first) continue;
        const [own, inner, skipped] = reaching(columns, k);
        const to = picture + first * 8 * pitch + k * PANEL;
        const from = sums + first * step + skipped;
        run.multiply(own, from, 0, to, inner, (end - first) * 8, 1, 0, step, pitch, 0);
      }
      return picture + rows.margin * pitch + columns.margin * 4;
    });
    return { at, pitch };
  }

  return { lineOf, draw };
}

/** The panels of samples and of coordinates up to `shifts` shifts away from them; none if `shifts` is negative. */
function within({ margin, count, shift }: Line, shifts: number): { first: number; end: number } {
  const more = Math.ceil((shifts * shift) / 8);
  return { first: margin / 8 - more, end: shifts < 0 ? 0 : margin / 8 + count + more };
}

/** Distance from the samples to a panel's nearest coordinate, in shifts, rounded up. */
function shiftsTo({ margin, count, shift }: Line, k: number): number {
  const [before, after] = [margin - 8 * k - 7, 8 * (k - count) - margin + 1];
  return Math.ceil(Math.max(before, after, 0) / shift);
}

/** Address of a panel's cosines, the number of functions, and the bytes of the line's functions before the first of these. */
function reaching({ panels, start, frequencies }: Line, k: number): [number, number, number] {
  const own = panels[k] as Line['panels'][number];
  return [own.at, (own.end - own.start) * frequencies, (own.start - start) * frequencies * PANEL];
}

/**
 * Coordinates of samples, with those of their neighbours before and after them, up to `farthest` times `distance` away, in whole
 * panels of eight.
 *
 * If samples are so even that neighbours coincide with samples, the margins are a few more of these. Otherwise the margins are
 * copies of all samples, shifted by multiples of the distance, the farthest ones first and last.
 */
function besides(samples: Float32Array, distance: number, farthest: number) {
  const [first = 0, last = 0, { length }] = [samples[0], samples.at(-1), samples];
  const steps = Math.round((distance * (length - 1)) / (last - first));
  const isNext = (sample: number, k: number) => Math.abs(first + (k * distance) / steps - sample) <= ROUNDING;
  const isEven = steps > 0 && steps <= FARTHEST && samples.every(isNext);
  const padded = Math.ceil(length / 8) * 8;
  const shift = isEven ? steps : padded;
  const margin = Math.ceil((farthest * shift) / 8) * 8;
  const coordinates = Float64Array.from({ length: padded + 2 * margin }, (_, at) => {
    const k = at - margin;
    if (isEven) return samples[k] ?? first + (k * distance) / steps;
    const side = Math.floor(k / padded);
    return (samples[k - side * padded] ?? last) + side * distance;
  });
  return { coordinates, margin, shift };
}
