/** Decodes the networks of an `.anir` file's levels; layers that several depths of a trunk share are stored once. */
import type { Coder } from './coder.ts';
import {
  type Colours,
  commonHead,
  commonLayers,
  hasCommon,
  MOST_OFFSET,
  withOffsets,
} from './common_networks.ts';
import { type Family, type Field, shapesOf } from './families/family.ts';
import { FAMILIES } from './families/index.ts';
import type { Network, Tensor } from './network.ts';

/** Added to the group of a tensor's 16-bit codes for their lower bytes. */
const LOW_BYTES = 128;
/** Group of the offsets from the common head's codes to those of a head near it. */
const OFFSETS = 64;
/** Bits of such an offset. */
const OFFSET_BITS = 4;

/** Decodes the map from planes to `many` colours. */
export function readColours(coder: Coder, many: number): Colours {
  const levels = (count: number) => Uint8Array.from({ length: count }, () => coder.bits(8));
  return { matrix: new Int8Array(levels(many ** 2).buffer), border: levels(many) };
}

/**
 * Decodes the tensors of networks, one level after the other.
 *
 * Networks with the same number of channels share one trunk: a shallower network has its first hidden layers and filter banks. Each
 * network has a head of its own. If there is a common network of the same size, one bit says whether the level's new layers are that
 * network's, and another whether its head is; a head may also be coded as small offsets from the common one.
 */
export class NetworkDecoder {
  /** The map from planes to colours, if the family is `lapped`. */
  colours: Colours | undefined;
  readonly #family: Family;
  readonly #trunks = new Map<number, Map<string, Tensor>>();

  constructor(
    private readonly coder: Coder,
    family: string,
    /** Bits of a hidden weight. */
    private readonly bits: number,
    /** Number of planes, which is that of colours. */
    private readonly planes: number,
  ) {
    this.#family = FAMILIES.get(family) as Family;
  }

  /** Decodes the tensors of a network with `depth` layers of `channels` channels; in `lapped`, `width` is its level's, in units. */
  decode(depth: number, channels: number, width: number): Network['tensors'] {
    const trunk = this.#trunks.get(channels) ?? new Map<string, Tensor>();
    this.#trunks.set(channels, trunk);
    const [tensors, fields]: [Network['tensors'], string[]] = [{}, Object.keys(this.#family.fields)];
    const common = this.#common(depth, channels, width, trunk.get('steps')?.shape[0] ?? 0);
    for (const [part, { types, shape }] of shapesOf(this.#family, depth, channels, this.planes)) {
      const name = part.replace(/\.scale$/, '');
      const axis = growingAxis(this.#family.fields[name] as Field);
      const group = fields.indexOf(name);
      const bits = name === 'weights' ? this.bits : Number(types[0]?.slice('int'.length));
      const own = common[part];
      const add = (rest: number[]) => {
        if (own) return ending(own, axis, rest[axis] as number);
        return types[0] === 'float32' ? this.#reals(rest) : this.#integers(bits, rest, group);
      };
      tensors[part] = part.startsWith('head') ? add(shape) : fromTrunk(trunk, part, shape, axis, add);
    }
    return tensors;
  }

  /** The common network's tensors that this network takes, as bits of the stream say; `known` hidden layers are in the trunk. */
  #common(depth: number, channels: number, width: number, known: number): Network['tensors'] {
    if (!this.colours || !hasCommon(depth, channels, this.planes)) return {};
    const layers = known < depth - 1 && this.coder.bits(1) ? commonLayers(depth, channels, this.planes) : {};
    const head = commonHead(depth, channels, this.colours, width);
    if (this.coder.bits(1)) return { ...layers, ...head };
    if (!this.coder.bits(1)) return layers;
    const numbers = this.coder.symbols(OFFSETS, OFFSET_BITS, this.planes * (channels - this.planes));
    return {
      ...layers,
      ...withOffsets(
        head,
        Int8Array.from(numbers, (number) => number - MOST_OFFSET),
      ),
    };
  }

  /** Decodes a tensor of integers, whose bits have adaptive probabilities of their group. */
  #integers(bits: number, shape: number[], group: number): Tensor {
    const count = lengthOf(shape);
    const [data, columns] = [bits === 16 ? new Int16Array(count) : new Int8Array(count), shape.at(-1) ?? 1];
    // In `lapped`, weights to the channels of the planes are zero and not in the stream.
    const skipped = this.#family.hasLatents && group === 0 ? Math.min(this.planes, columns) : 0;
    const coded = (count / columns) * (columns - skipped);
    const high = this.coder.symbols(group, Math.min(bits, 8), coded);
    const low = bits === 16 ? this.coder.symbols(group + LOW_BYTES, 8, coded) : undefined;
    for (let at = 0, from = 0; at < count; at++) {
      if (at % columns < skipped) continue;
      const code = low ? ((high[from] as number) << 8) | (low[from] as number) : (high[from] as number);
      data[at] = code - (1 << (bits - 1));
      from++;
    }
    return { shape, data };
  }

  /** Decodes float32 numbers: for each, the number of its lowest bytes that are zero, and then its other bits. */
  #reals(shape: number[]): Tensor {
    const words = Uint32Array.from({ length: lengthOf(shape) }, () => {
      const zeros = 8 * this.coder.bits(2);
      return this.coder.bits(32 - zeros) << zeros;
    });
    return { shape, data: new Float32Array(words.buffer) };
  }
}

/** Returns the part of a trunk's tensor that a network of this shape has; first extends the tensor with `add` if it is too short. */
function fromTrunk(
  trunk: Map<string, Tensor>,
  part: string,
  shape: number[],
  axis: number,
  add: (shape: number[]) => Tensor,
): Tensor {
  const [known, length] = [trunk.get(part), shape[axis] as number];
  const missing = length - (known?.shape[axis] ?? 0);
  if (missing > 0) {
    const rest = add(shape.with(axis, missing));
    trunk.set(part, known ? joined(known, rest, axis) : rest);
  }
  return beginning(trunk.get(part) as Tensor, axis, length);
}

/** The axis whose length grows with the depth; 0 for tensors that all depths share completely. */
function growingAxis({ shape }: Field): number {
  return Math.max(
    shape.findIndex((length) => length === 'L' || length === 'D'),
    0,
  );
}

const lengthOf = (shape: number[]) => shape.reduce((all, length) => all * length, 1);

/** Concatenates two tensors along an axis. */
function joined(a: Tensor, b: Tensor, axis: number): Tensor {
  const [own, other] = [lengthOf(a.shape.slice(axis)), lengthOf(b.shape.slice(axis))];
  const shape = a.shape.with(axis, (a.shape[axis] as number) + (b.shape[axis] as number));
  const data = emptyLike(a.data, lengthOf(shape));
  for (let k = 0; k * own < a.data.length; k++) {
    data.set(a.data.subarray(k * own, (k + 1) * own), k * (own + other));
    data.set(b.data.subarray(k * other, (k + 1) * other), k * (own + other) + own);
  }
  return { shape, data };
}

/** The first entries along an axis. */
function beginning(whole: Tensor, axis: number, length: number): Tensor {
  const shape = whole.shape.with(axis, length);
  const [step, own] = [lengthOf(whole.shape.slice(axis)), lengthOf(shape.slice(axis))];
  const data = emptyLike(whole.data, lengthOf(shape));
  for (let k = 0; k * own < data.length; k++)
    data.set(whole.data.subarray(k * step, k * step + own), k * own);
  return { shape, data };
}

/** The last `length` entries along an axis, which has to be the first one unless these are all. */
function ending(whole: Tensor, axis: number, length: number): Tensor {
  const start = whole.data.length - lengthOf(whole.shape.with(axis, length));
  return { shape: whole.shape.with(axis, length), data: whole.data.slice(start) };
}

function emptyLike(data: Tensor['data'], length: number): Tensor['data'] {
  if (data instanceof Float32Array) return new Float32Array(length);
  return data instanceof Int16Array ? new Int16Array(length) : new Int8Array(length);
}
