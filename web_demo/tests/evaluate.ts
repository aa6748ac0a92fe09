/** The families' formulas (docs/format.md) in double precision, point by point. */
import { Axis, inputsOf, meansOf, valueOfCode } from '../neural-img/src/lapped_transform.ts';
import { channelsOf, coloursOf, depthOf, type Network, valuesOf } from '../neural-img/src/network.ts';

type Values = (name: string) => Float32Array;

/** 8-bit values of all colour channels at columns x and rows y. */
export function evaluate(network: Network, x: Float32Array, y: Float32Array): number[] {
  const known = new Map(Object.keys(network.tensors).map((name) => [name, valuesOf(network, name)]));
  const values: Values = (name) => known.get(name) ?? new Float32Array();
  const levels = [...y].flatMap((row) => [...x].flatMap((column) => colourAt(network, values, column, row)));
  return levels.map((level) => Math.round(255 * Math.min(Math.max(level, 0), 1)));
}

type Layers = (network: Network, values: Values, x: number, y: number) => number[];
/** Each family's last channels at a point. */
const LAYERS: Record<string, Layers> = { siren, fourier: filters, gabor: filters, lapped };

function colourAt(network: Network, values: Values, x: number, y: number): number[] {
  const h = LAYERS[network.family]?.(network, values, x, y) ?? [];
  const head = values('head');
  return [...values('head.bias')].map((bias, colour) =>
    h.reduce((sum, value, k) => sum + value * (head[colour * h.length + k] ?? 0), bias),
  );
}

function siren(network: Network, values: Values, x: number, y: number): number[] {
  let h = filterAt(network, values, 0, x, y);
  for (let layer = 0; layer < depthOf(network) - 1; layer++) h = linear(values, layer, h).map(Math.sin);
  return h;
}

function filters(network: Network, values: Values, x: number, y: number): number[] {
  let h = filterAt(network, values, 0, x, y);
  for (let layer = 0; layer < depthOf(network) - 1; layer++) {
    const filter = filterAt(network, values, layer + 1, x, y);
    h = linear(values, layer, h).map((value, k) => value * (filter[k] ?? 0));
  }
  const norm = Math.sqrt(h.slice(0, 8).reduce((sum, value) => sum + value ** 2, 1));
  return h.map((value) => value / norm);
}

function lapped(network: Network, values: Values, x: number, y: number): number[] {
  const first = planesAt(network, x, y);
  let h = first;
  for (let layer = 0; layer < depthOf(network) - 1; layer++)
    h = linear(values, layer, h).map((value, k) => (first[k] ?? 0) + Math.sin(value));
  return h;
}

/** h W + b, with the matrix and the biases, if there are any, of a hidden layer. */
function linear(values: Values, layer: number, h: number[]): number[] {
  const [weights, steps, biases] = [values('weights'), values('steps'), values('biases')];
  const channels = h.length;
  // Steps are one per output or one per matrix.
  const each = (steps.length * channels ** 2) / weights.length;
  return h.map((_, output) => {
    const step = steps[layer * each + (output % each)] ?? 0;
    const weightOf = (input: number) => (weights[(layer * channels + input) * channels + output] ?? 0) * step;
    const bias = biases[layer * channels + output] ?? 0;
    return h.reduce((sum, value, input) => sum + value * weightOf(input), bias);
  });
}

function filterAt(network: Network, values: Values, bank: number, x: number, y: number): number[] {
  const channels = channelsOf(network);
  const [frequencies, phases, filters] = [values('frequencies'), values('phases'), values('filters')];
  const [count = 0, banks = 1] = network.tensors.filters?.shape ?? [];
  return Array.from({ length: channels }, (_, k) => {
    if (count === 0)
      return Math.sin((frequencies[k] ?? 0) * x + (frequencies[channels + k] ?? 0) * y + (phases[k] ?? 0));
    const own = Array.from({ length: count }, (_, value) =>
      squared(filters[(value * banks + bank) * channels + k] ?? 0),
    );
    const [right = 0, down = 0, phase = 0, centreX = 0, centreY = 0, decay = 0] = own;
    const square = (x - centreX) ** 2 + (y - centreY) ** 2;
    return Math.sin(right * x + down * y + phase) * Math.exp(-decay * square);
  });
}

/** The number of which a signed square root is stored. */
const squared = (root: number) => root * Math.abs(root);

function planesAt(network: Network, x: number, y: number): number[] {
  const { latents, size } = network;
  if (!latents) throw new Error('no latents');
  const [width, height] = size;
  const seen = inputsOf(channelsOf(network), coloursOf(network)).map(({ plane, right, down }) => {
    if (plane >= coloursOf(network)) return 0;
    const [column, row] = [x + (2 * right * latents.reach) / width, y + (2 * down * latents.reach) / height];
    const value = planeAt(network, plane, column, row);
    return right || down ? value - planeAt(network, plane, x, y) : value;
  });
  return [...seen, ...Array<number>(channelsOf(network) - seen.length).fill(Math.PI / 2)];
}

function planeAt({ latents, size: [width, height] }: Network, plane: number, x: number, y: number): number {
  if (!latents) throw new Error('no latents');
  const { codes, pitch, step, down } = latents;
  const [along, across, order] = latents.shape;
  const [columns, rows] = [
    new Axis(width, pitch).cosines([x], order),
    new Axis(height, pitch).cosines([y], order),
  ];
  const means = meansOf(latents);
  let sum = 0;
  for (let column = columns.start; column < columns.end; column++)
    for (let row = rows.start; row < rows.end; row++) {
      const [a, b] = down ? [row, column] : [column, row];
      const cell = (plane * along + a) * across + b;
      for (let k = 0; k < order ** 2; k++) {
        const [i, j] = [Math.floor(k / order), k % order];
        const [right, below] = down ? [j, i] : [i, j];
        const value = k === 0 ? (means[cell] ?? 0) : valueOfCode(latents, codes[cell * order ** 2 + k] ?? 0);
        const wave = columns.values[((column - columns.start) * order + right) * 8] ?? 0;
        sum += value * wave * (rows.values[((row - rows.start) * order + below) * 8] ?? 0);
      }
    }
  return (sum * step * 2) / pitch;
}
