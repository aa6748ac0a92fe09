/**
 * A lapped transform under a small network of sine layers, which corrects some of the error of coarse codes:
 * h₁ = [planes at the point, differences of plane 0 to its neighbours, π/2 …], hₗ₊₁ = h₁ + sin(hₗ Wₗ).
 */
import { type Draw, type Kernel, PANEL } from '../kernel.ts';
import { type Seen, seenBy } from '../lapped_transform.ts';
import { channelsOf, coloursOf, type Network } from '../network.ts';
import { type Family, LEAN_MATRICES } from './family.ts';
import { apply, headOf, hiddenLayers, type Layer } from './layers.ts';
import { type Line, openPlanes } from './planes.ts';

const CONSTANT = Math.PI / 2;

/** Panels' channels that go through all layers together, so that they stay in the processor's cache. */
const TILE = 384;

function open(kernel: Kernel, network: Network): Draw {
  const { run } = kernel;
  const planes = coloursOf(network);
  const seen = seenBy(channelsOf(network), planes);
  const [first, ...others] = hiddenLayers(kernel, network, 1 / Math.PI);
  const layers = [seeing(kernel, first as Layer, seen, channelsOf(network)), ...others];
  const head = headOf(kernel, network);
  const channels = head.weights.columns;
  const { lineOf, draw } = openPlanes(kernel, network);
  const tile = Math.ceil(TILE / channels);
  // What is seen with the constants behind it, and hidden channels in turns.
  const [base, a, b] = [0, 1, 2].map(() => kernel.take(tile * channels * 8)) as [number, number, number];
  const constants = kernel.floats(base, tile * channels * 8).fill(0);
  for (let panel = 0; panel < constants.length; panel += channels * 8)
    constants.fill(CONSTANT, panel + seen.length * 8, panel + channelsOf(network) * 8);

  function drawRows(columns: Line, rows: Line, lines: number, out: number, outPitch: number): void {
    const { at, pitch } = draw(columns, rows);
    const addresses = seen.map(
      ({ plane, right, down }) =>
        (at[plane] as number) + down * rows.shift * pitch + right * columns.shift * 4,
    );
    const places = kernel.put(Uint32Array.from(addresses));
    for (let row = 0; row < lines; row++)
      for (let panel = 0; panel < columns.count; panel += tile) {
        const count = Math.min(tile, columns.count - panel);
        const own = row * pitch + panel * PANEL;
        run.see(places, seen.length, planes, own, base, channels * PANEL, count);
        let from = base;
        for (const layer of layers) {
          const to = from === a ? b : a;
          apply(kernel, layer, from, to, count);
          run.sines(to, count * channels, base, 16);
          from = to;
        }
        const to = from === a ? b : a;
        apply(kernel, head, from, to, count);
        run.pixels(to, out + row * outPitch + panel * PANEL, count);
      }
  }

  const columnsAt = kernel.keeping((x, spacing: number) => lineOf(0, x, spacing));
  return (x, y, [across, down] = [1, 1]) => {
    const columns = columnsAt(x, across);
    return kernel.picture(x.length, y.length, (out, pitch) =>
      drawRows(columns, lineOf(1, y, down), y.length, out, pitch),
    );
  };
}

/** A layer of what is seen alone: what comes of the constants behind it is always the same. */
function seeing(kernel: Kernel, layer: Layer, seen: Seen[], channels: number): Layer {
  const { at, rows, columns } = layer.weights;
  const weights = kernel.floats(at, Math.ceil(rows / 8) * columns * 8);
  const bias = Float32Array.from({ length: rows }, (_, output) => {
    let sum = 0;
    for (let input = seen.length; input < channels; input++)
      sum += weights[((output >> 3) * columns + input) * 8 + (output & 7)] as number;
    return CONSTANT * sum;
  });
  return { ...layer, inputs: seen.length, bias: kernel.put(bias) };
}

export const LAPPED: Family = { fields: LEAN_MATRICES, open, hasLatents: true };
