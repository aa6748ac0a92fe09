/**
 * Evaluates networks that multiply filters: h₁ = g₁, hₗ₊₁ = (hₗ Wₗ + bₗ) ∘ gₗ₊₁, and a last layer z = h W + b. This is all of a
 * multiplicative filter network, and in a SIREN the arguments of its second sines.
 *
 * As z is smooth, it is evaluated at a tile's Chebyshev nodes and interpolated to its pixels wherever that takes clearly fewer
 * multiply-adds (bench/NOTES.md, "few points for many pixels").
 */
import { interpolation, nodes } from '../chebyshev.ts';
import { type Draw, type Kernel, type Matrix, ONES, PANEL } from '../kernel.ts';
import { type Axis, type Bank, nodesFor, waveTable } from './filters.ts';
import { apply, type Layer } from './layers.ts';

interface FilterNetwork {
  banks: Bank[];
  /** One layer after each bank; the last one gives z. */
  layers: Layer[];
  /**
   * Draws panels of eight pixels at address `out`, given their z, [panel][output][8], which it may overwrite, also with four colours
   * instead of fewer outputs.
   */
  finish(z: number, panels: number, out: number): void;
}

/** Panels that are evaluated at a time, so that their channels stay in the processor's cache. */
export const TILE = 8;

/** How a picture is divided into tiles, each of which has all rows. */
interface Tiling {
  /** Columns of a tile. */
  columns: number;
  /** Nodes of a tile across. */
  across: number;
  /** Nodes of a tile down, a multiple of 8. */
  down: number;
}
/** Numbers of columns to choose from. */
const WIDTHS = [256, 128, 64];
/** Multiply-adds that take as long as one filter. */
const FILTER_COST = 16;
/** Interpolation is used if it costs less than this share of evaluating all pixels: it has costs, as for tables, that are not counted. */
const WORTHWHILE = 0.7;

/** Draws rows at address `out`, `pitch` bytes apart, for columns that are already prepared. */
type DrawRows = (y: Float32Array, out: number, pitch: number) => void;

export function openFilterNetwork(kernel: Kernel, { banks, layers, finish }: FilterNetwork): Draw {
  const { run } = kernel;
  const last = layers.at(-1) as Layer;
  const [channels, outputs] = [last.weights.columns, last.weights.rows];
  const known = new Map<string, number>();

  /**
   * Evaluates the last layer's inputs at panels of eight points that share a row or a column. `lanes` has the address of each bank's
   * waves at the points' own coordinates, `others` at the shared one. Returns the one of two buffers that holds the result.
   */
  function evaluate(lanes: number[], others: number[], panels: number, [a, b]: [number, number]): number {
    let [from, to] = [a, b];
    banks.forEach((_, bank) => {
      const layer = layers[bank - 1];
      if (layer) apply(kernel, layer, from, to, panels);
      else to = from;
      const factors = layer ? [to, 16] : [ONES, 0];
      run.waves(...factors, lanes[bank] as number, others[bank] as number, to, channels, panels);
      [from, to] = [to, from === to ? b : from];
    });
    return from;
  }

  const buffers = (panels: number): [number, number] => [
    kernel.take(panels * channels * 8),
    kernel.take(panels * channels * 8),
  ];

  /** Draws by evaluating every pixel. */
  function atPixels(x: Float32Array): DrawRows {
    const panels = Math.ceil(x.length / 8);
    const lanes = banks.map((bank) => waveTable(kernel, bank, 0, x, 8));
    return (y, out, pitch) => {
      const rows = banks.map((bank) => waveTable(kernel, bank, 1, y, 1));
      const [both, z] = [buffers(TILE), kernel.take(TILE * (outputs + 3) * 8)];
      for (let row = 0; row < y.length; row++)
        for (let panel = 0; panel < panels; panel += TILE) {
          const count = Math.min(TILE, panels - panel);
          const own = lanes.map((at) => at + panel * channels * 2 * PANEL);
          const others = rows.map((at) => at + row * channels * 8);
          apply(kernel, last, evaluate(own, others, count, both), z, count);
          finish(z, count, out + row * pitch + panel * PANEL);
        }
    };
  }

  /** Draws by evaluating at nodes and interpolating. */
  function atNodes(x: Float32Array, { columns, across, down }: Tiling): DrawRows {
    const tiles = stretches(x, columns).map((stretch) => {
      const own = nodes(stretch, across);
      const others = banks.map((bank) => waveTable(kernel, bank, 0, own, 1));
      return { panels: Math.ceil(stretch.length / 8), others, weights: interpolating(stretch, across) };
    });
    const [points, groups] = [across * down, Math.ceil(outputs / 8)];
    return (y, out, pitch) => {
      const own = nodes(y, down);
      const lanes = banks.map((bank) => waveTable(kernel, bank, 1, own, 8));
      const weights = interpolating(y, down);
      // [output / 8][node across][node down][8].
      const values = kernel.take(groups * points * 8);
      const [both, z, eight] = [
        buffers(down / 8),
        kernel.take(TILE * (outputs + 3) * 8),
        kernel.take(64 * groups * across),
      ];
      tiles.forEach((tile, k) => {
        for (let node = 0; node < across; node++) {
          const others = tile.others.map((at) => at + node * channels * 8);
          const from = evaluate(lanes, others, down / 8, both);
          const to = values + node * down * PANEL;
          const { at } = last.weights;
          const step = channels * PANEL;
          run.multiply(at, from, 0, to, channels, down, groups, step, step, PANEL, points * PANEL);
        }
        for (let row = 0; row < y.length; row++) {
          const size = groups * across * PANEL;
          if (row % 8 === 0) {
            const from = weights.at + row * down * 4;
            run.multiply(values, from, 0, eight, down, 8, groups * across, down * PANEL, 0, size, PANEL);
          }
          for (let panel = 0; panel < tile.panels; panel += TILE) {
            const count = Math.min(TILE, tile.panels - panel);
            const [at, own] = [tile.weights.at + panel * across * PANEL, eight + (row % 8) * size];
            const step = across * PANEL;
            run.multiply(at, own, last.bias, z, across, outputs, count, step, step, PANEL, outputs * PANEL);
            finish(z, count, out + row * pitch + k * columns * 4 + panel * PANEL);
          }
        }
      });
    };
  }

  /** The interpolation matrix of a stretch, [coordinates, nodes]. */
  function interpolating(stretch: Float32Array, count: number): Matrix {
    const weights = interpolation(stretch, count);
    return kernel.matrix(stretch.length, count, (k, node) => weights[node * stretch.length + k] as number);
  }

  /** The tiling that takes the fewest multiply-adds; undefined if evaluating all pixels is better. */
  function chooseTiling(x: Float32Array, y: Float32Array): Tiling | undefined {
    if (!rises(x) || !rises(y)) return;
    const each = (layers.length - 1) * channels ** 2 + channels * (outputs + FILTER_COST * banks.length);
    let best: Tiling | undefined;
    let least = WORTHWHILE * each;
    const down = Math.ceil(needed(1, y, y.length) / 8) * 8;
    for (const columns of WIDTHS.filter((columns) => columns < 2 * x.length)) {
      const across = needed(0, x, columns);
      const share = (across * down) / columns;
      const cost = share * (each / y.length + outputs) + outputs * across;
      if (cost < least) [least, best] = [cost, { columns, across, down }];
    }
    return best;
  }

  /** Nodes that any stretch of `size` coordinates needs; lengths are rounded up, so that slightly different zooms share a result. */
  function needed(axis: Axis, coordinates: Float32Array, size: number): number {
    const lengths = stretches(coordinates, size).map((own) => (own.at(-1) ?? 0) - (own[0] ?? 0));
    const length = 2 ** (Math.ceil(4 * Math.log2(Math.max(...lengths, 1e-9))) / 4);
    const key = `${axis} ${length}`;
    // Only the last layer's gain counts: in a filter network the colours are quotients, which undo the gain of hidden layers.
    const count = known.get(key) ?? nodesFor(banks, axis, length / 2, last.gain);
    known.set(key, count);
    return count;
  }

  const rowsAt = kernel.keeping((x, tiling: Tiling | undefined) =>
    tiling ? atNodes(x, tiling) : atPixels(x),
  );
  return (x, y) => {
    const draw = rowsAt(x, chooseTiling(x, y));
    return kernel.picture(x.length, y.length, (out, pitch) => draw(y, out, pitch));
  };
}

/** Splits coordinates into stretches of equal length, but for the last one, which may be shorter. */
function stretches(x: Float32Array, columns: number): Float32Array[] {
  return Array.from({ length: Math.ceil(x.length / columns) }, (_, k) =>
    x.subarray(k * columns, (k + 1) * columns),
  );
}

const rises = (coordinates: Float32Array) =>
  coordinates.every((value, k) => k === 0 || value > (coordinates[k - 1] as number));
