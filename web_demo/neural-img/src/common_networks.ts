/** Common networks of the family `lapped`, which are part of the decoder, so that files need not hold them (docs/format.md). */
import { fromHalves, fromHex } from './bytes.ts';
import { COMMON_NETWORKS } from './generated/common_networks.ts';
import type { Network, Tensor } from './network.ts';

/** Numbers of channels, those of the planes not counted, for which there are common networks. */
const INNER = [17, 21, 25, 29];
const DEPTHS = [2, 3, 4, 5];
/** Planes that a stored head has weights for. */
const PLANES = 3;
/** Hidden matrices of the deepest network. */
const LAYERS = 4;
/** Codes of stored heads are in units of 2⁻⁷ of the level's width. */
const SHIFT = 7;
/** Colour, in [0, 1], that a code of 1 in `Colours.matrix` gives for a coefficient of 1 unit. */
export const COLOUR_PER_UNIT = Math.fround(1.5 / 127.5 / 64 / 254);

/** The networks of one width, which share their layers; n channels besides those of the planes. */
interface CommonTrunk {
  /** Step sizes of the hidden matrices, [4]. */
  steps: Float32Array;
  /** Codes of the hidden matrices, [4, n, n]. */
  weights: Int8Array;
  /** For each depth, codes of the weights from channels to corrections of the planes, [4, 3, n]. */
  heads: Int8Array;
}

/** The map from planes to colours. */
export interface Colours {
  /** Codes [colour, plane]. */
  matrix: Int8Array;
  /** The colour where all planes are 0, from 0 to 255. */
  border: Uint8Array;
}

/** Whether there is a common network of that size. */
export const hasCommon = (depth: number, channels: number, colours: number): boolean =>
  DEPTHS.includes(depth) && INNER.includes(channels - colours);

/** The hidden layers of the common network of this size, as tensors named as in docs/format.md. */
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

/** The head of the common network of this size in a level whose width is `width` units. */
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
      // A fourth plane is corrected like the third one.
      const added = (plane: number) => head[Math.min(plane, PLANES - 1) * own + channel] as number;
      const sum = codes.reduce((all, code, plane) => all + code * added(plane), 1 << (SHIFT - 1)) >> SHIFT;
      data[colour * channels + planes + channel] = Math.min(Math.max(sum, -127), 127);
    }
  }
  const scale = new Float32Array(planes).fill(COLOUR_PER_UNIT * width);
  return {
    head: { shape: [planes, channels], data },
    'head.scale': { shape: [planes], data: scale },
    'head.bias': { shape: [planes], data: Float32Array.from(border, (level) => level / 255) },
  };
}

/** A stored number minus this, −8 to 7, is the offset of a near head's code from the common head's. */
export const MOST_OFFSET = 8;

/** Adds offsets to a head's codes: one for each colour and each channel after those of the planes. */
export function withOffsets(head: Network['tensors'], offsets: ArrayLike<number>): Network['tensors'] {
  const { shape, data } = head.head as Tensor;
  const [colours, channels] = shape as [number, number];
  const own = offsets.length / colours;
  const codes = Int8Array.from(data, (code, at) => {
    const [colour, channel] = [Math.floor(at / channels), (at % channels) - (channels - own)];
    if (channel < 0) return code;
    return Math.min(Math.max(code + (offsets[colour * own + channel] as number), -127), 127);
  });
  return { ...head, head: { shape, data: codes } };
}

let trunks: Map<number, CommonTrunk> | undefined;

function trunkOf(own: number): CommonTrunk {
  trunks ??= readTrunks(fromHex(COMMON_NETWORKS));
  return trunks.get(own) as CommonTrunk;
}

/** Reads, for each width, the steps as float32, then the weights' codes, two to a byte, then the heads' codes. */
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
