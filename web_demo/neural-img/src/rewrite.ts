/**
 * The exported graph made fast, in memory: what is the same for a whole column or row of pixels is taken out,
 * the rest works on small tiles as matrices of channels × pixels.
 *
 * Every value of the graph is constant, or depends on x, on y, or on both, which the graph itself shows. Evaluated
 * once at a few points, it also shows the shapes and the constants. A sine after a matrix product becomes a polynomial,
 * which is faster in WebAssembly.
 */
import { type Grid, sample } from './grids.ts';
import { floatInput, type Graph, type Node, readGraph, tensor, writeModel } from './onnx_graph.ts';

/** What ONNX Runtime gives for a name. */
export interface Value {
  dims: readonly number[];
  data: ArrayLike<unknown>;
}

export type Evaluate = (
  model: Uint8Array,
  x: Float32Array,
  y: Float32Array,
) => Promise<Record<string, Value>>;

/** A factor of all pixels of a column or row: a value of the exported graph, and the tile's inputs that take it. */
export type Factor = { value: string; inputs: string[] };

export interface Plan {
  /** Models that give the factors: `x` in, float32[…, W, C] out; `y` in, float32[…, H, 1, C] out. */
  columns: { model: Uint8Array; factors: Factor[] };
  rows: { model: Uint8Array; factors: Factor[] };
  /** Pictures of features, whose parts and weights a tile takes too. */
  grids: Grid[];
  /** The model of a tile: float32[C, 1, w] for each entry of columns, [C, h, 1] of rows; `image` is uint8[3, h·w]. */
  tile: Uint8Array;
}

/** The graph has to run as it is. */
class Unsupported extends Error {}

type Source = 'constant' | 'columns' | 'rows' | 'pixels';

const PROBE = {
  x: Float32Array.of(-1, -0.6, -0.3, 0, 0.3, 0.6, 1),
  y: Float32Array.of(-1, -0.4, 0, 0.4, 1),
};
const ELEMENTWISE = new Set(
  'Abs Add Cos Div Exp Max Min Mul Neg Pow QuantizeLinear Relu Sigmoid Sin Sqrt Sub Tanh'.split(' '),
);
const RESHAPING = new Set(['Identity', 'Reshape', 'Squeeze', 'Unsqueeze']);
// sin(2πw) = w · P(w²) for |w| ≤ ¼, to 6e-7 (minimax); the highest power first.
const SINE = [-70.99343163992089, 81.34076873478307, -41.33714236712367, 6.28316404427766] as const;

/** The plan for an exported file, or nothing where the graph has to run as it is. */
export async function rewrite(file: Uint8Array, evaluate: Evaluate): Promise<Plan | undefined> {
  const graph = readGraph(file);
  const sources = findSources(graph.nodes);
  const sourceOf = (name: string) => sources.get(name) ?? 'constant';
  const pixelNodes = graph.nodes.filter(({ outputs }) => outputs.some((name) => sourceOf(name) === 'pixels'));
  const used = new Set(pixelNodes.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]).filter(Boolean));
  const settled = findSettled(graph.nodes, sourceOf);
  try {
    const values = await evaluate(writeModel(graph, [...new Set([...used, ...settled])]), PROBE.x, PROBE.y);
    return new Rewriter(graph, sourceOf, settled, values).run(pixelNodes);
  } catch (error) {
    if (error instanceof Unsupported) return undefined;
    throw error;
  }
}

function findSources(nodes: Node[]): Map<string, Source> {
  const sources = new Map<string, Source>([
    ['x', 'columns'],
    ['y', 'rows'],
  ]);
  for (const { inputs, outputs } of nodes) {
    const from = new Set(inputs.map((name) => sources.get(name) ?? 'constant'));
    from.delete('constant');
    const [only = 'constant'] = from;
    for (const name of outputs) sources.set(name, from.size > 1 ? 'pixels' : only);
  }
  return sources;
}

/** Results that are the same everywhere, and are read by nodes of columns or rows: worked out once. */
function findSettled(nodes: Node[], sourceOf: (name: string) => Source): Set<string> {
  const constant = ({ outputs: [output = ''] }: Node) => sourceOf(output) === 'constant';
  const results = new Set(nodes.filter(constant).flatMap(({ outputs }) => outputs));
  const read = nodes.filter((node) => !constant(node)).flatMap(({ inputs }) => inputs);
  return new Set(read.filter((name) => results.has(name)));
}

class Rewriter {
  readonly #tile: Graph;
  readonly #factors = { columns: [] as Factor[], rows: [] as Factor[] };
  readonly #grids: Grid[] = [];
  /** The tile's values that stand for a value of the exported graph: one for each entry of its leading axis. */
  readonly #entries = new Map<string, string[]>();
  /** The tile's [1, C, h, w] for pictures of features, [1, C, H, W] in the exported graph. */
  readonly #planar = new Map<string, string>();
  #names = 0;

  constructor(
    private readonly graph: Graph,
    private readonly sourceOf: (name: string) => Source,
    private readonly settled: Set<string>,
    private readonly values: Record<string, Value>,
  ) {
    this.#tile = { ...graph, nodes: [], initializers: [], inputs: [] };
  }

  run(nodes: Node[]): Plan {
    const uses = new Map<string, Node[]>();
    for (const node of nodes)
      for (const name of node.inputs) uses.set(name, [...(uses.get(name) ?? []), node]);
    const done = new Set<Node>();
    for (const node of nodes) {
      if (done.has(node)) continue;
      if (node.kind !== 'MatMul') this.#node(node);
      else for (const part of this.#product(node, (name) => onlyOne(uses.get(name)))) done.add(part);
    }
    const [image, ...more] = this.#entries.get('image') ?? [];
    const isPicture = this.#value('image').dims.join() === [PROBE.y.length, PROBE.x.length, 3].join();
    if (!image || !isPicture || more.length > 0) throw new Unsupported('no single picture');
    this.#tile.nodes.push({ kind: 'Identity', inputs: [image], outputs: ['image'], attributes: [] });
    this.#dropUnused();
    const factors = [...this.#factors.columns, ...this.#factors.rows].flatMap(({ inputs }) => inputs);
    const parts = this.#grids.flatMap(({ inputs }) => Object.values(inputs));
    this.#tile.inputs.push(...[...factors, ...parts].map(floatInput));
    return {
      columns: this.#factorModel('columns', 'x'),
      rows: this.#factorModel('rows', 'y'),
      grids: this.#grids,
      tile: writeModel(this.#tile, ['image']),
    };
  }

  /** Where features are sampled is known by now: x and y as points are of no use. */
  #dropUnused(): void {
    const read = new Set(['image']);
    const live = this.#tile.nodes.reverse().filter(({ inputs, outputs }) => {
      const isRead = outputs.some((name) => read.has(name));
      if (isRead) for (const name of inputs) read.add(name);
      return isRead;
    });
    this.#tile.nodes = live.reverse();
    for (const source of ['columns', 'rows'] as const)
      this.#factors[source] = this.#factors[source].filter(({ inputs }) => inputs.some((n) => read.has(n)));
  }

  #factorModel(source: 'columns' | 'rows', input: string): Plan['columns'] {
    const factors = this.#factors[source];
    const nodes = this.graph.nodes.filter(({ outputs: [output = ''] }) => this.sourceOf(output) === source);
    const constants = [...this.settled].map((name) => {
      const { dims, data } = this.#value(name);
      if (!(data instanceof Float32Array || data instanceof BigInt64Array))
        throw new Unsupported('a constant of another type');
      return tensor(name, dims, data);
    });
    const initializers = [...this.graph.initializers, ...constants];
    const graph = { ...this.graph, nodes, initializers, inputs: [floatInput(input)] };
    return {
      model: writeModel(
        graph,
        factors.map(({ value }) => value),
      ),
      factors,
    };
  }

  #node({ kind, inputs, outputs, attributes }: Node): void {
    const [output = ''] = outputs;
    const [input = ''] = inputs;
    if (RESHAPING.has(kind) && this.#count(input) === this.#count(output)) {
      this.#entries.set(output, this.#read(input));
    } else if (
      kind === 'Split' &&
      this.#count(input) === outputs.reduce((sum, name) => sum + this.#count(name), 0)
    ) {
      const entries = [...this.#read(input)];
      for (const name of outputs) this.#entries.set(name, entries.splice(0, this.#count(name)));
    } else if (ELEMENTWISE.has(kind) && outputs.length === 1) {
      const operands = inputs.map((name) => this.#read(name));
      const isFirst = !inputs.some((name) => this.sourceOf(name) === 'pixels');
      if (!isFirst && inputs.some((name) => ['columns', 'rows'].includes(this.sourceOf(name))))
        throw new Unsupported('a pixel with a column or row');
      const entries = Array.from({ length: this.#count(output) }, (_, k) => {
        const value = this.#emit(
          kind,
          operands.map((entries) => entries[k % entries.length] ?? ''),
          attributes,
        );
        return isFirst ? this.#emit('Reshape', [value, this.#integers(0, -1)]) : value;
      });
      this.#entries.set(output, entries);
    } else if (kind === 'GridSample') {
      this.#planar.set(output, this.#samples(input, inputs[1] ?? '', output));
    } else if (kind === 'Transpose' && this.#planar.has(input)) {
      this.#entries.set(output, [this.#fromPlanar(input, output)]);
    } else if (kind === 'Pad' && inputs.length === 2) {
      this.#entries.set(output, this.#padChannels(input, inputs[1] ?? '', attributes));
    } else throw new Unsupported(kind);
  }

  /** Channels of zeros before and after. */
  #padChannels(input: string, pads: string, attributes: Uint8Array[]): string[] {
    const amounts = Array.from(this.#value(pads).data, Number);
    const axes = amounts.length / 2;
    const [before = 0, after = 0] = [amounts[axes - 1], amounts[2 * axes - 1]];
    if (amounts.reduce((sum, amount) => sum + Math.abs(amount), 0) !== before + after)
      throw new Unsupported('padding of other axes than channels');
    return this.#read(input).map((entry) =>
      this.#emit('Pad', [entry, this.#integers(before, 0, after, 0)], attributes),
    );
  }

  /** Of a constant picture of features, interpolated bilinearly at every pixel. */
  #samples(picture: string, points: string, samples: string): string {
    const { dims, data } = this.#value(picture);
    const [entries, channels = 0, height = 0, width = 0] = dims;
    if (this.sourceOf(picture) !== 'constant' || !(data instanceof Float32Array) || entries !== 1)
      throw new Unsupported('a picture of features that varies');
    const inputs = { part: this.#fresh(), rows: this.#fresh(), columns: this.#fresh() };
    const grid: Grid = { picture: data, channels, height, width, inputs };
    const { x, y } = PROBE;
    const everywhere = Array.from(y).flatMap((atY) => Array.from(x).flatMap((atX) => [atX, atY]));
    if (
      !isClose(this.#value(points).data, everywhere) ||
      !isClose(this.#value(samples).data, sample(grid, x, y))
    )
      throw new Unsupported('features sampled in another way');
    this.#grids.push(grid);
    return this.#emit('MatMul', [inputs.rows, this.#emit('MatMul', [inputs.part, inputs.columns])]);
  }

  /** [1, C, h, w] as [C, h·w], where the exported graph puts the channels last. */
  #fromPlanar(input: string, output: string): string {
    const [entries = 0, channels = 0, height = 0, width = 0] = this.#value(input).dims;
    if (entries !== 1 || this.#value(output).dims.join() !== [1, height, width, channels].join())
      throw new Unsupported('a picture of features transposed in another way');
    return this.#emit('Reshape', [this.#planar.get(input) ?? '', this.#integers(channels, -1)]);
  }

  /** h W + b and its sine in one; returns the nodes that it stands for. */
  #product(matMul: Node, onlyUser: (name: string) => Node | undefined): Node[] {
    const [left = '', right = ''] = matMul.inputs;
    const parts = [matMul];
    let output = matMul.outputs[0] ?? '';
    const add = onlyUser(output);
    const addend = add?.kind === 'Add' && add.inputs.find((name) => name !== output);
    const isBias = addend && this.sourceOf(addend) === 'constant';
    if (add && isBias) {
      parts.push(add);
      output = add.outputs[0] ?? '';
    }
    const sine = onlyUser(output);
    const isSine = sine?.kind === 'Sin';
    if (isSine) {
      parts.push(sine);
      output = sine.outputs[0] ?? '';
    }
    const weights = this.#matrix(right, isBias ? addend : undefined);
    const entries = this.#read(left).map((h) => {
      const sum = this.#multiply(h, isSine ? inQuarterTurns(weights) : weights);
      return isSine ? this.#sine(sum) : sum;
    });
    this.#entries.set(output, entries);
    return parts;
  }

  #matrix(name: string, biasName: string | undefined): Matrix {
    const { dims, data } = this.#value(name);
    const [inputs = 0, outputs = 0] = dims.slice(-2);
    if (this.sourceOf(name) !== 'constant' || data.length !== inputs * outputs)
      throw new Unsupported('a matrix for each pixel or entry');
    const bias = biasName ? Array.from(this.#value(biasName).data as ArrayLike<number>) : [0];
    return { inputs, outputs, weight: data as ArrayLike<number>, bias };
  }

  #multiply(h: string, { inputs, outputs, weight, bias }: Matrix): string {
    const transposed = new Float32Array(outputs * inputs);
    for (let j = 0; j < outputs; j++)
      for (let i = 0; i < inputs; i++) transposed[j * inputs + i] = weight[i * outputs + j] ?? 0;
    return this.#emit('Gemm', [
      this.#constant([outputs, inputs], transposed),
      h,
      this.#constant([bias.length, 1], Float32Array.from(bias)),
    ]);
  }

  /** sin(2π(u + ¼)) by folding u to a quarter turn, where a short polynomial does. */
  #sine(u: string): string {
    const folded = this.#emit('Abs', [this.#emit('Sub', [u, this.#emit('Round', [u])])]);
    const w = this.#emit('Sub', [this.#scalar(0.25), folded]);
    const square = this.#emit('Mul', [w, w]);
    const [first, ...others] = SINE;
    let sum = this.#scalar(first);
    for (const coefficient of others)
      sum = this.#emit('Add', [this.#emit('Mul', [sum, square]), this.#scalar(coefficient)]);
    return this.#emit('Mul', [sum, w]);
  }

  /** The tile's values for a value of the exported graph. */
  #read(name: string): string[] {
    const known = this.#entries.get(name);
    if (known) return known;
    const source = this.sourceOf(name);
    const entries = source === 'constant' ? this.#constants(name) : this.#inputs(name, source);
    this.#entries.set(name, entries);
    return entries;
  }

  #constants(name: string): string[] {
    const { dims, data } = this.#value(name);
    const values = Float32Array.from(data as ArrayLike<number>);
    if (values.length === 1) return [this.#constant([], values)];
    const channels = dims.at(-1) ?? 1;
    return Array.from({ length: values.length / channels }, (_, k) =>
      this.#constant([channels, 1], values.slice(k * channels, (k + 1) * channels)),
    );
  }

  #inputs(value: string, source: Source): string[] {
    if (source !== 'columns' && source !== 'rows') throw new Unsupported('a value out of order');
    const inputs = Array.from({ length: this.#count(value) }, () => this.#fresh());
    this.#factors[source].push({ value, inputs });
    return inputs;
  }

  /** How many entries of the leading axis a value has, for each a channel vector per column, row or pixel. */
  #count(name: string): number {
    const { dims, data } = this.#value(name);
    const lengths = {
      constant: 1,
      columns: PROBE.x.length,
      rows: PROBE.y.length,
      pixels: PROBE.x.length * PROBE.y.length,
    };
    return data.length / (lengths[this.sourceOf(name)] * (dims.at(-1) ?? 1));
  }

  #value(name: string): Value {
    const value = this.values[name];
    if (!value) throw new Unsupported('an optional input');
    return value;
  }

  #emit(kind: string, inputs: string[], attributes: Uint8Array[] = []): string {
    const output = this.#fresh();
    this.#tile.nodes.push({ kind, inputs, outputs: [output], attributes });
    return output;
  }

  #constant(dims: readonly number[], data: Float32Array | BigInt64Array): string {
    const name = this.#fresh();
    this.#tile.initializers.push(tensor(name, dims, data));
    return name;
  }

  #scalar = (value: number) => this.#constant([], Float32Array.of(value));
  #integers = (...values: number[]) => this.#constant([values.length], BigInt64Array.from(values, BigInt));
  #fresh = () => `t${this.#names++}`;
}

/** y = Wᵀh + b with W row by row, [inputs, outputs]. */
interface Matrix {
  inputs: number;
  outputs: number;
  weight: ArrayLike<number>;
  bias: number[];
}

/** The matrix in turns instead of radians, less the quarter turn that `#sine` adds. */
function inQuarterTurns(matrix: Matrix): Matrix {
  const turns = (value: number) => value / (2 * Math.PI);
  return {
    ...matrix,
    weight: Array.from(matrix.weight, turns),
    bias: matrix.bias.map((value) => turns(value) - 0.25),
  };
}

function isClose(a: ArrayLike<unknown>, b: ArrayLike<number>): boolean {
  const isNear = (value: number, k: number) => Math.abs(Number(a[k]) - value) <= 1e-4 * (1 + Math.abs(value));
  return a.length === b.length && Array.from(b).every(isNear);
}

function onlyOne<T>(items: T[] | undefined): T | undefined {
  return items?.length === 1 ? items[0] : undefined;
}
