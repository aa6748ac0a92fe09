/**
 * A lapped transform under a small network of sine layers, which corrects part of the quantization error:
 * h₁ = [planes at the point, their differences to neighbours, π/2 …], hₗ₊₁ = h₁ + sin(hₗ Wₗ).
 */
import { type Draw, type Kernel, PANEL } from '../kernel.ts';
import { inputsOf } from '../lapped_transform.ts';
import { channelsOf, coloursOf, type Network } from '../network.ts';
import { type Family, LEAN_MATRICES } from './family.ts';
import { apply, headNumbers, hiddenNumbers, makeLayer } from './layers.ts';
import { type Line, openPlanes } from './planes.ts';

/** Channels times panels that go through all layers together, so that they stay in the processor's cache. */
const TILE = 384;

function open(kernel: Kernel, network: Network): Draw {
  const { run } = kernel;
  const { seen, constants, planes, layers, head } = layersOf(kernel, network);
  const { lineOf, draw } = openPlanes(kernel, network);
  const channels = constants.length;
  const [tile, step, behind] = [Math.ceil(TILE / channels), channels * PANEL, planes * PANEL];
  // `base` holds the first layer's channels: inputs, then constants. The layers' outputs are in `a` and `b` by turns: the planes,
  // then hidden channels; at the end, four colours.
  const floats = tile * Math.max(channels, 4) * 8;
  const [base, a, b] = [0, 1, 2].map(() => kernel.take(floats)) as [number, number, number];
  kernel
    .floats(base, floats)
    .set(Float32Array.from({ length: floats }, (_, k) => constants[(k >> 3) % channels] as number));

  function drawRows(columns: Line, rows: Line, lines: number, out: number, outPitch: number): void {
    const { at, pitch } = draw(columns, rows);
    const places = seen.flatMap(({ plane, right, down }) => {
      const here = at[plane] as number;
      const away = down * rows.shift * pitch + right * columns.shift * 4;
      return [here + away, away && here];
    });
    const addresses = kernel.put(Uint32Array.from(places));
    for (let row = 0; row < lines; row++)
      for (let panel = 0; panel < columns.count; panel += tile) {
        const count = Math.min(tile, columns.count - panel);
        const own = row * pitch + panel * PANEL;
        run.inputs(addresses, seen.length, own, base, step, count);
        run.inputs(addresses, planes, own, a, step, count);
        run.inputs(addresses, planes, own, b, step, count);
        let from = base;
        for (const layer of layers) {
          const to = from === a ? b : a;
          apply(kernel, layer, from, to + behind, count, step);
          run.sines(to + behind, channels - planes, count, step, base + behind, 16);
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

/**
 * Reorders the channels: first the planes at the point, then the differences at neighbours, then constant channels.
 *
 * No weights lead to the planes. Constant channels (π/2, or 0 where the picture lacks a plane) become part of the first layer's bias.
 */
function layersOf(kernel: Kernel, network: Network) {
  const [colours, channels] = [coloursOf(network), channelsOf(network)];
  const places = inputsOf(channels, colours);
  const seen = places.filter(({ plane }) => plane < colours);
  const isSeen = (channel: number) => (places[channel]?.plane ?? colours) < colours;
  const all = [...Array(channels).keys()];
  const order = [...all.filter(isSeen), ...all.filter((channel) => !isSeen(channel))];
  const constants = order.map((channel) => (channel < places.length ? 0 : Math.PI / 2));
  const planes = Math.min(colours, seen.length);
  const own = (k: number) => order[k] as number;
  const layers = hiddenNumbers(network).map(({ weight }, layer) => {
    const inOrder = (output: number, input: number) => weight(own(output + planes), own(input));
    return makeLayer(kernel, channels - planes, channels, 1 / Math.PI, {
      weight: (output, input) => (layer > 0 || input < seen.length ? inOrder(output, input) : 0),
      bias: (output) =>
        layer > 0 ? 0 : constants.reduce((sum, value, input) => sum + value * inOrder(output, input), 0),
    });
  });
  const { weight, bias } = headNumbers(network);
  const inOrder = (output: number, input: number) => weight(output, own(input));
  const head = makeLayer(kernel, 4, channels, 255, { weight: inOrder, bias });
  return { seen, constants, planes, layers, head };
}

export const LAPPED: Family = { fields: LEAN_MATRICES, open, hasLatents: true };
