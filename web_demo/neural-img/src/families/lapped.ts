/**
 * A lapped transform under a small network of sine layers, which corrects some of the error of coarse codes:
 * h₁ = [planes at the point, their differences to neighbours, π/2 …], hₗ₊₁ = h₁ + sin(hₗ Wₗ).
 */
import { type Draw, type Kernel, PANEL } from '../kernel.ts';
import { type Seen, seenBy } from '../lapped_transform.ts';
import { channelsOf, coloursOf, type Network } from '../network.ts';
import { type Family, LEAN_MATRICES } from './family.ts';
import { apply, headNumbers, hiddenNumbers, type Layer, makeLayer, type Numbers } from './layers.ts';
import { type Line, openPlanes } from './planes.ts';

/** Panels' channels that go through all layers together, so that they stay in the processor's cache. */
const TILE = 384;

/** A channel of h₁: what it sees, or what it always is. */
interface Channel {
  /** Its number in the network. */
  own: number;
  seen?: Seen;
  constant: number;
}

function open(kernel: Kernel, network: Network): Draw {
  const { run } = kernel;
  const channels = channelsIn(network);
  const seen = channels.flatMap(({ seen }) => seen ?? []);
  const layers = layersOf(kernel, network, channels);
  const head = makeLayer(kernel, 4, channels.length, 255, reordered(headNumbers(network), channels));
  const width = head.weights.columns;
  const { lineOf, draw } = openPlanes(kernel, network);
  const tile = Math.ceil(TILE / width);
  // What is seen with the constants behind it, and hidden channels in turns.
  const [base, a, b] = [0, 1, 2].map(() => kernel.take(tile * width * 8)) as [number, number, number];
  const constants = kernel.floats(base, tile * width * 8).fill(0);
  for (let panel = 0; panel < constants.length; panel += width * 8)
    channels.forEach(({ constant }, k) => {
      constants.fill(constant, panel + k * 8, panel + k * 8 + 8);
    });

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
        run.see(addresses, seen.length, own, base, width * PANEL, count);
        let from = base;
        for (const layer of layers) {
          const to = from === a ? b : a;
          apply(kernel, layer, from, to, count);
          run.sines(to, count * width, base, 16);
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

/** Those that see a plane of the picture first: the first layer multiplies these alone. */
function channelsIn(network: Network): Channel[] {
  const planes = coloursOf(network);
  const seen = seenBy(channelsOf(network), planes);
  const channels = Array.from({ length: channelsOf(network) }, (_, own): Channel => {
    const place = seen[own];
    if (place && place.plane < planes) return { own, seen: place, constant: 0 };
    return { own, constant: place ? 0 : Math.PI / 2 };
  });
  return [...channels.filter(({ seen }) => seen), ...channels.filter(({ seen }) => !seen)];
}

/** The hidden layers; what comes of the first one's constants is always the same, and in its bias. */
function layersOf(kernel: Kernel, network: Network, channels: Channel[]): Layer[] {
  const many = channels.length;
  return hiddenNumbers(network).map((numbers, layer) => {
    const { weight, bias } = reordered(numbers, channels, channels);
    if (layer) return makeLayer(kernel, many, many, 1 / Math.PI, { weight, bias });
    return makeLayer(kernel, many, many, 1 / Math.PI, {
      weight: (output, input) => (channels[input]?.seen ? weight(output, input) : 0),
      bias: (output) =>
        channels.reduce((sum, { constant }, input) => sum + constant * weight(output, input), 0),
    });
  });
}

/** A layer of a network's inputs, and outputs, in the channels' order. */
function reordered({ weight, bias }: Numbers, inputs: Channel[], outputs?: Channel[]): Numbers {
  const [from, to] = [
    (input: number) => inputs[input]?.own as number,
    (output: number) => outputs?.[output]?.own ?? output,
  ];
  return {
    weight: (output, input) => weight(to(output), from(input)),
    bias: (output) => bias(to(output)),
  };
}

export const LAPPED: Family = { fields: LEAN_MATRICES, open, hasLatents: true };
