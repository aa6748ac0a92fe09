/**
 * A lapped transform under a small network of sine layers, which corrects some of the error of coarse codes:
 * h₁ = [planes at the point, differences of plane 0 to its neighbours, π/2 …], hₗ₊₁ = h₁ + sin(hₗ Wₗ).
 */
import { type Draw, type Kernel, PANEL } from '../kernel.ts';
import { Axis, BESIDE, type Cells, meansOf, seenBy, worthOf } from '../lapped_transform.ts';
import { channelsOf, coloursOf, type Latents, type Network } from '../network.ts';
import { type Family, LEAN_MATRICES } from './family.ts';
import { TILE } from './filter_network.ts';
import { apply, headOf, hiddenLayers } from './layers.ts';

const CONSTANT = Math.PI / 2;

/** The cosines of eight coordinates, [cell, frequency][8], for cells that are open there, in the kernel's memory. */
type Placed = Cells & { at: number };

/** Those of all coordinates, eight after eight, by distance in units of the reach; all their cells, and how many frequencies. */
type Beside = Cells & { of: Map<number, Placed[]>; frequencies: number };

function open(kernel: Kernel, network: Network): Draw {
  const latents = network.latents as Latents;
  const [hidden, head] = [hiddenLayers(kernel, network, 1 / Math.PI), headOf(kernel, network)];
  const [channels, order, { run }] = [head.weights.columns, latents.shape[2], kernel];
  const planes = coloursOf(network);
  const seen = seenBy(channelsOf(network), planes);
  const axes = network.size.map((pixels) => new Axis(pixels, latents.pitch)) as [Axis, Axis];
  const write = writerOf(latents);

  function beside(axis: 0 | 1, at: Float32Array, spacing: number): Beside {
    const frequencies = axes[axis].shown(spacing, order);
    const shift = (2 * latents.reach) / (network.size[axis] as number);
    const place = (distance: number) =>
      Array.from({ length: Math.ceil(at.length / 8) }, (_, panel) => {
        const own = at.subarray(panel * 8, panel * 8 + 8);
        const moved = Float64Array.from(own, (coordinate) => coordinate + distance * shift);
        const { values, ...cells } = axes[axis].cosines(moved, frequencies, spacing);
        return { at: kernel.put(values), ...cells };
      });
    const of = new Map(BESIDE.map((distance) => [distance, place(distance)]));
    const all = [...of.values()].flat();
    const [starts, ends] = [all.map(({ start }) => start), all.map(({ end }) => end)];
    return { of, start: Math.min(...starts), end: Math.max(...ends), frequencies };
  }

  function draw(columns: Beside, rows: Beside, lines: number, out: number, pitch: number): void {
    const [across, below] = [columns.frequencies, rows.frequencies];
    const groups = Math.ceil(((columns.end - columns.start) * across) / 8);
    const height = (rows.end - rows.start) * below;
    // Of each plane, coefficients of column and row functions, [columns / 8][rows][8].
    const coefficients = Array.from({ length: planes }, (_, plane) => {
      const at = kernel.take(groups * height * 8);
      write(plane, columns, rows, kernel.floats(at, groups * height * 8).fill(0));
      return at;
    });
    // Of each plane and distance down, what eight rows take of the column functions, [columns][8].
    const sums = new Map(seen.map(({ plane, down }) => [`${plane} ${down}`, kernel.take(groups * 64)]));
    const [base, a, b] = [0, 1, 2].map(() => kernel.take(TILE * channels * 64)) as [number, number, number];
    fillConstants(base);
    for (let row = 0; row < lines; row += 8) {
      sumRows(row / 8);
      for (let panel = 0; panel < pitch / PANEL; panel += TILE) drawTile(row, panel);
    }

    function sumRows(eight: number): void {
      for (const [kind, to] of sums) {
        const [plane, down] = kind.split(' ').map(Number) as [number, number];
        const { at, start, end } = placed(rows, down, eight);
        const from = (coefficients[plane] as number) + (start - rows.start) * below * PANEL;
        run.multiply(at, from, 0, to, (end - start) * below, groups * 8, 1, height * PANEL, PANEL, 0);
      }
    }

    function drawTile(row: number, panel: number): void {
      const count = Math.min(TILE, pitch / PANEL - panel);
      const size = channels * PANEL;
      seen.forEach(({ plane, right, down }, channel) => {
        const sum = sums.get(`${plane} ${down}`) as number;
        for (let k = 0; k < count; k++) {
          const { at, start, end } = placed(columns, right, panel + k);
          const from = sum + (start - columns.start) * across * PANEL;
          const to = base + k * size + channel * PANEL;
          run.multiply(at, from, 0, to, (end - start) * across, 8, 1, 0, count * size, 0);
        }
      });
      seen.forEach(({ right, down }, channel) => {
        if (right || down) run.subtract(base + channel * PANEL, base, size, 8 * count);
      });
      // [row][panel][channel][8].
      let [from, to] = [base, a];
      for (const layer of hidden) {
        apply(kernel, layer, from, to, 8 * count);
        run.sines(to, 8 * count * channels, base, 16);
        [from, to] = [to, to === a ? b : a];
      }
      apply(kernel, head, from, to, 8 * count);
      for (let k = 0; k < Math.min(8, lines - row); k++)
        run.pixels(to + k * count * 4 * PANEL, out + (row + k) * pitch + panel * PANEL, count);
    }
  }

  /** Channels that see nothing, of a tile's panels. */
  function fillConstants(base: number): void {
    const floats = kernel.floats(base, TILE * channels * 64).fill(0);
    for (let panel = 0; panel < 8 * TILE; panel++) {
      const from = panel * channels * 8;
      floats.fill(CONSTANT, from + seen.length * 8, from + channelsOf(network) * 8);
    }
  }

  const columnsAt = kernel.keeping((x, spacing: number) => beside(0, x, spacing));
  return (x, y, [across, down] = [1, 1]) => {
    const columns = columnsAt(x, across);
    return kernel.picture(x.length, y.length, (out, pitch) =>
      draw(columns, beside(1, y, down), y.length, out, pitch),
    );
  };
}

const placed = ({ of }: Beside, distance: number, eight: number) =>
  (of.get(distance) as Placed[])[eight] as Placed;

/** Writes a plane's coefficients of some cells where zeros are, as [column function / 8][row function][8]. */
function writerOf(latents: Latents) {
  const { codes, shape, down } = latents;
  const [along, across, order] = shape;
  const [means, worth] = [meansOf(latents), (latents.step * 2) / latents.pitch];
  return (plane: number, columns: Beside, rows: Beside, to: Float32Array): void => {
    const [wide, high] = [columns.frequencies, rows.frequencies];
    const height = (rows.end - rows.start) * high;
    const [most, others] = down ? [high, wide] : [wide, high];
    for (let column = columns.start; column < columns.end; column++)
      for (let row = rows.start; row < rows.end; row++) {
        const [a, b] = down ? [row, column] : [column, row];
        const cell = (plane * along + a) * across + b;
        const [x, y] = [(column - columns.start) * wide, (row - rows.start) * high];
        const put = (i: number, j: number, value: number) => {
          const [right, below] = down ? [x + j, y + i] : [x + i, y + j];
          to[((right >> 3) * height + below) * 8 + (right & 7)] = value * worth;
        };
        for (let i = 0; i < most; i++)
          for (let j = 0, at = (cell * order + i) * order; j < others; j++, at++) {
            const code = codes[at] as number;
            if (code !== 0) put(i, j, worthOf(latents, code));
          }
        put(0, 0, means[cell] as number);
      }
  };
}

export const LAPPED: Family = { fields: LEAN_MATRICES, open, hasLatents: true };
