/** Networks of the family `lapped` that pictures may share, so that a file need not hold them (docs/format.md). */
import { fromHalves, fromHex } from './bytes.ts';
import { COMMON_NETWORKS } from './generated/common_networks.ts';
import type { Network, Tensor } from './network.ts';

/** Channels beside those of the planes. */
const INNER = [17, 21, 25, 29];
const DEPTHS = [2, 3, 4, 5];
const PLANES = 3;
const LAYERS = 4;
/** A head's code of 128 stands for one unit of a plane. */
const SHIFT = 7;
/** Share of the colours' range that a code of 1 of `Colours.matrix` stands for at a coefficient of 1. */
export const WORTH = Math.fround(1.5 / 127.5 / 64 / 254);

/** The networks of one width, which share their layers, with n channels beside the planes. */
interface CommonTrunk {
  steps: Float32Array;
  /** Codes of the hidden matrices, [4, n, n]. */
  weights: Int8Array;
  /** For each depth, what to add to the planes: [4, 3, n], in 1/128 of the level's width. */
  heads: Int8Array;
}

/** How planes become colours. */
export interface Colours {
  /** Codes [colour, plane]. */
  matrix: Int8Array;
  /** Colour where all planes are 0, from 0 to 255. */
  border: Uint8Array;
}

/** Whether there is a common network of that size. */
export const hasCommon = (depth: number, channels: number, colours: number): boolean =>
  DEPTHS.includes(depth) && INNER.includes(channels - colours);

/** The common hidden layers of a network of that size, by the names of docs/format.md. */
export function commonLayers(depth: number, channels: number, planes: number): Network['tensors'] {
  const [layers, own] = [depth - 1, channels - planes];
  const { weights, steps } = trunkOf(own);
  const data = new Int8Array(layers * channels ** 2);
  for (let row = 0; row < layers * own; row++) {
    const [layer, input] = [Math.floor(row / own), (row % own) + planes];
    data.set(weights.subarray(row * own, (row + 1) * own), (layer * channels + input) * channels + planes);
  }
  return {
    weights: { shape: [layers, channels, channels], data },
    steps: { shape: [layers], data: steps.slice(0, layers) },
  };
}

/** The common head of a network of that size, of a level of that width in units. */
export function commonHead(
  depth: number,
  channels: number,
  { matrix, border }: Colours,
  width: number,
): Network['tensors'] {
  const [planes, own] = [border.length, channels - border.length];
  const { heads } = trunkOf(own);
  const head = heads.subarray(DEPTHS.indexOf(depth) * PLANES * own);
  const data = new Int8Array(planes * channels);
  for (let colour = 0; colour < planes; colour++) {
    const codes = matrix.subarray(colour * planes, (colour + 1) * planes);
    data.set(codes, colour * channels);
    for (let channel = 0; channel < own; channel++) {
      // A fourth plane gets what the third one gets.
      const added = (plane: number) => head[Math.min(plane, PLANES - 1) * own + channel] as number;
      const sum = codes.reduce((all, code, plane) => all + code * added(plane), 1 << (SHIFT - 1)) >> SHIFT;
      data[colour * channels + planes + channel] = Math.min(Math.max(sum, -127), 127);
    }
  }
  const scale = new Float32Array(planes).fill(WORTH * width);
  return {
    head: { shape: [planes, channels], data },
    'head.scale': { shape: [planes], data: scale },
    'head.bias': { shape: [planes], data: Float32Array.from(border, (level) => level / 255) },
  };
}

/** How far codes of a head near the common one may be from that one's: from -8 to 7. */
export const NEAR = 8;

/** The head whose codes are moved by so much, a number for each colour and channel behind the planes. */
export function near(head: Network['tensors'], moves: ArrayLike<number>): Network['tensors'] {
  const { shape, data } = head.head as Tensor;
  const [colours, channels] = shape as [number, number];
  const own = moves.length / colours;
  const codes = Int8Array.from(data, (code, at) => {
    const [colour, channel] = [Math.floor(at / channels), (at % channels) - (channels - own)];
    const away = channel < 0 ? 0 : (moves[colour * own + channel] as number);
    return Math.min(Math.max(code + away, -127), 127);
  });
  return { ...head, head: { shape, data: codes } };
}

let trunks: Map<number, CommonTrunk> | undefined;

function trunkOf(own: number): CommonTrunk {
  trunks ??= readTrunks(fromHex(COMMON_NETWORKS));
  return trunks.get(own) as CommonTrunk;
}

/** Of each width: steps as float32, then the weights' codes, two to a byte, then those of heads. */
function readTrunks({ buffer }: Uint8Array<ArrayBuffer>): Map<number, CommonTrunk> {
  let at = 0;
  const take = (count: number) => {
    at += count;
    return new Int8Array(buffer.slice(at - count, at));
  };
  return new Map(
    INNER.map((own) => {
      const steps = new Float32Array(take(4 * LAYERS).buffer);
      const codes = LAYERS * own ** 2;
      const weights = fromHalves(take(codes / 2), codes);
      return [own, { steps, weights, heads: take(DEPTHS.length * PLANES * own) }];
    }),
  );
}
