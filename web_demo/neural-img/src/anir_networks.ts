/** Decodes the networks of an `.anir` file's levels: what the depths of a trunk share stands in a file once. */
import type { Coder } from './coder.ts';
import { type Colours, commonHead, commonLayers, hasCommon, NEAR, near } from './common_networks.ts';
import { type Family, type Field, shapesOf } from './families/family.ts';
import { FAMILIES } from './families/index.ts';
import type { Network, Tensor } from './network.ts';

/** First group of the lower bytes of 16-bit codes. */
const REST = 128;
/** Group of the moves from the common head to one near it, and their bits. */
const MOVES = 64;
const MOVE_BITS = 4;

/** How planes become so many colours. */
export function readColours(coder: Coder, many: number): Colours {
  const levels = (count: number) => Uint8Array.from({ length: count }, () => coder.bits(8));
  return { matrix: new Int8Array(levels(many ** 2).buffer), border: levels(many) };
}

/**
 * Decodes tensors of networks, one level after the other.
 *
 * The hidden layers and filter banks of networks with as many channels are those of one trunk, which ends earlier where there
 * are fewer layers. Each network has a head of its own. Where there is a common network of the same size, one bit each tells
 * whether new layers and the head are that network's; a head may also be near that network's.
 */
export class NetworkDecoder {
  /** How planes become colours, if the family is `lapped`. */
  colours: Colours | undefined;
  readonly #family: Family;
  readonly #trunks = new Map<number, Map<string, Tensor>>();

  /** For networks of that family with hidden weights of so many bits, and so many colours. */
  constructor(
    private readonly coder: Coder,
    family: string,
    private readonly bits: number,
    private readonly planes: number,
  ) {
    this.#family = FAMILIES.get(family) as Family;
  }

  /** The tensors of a network of that size, of a level of that width if the family is `lapped`. */
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

  /** The common network's new layers, beyond those that are known, and head, as far as bits tell that they count. */
  #common(depth: number, channels: number, width: number, known: number): Network['tensors'] {
    if (!this.colours || !hasCommon(depth, channels, this.planes)) return {};
    const layers = known < depth - 1 && this.coder.bits(1) ? commonLayers(depth, channels, this.planes) : {};
    const head = commonHead(depth, channels, this.colours, width);
    if (this.coder.bits(1)) return { ...layers, ...head };
    if (!this.coder.bits(1)) return layers;
    const numbers = this.coder.symbols(MOVES, MOVE_BITS, this.planes * (channels - this.planes));
    return {
      ...layers,
      ...near(
        head,
        Int8Array.from(numbers, (number) => number - NEAR),
      ),
    };
  }

  /** Integers of so many bits, by what was in their group before. */
  #integers(bits: number, shape: number[], group: number): Tensor {
    const count = lengthOf(shape);
    const [data, columns] = [bits === 16 ? new Int16Array(count) : new Int8Array(count), shape.at(-1) ?? 1];
    // No weights of `lapped` lead to its planes: those are not in the stream.
    const skipped = this.#family.hasLatents && group === 0 ? Math.min(this.planes, columns) : 0;
    const told = (count / columns) * (columns - skipped);
    const high = this.coder.symbols(group, Math.min(bits, 8), told);
    const low = bits === 16 ? this.coder.symbols(group + REST, 8, told) : undefined;
    for (let at = 0, from = 0; at < count; at++) {
      if (at % columns < skipped) continue;
      const code = low ? ((high[from] as number) << 8) | (low[from] as number) : (high[from] as number);
      data[at] = code - (1 << (bits - 1));
      from++;
    }
    return { shape, data };
  }

  /** Float32 numbers without the bytes at their ends that are zero: how many these are comes first. */
  #reals(shape: number[]): Tensor {
    const words = Uint32Array.from({ length: lengthOf(shape) }, () => {
      const zeros = 8 * this.coder.bits(2);
      return this.coder.bits(32 - zeros) << zeros;
    });
    return { shape, data: new Float32Array(words.buffer) };
  }
}

/** A tensor as far as a network of this shape has it; what its trunk lacks of it is added first. */
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

/** The axis along which deeper networks have more; the first one of what all depths share whole. */
function growingAxis({ shape }: Field): number {
  return Math.max(
    shape.findIndex((length) => length === 'L' || length === 'D'),
    0,
  );
}

const lengthOf = (shape: number[]) => shape.reduce((all, length) => all * length, 1);

/** One tensor after the other along an axis. */
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

/** The last entries along the first axis; all, if the axis is another one. */
function ending(whole: Tensor, axis: number, length: number): Tensor {
  const start = whole.data.length - lengthOf(whole.shape.with(axis, length));
  return { shape: whole.shape.with(axis, length), data: whole.data.slice(start) };
}

function emptyLike(data: Tensor['data'], length: number): Tensor['data'] {
  if (data instanceof Float32Array) return new Float32Array(length);
  return data instanceof Int16Array ? new Int16Array(length) : new Int8Array(length);
}
