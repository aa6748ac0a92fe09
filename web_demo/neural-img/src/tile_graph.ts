/** Writes the graph of a tile, whose values are matrices of channels × pixels. */
import { type Features, productsOf } from './expansions.ts';
import { floatInput, type Graph, type Node, numberAttribute, tensor, writeModel } from './onnx_graph.ts';
import { interpolated, pointsNeeded, smoothPart, WEIGHTS } from './smooth.ts';

/** A matrix row by row, [inputs, outputs]. */
export interface Weights {
  inputs: number;
  outputs: number;
  weight: ArrayLike<number>;
}

/** The same tile's model, whose smooth part is at points. */
export interface Smooth {
  tile: Uint8Array;
  /** Of the widest matrix beyond. */
  channels: number;
  /**
   * How many points there have to be along columns or rows, given what coefficients of the tile's inputs do not exceed
   * along these, and how large inputs are along the others.
   */
  needed(spectra: ReadonlyMap<string, Float64Array>, sizes: ReadonlyMap<string, number>): number;
}

/** y = Wᵀh + b. */
export interface Matrix extends Weights {
  bias: number[];
}

// sin(2πw) = w · P(w²) for |w| ≤ ¼, to 6e-7 (minimax); the highest power first.
const SINE = [-70.99343163992089, 81.34076873478307, -41.33714236712367, 6.28316404427766] as const;

export class TileGraph {
  readonly #graph: Graph;
  readonly #sizes = new Map<string, readonly number[]>();
  /** How much constants enlarge what they are multiplied with; rows of weights by their norm, as if signs were random. */
  readonly #gains = new Map<string, number>();
  #names = 0;

  /** Of the same opsets as an exported graph. */
  constructor(exported: Graph) {
    this.#graph = { ...exported, nodes: [], initializers: [], inputs: [] };
  }

  /** The whole model, with these inputs and that value as `image`. */
  model(image: string, inputs: string[]): Uint8Array {
    return this.#write(this.#whole(image), inputs);
  }

  /** The same with its smooth part at points, if it has one; all inputs are what products take. */
  smooth(image: string, inputs: string[]): Smooth | undefined {
    const part = smoothPart(this.#whole(image), inputs, this.#gains);
    if (!part) return;
    const nodes = interpolated(part, this.integers);
    const beyond = part.others.flatMap(({ inputs }) => inputs.flatMap((name) => this.#sizes.get(name) ?? []));
    return {
      tile: this.#write(nodes, [...inputs, ...Object.values(WEIGHTS)]),
      channels: Math.max(3, ...beyond),
      needed: (spectra, sizes) => pointsNeeded(part, spectra, new Map([...this.#gains, ...sizes])),
    };
  }

  #whole = (image: string) => [
    ...this.#graph.nodes,
    { kind: 'Identity', inputs: [image], outputs: ['image'], attributes: [] },
  ];

  #write = (nodes: Node[], inputs: string[]) =>
    writeModel({ ...this.#graph, nodes, inputs: inputs.map(floatInput) }, ['image']);

  fresh = () => `t${this.#names++}`;

  emit(kind: string, inputs: string[], attributes: Uint8Array[] = []): string {
    const output = this.fresh();
    this.#graph.nodes.push({ kind, inputs, outputs: [output], attributes });
    return output;
  }

  constant(dims: readonly number[], data: Float32Array | BigInt64Array): string {
    const name = this.fresh();
    this.#graph.initializers.push(tensor(name, dims, data));
    this.#sizes.set(name, dims);
    this.#gains.set(name, data instanceof Float32Array ? gainOf(dims, data) : 1);
    return name;
  }

  integers = (...values: number[]) => this.constant([values.length], BigInt64Array.from(values, BigInt));

  multiply(h: string, { inputs, outputs, weight, bias }: Matrix): string {
    const transposed = new Float32Array(outputs * inputs);
    for (let j = 0; j < outputs; j++)
      for (let i = 0; i < inputs; i++) transposed[j * inputs + i] = weight[i * outputs + j] ?? 0;
    return this.emit('Gemm', [
      this.constant([outputs, inputs], transposed),
      h,
      this.constant([bias.length, 1], Float32Array.from(bias)),
    ]);
  }

  /** The sine of Wᵀh + b, folded to a quarter turn, where a short polynomial does. */
  sine(h: string, matrix: Matrix): string {
    const u = this.multiply(h, inQuarterTurns(matrix));
    const folded = this.emit('Abs', [this.emit('Sub', [u, this.emit('Round', [u])])]);
    const w = this.emit('Sub', [this.#scalar(0.25), folded]);
    const square = this.emit('Mul', [w, w]);
    const [first, ...others] = SINE;
    let sum = this.#scalar(first);
    for (const coefficient of others)
      sum = this.emit('Add', [this.emit('Mul', [sum, square]), this.#scalar(coefficient)]);
    return this.emit('Mul', [sum, w]);
  }

  /** Some features of an expansion as a matrix [n, pixels], by their indices in [U, V, P]. */
  expand(features: Features, picked: number[]): string {
    const { products, order } = productsOf(features.shape, picked);
    const parts = products.map(({ columns, rows, planes }) => {
      const [down, across, part] = [
        this.#some(features.inputs.rows, rows, features.shape.rows),
        this.#some(features.inputs.columns, columns, features.shape.columns),
        this.#some(features.inputs.part, planes, features.shape.planes),
      ];
      // Functions of rows first, as a tile has few.
      const picture = this.emit('MatMul', [this.emit('MatMul', [down, part]), across]);
      const channels = columns.length * rows.length * planes.length;
      return this.emit('Reshape', [picture, this.integers(channels, -1)]);
    });
    const whole = this.emit('Concat', parts, [numberAttribute('axis', 0)]);
    return this.emit('Gather', [whole, this.integers(...order)]);
  }

  #some = (name: string, own: number[], size: number) =>
    own.length === size ? name : this.emit('Gather', [name, this.integers(...own)]);
  #scalar = (value: number) => this.constant([], Float32Array.of(value));
}

function gainOf([, columns = 1]: readonly number[], data: Float32Array): number {
  let largest = 0;
  for (let start = 0; start < data.length; start += columns) {
    const row = data.subarray(start, start + columns);
    largest = Math.max(largest, Math.sqrt(row.reduce((sum, value) => sum + value * value, 0)));
  }
  return largest;
}

/** The matrix in turns instead of radians, less the quarter turn that `sine` adds. */
function inQuarterTurns(matrix: Matrix): Matrix {
  const turns = (value: number) => value / (2 * Math.PI);
  return {
    ...matrix,
    weight: Array.from(matrix.weight, turns),
    bias: matrix.bias.map((value) => turns(value) - 0.25),
  };
}
