/**
 * The exported graph made fast, in memory: what is the same for a whole column or row of pixels is taken out,
 * the rest works on small tiles as matrices of channels × pixels.
 *
 * Every value of the graph is constant, or depends on x, on y, or on both, which the graph itself shows. Evaluated
 * once at a few points, it also shows the shapes and the constants. A sine after a matrix product becomes a polynomial,
 * which is faster in WebAssembly.
 */
import { type Expansion, expansionOrder, type Features, reorder, viewsOf } from './expansions.ts';
import {
  floatInput,
  type Graph,
  type Node,
  numberAttributes,
  readGraph,
  tensor,
  textAttribute,
  writeModel,
} from './onnx_graph.ts';
import { type Products, type Term, termsOf } from './products.ts';
import { findSources, type Source, separate } from './separable.ts';
import { unpack } from './stream.ts';
import { type Smooth, TileGraph, type Weights } from './tile_graph.ts';
import { inline, unroll } from './unroll.ts';

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

/** What is the same for a whole column or row. */
export interface Factors {
  /** Gives the factors, those of products, and the functions of expansions; none where there are none. */
  model: Uint8Array | undefined;
  factors: Factor[];
}

export interface Plan {
  /** `x` in, float32[…, W, C] out. */
  columns: Factors;
  /** `y` in, float32[…, H, 1, C] out. */
  rows: Factors;
  /** What a tile takes of them, too. */
  products: Products[];
  expansions: Expansion[];
  /** The model of a tile: float32[C, 1, w] for each entry of columns, [C, h, 1] of rows; `image` is uint8[3, h·w]. */
  tile: Uint8Array;
  /** The same with its smooth part at points: products' inputs are of these then. */
  smooth: Smooth | undefined;
}

/** The graph has to run as it is. */
class Unsupported extends Error {}

const PROBE = {
  x: Float32Array.of(-1, -0.6, -0.3, 0, 0.3, 0.6, 1),
  y: Float32Array.of(-1, -0.4, 0, 0.4, 1),
};
const ELEMENTWISE = new Set(
  'Abs Add Cos Div Exp Max Min Mul Neg Pow QuantizeLinear Relu Sigmoid Sin Sqrt Sub Tanh'.split(' '),
);
const RESHAPING = new Set(['Identity', 'Reshape', 'Squeeze', 'Unsqueeze']);

/** The plan for an exported file, or nothing where the graph has to run as it is. */
export async function rewrite(file: Uint8Array, evaluate: Evaluate): Promise<Plan | undefined> {
  const graph = separate(await unroll(await unpack(inline(readGraph(file)), evaluate), evaluate));
  const sources = findSources(graph.nodes);
  const sourceOf = (name: string) => sources.get(name) ?? 'constant';
  const pixelNodes = graph.nodes.filter(({ outputs }) => outputs.some((name) => sourceOf(name) === 'pixels'));
  const used = new Set(pixelNodes.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]).filter(Boolean));
  const settled = findSettled(graph.nodes, sourceOf);
  try {
    const values = await evaluate(writeModel(graph, [...new Set([...used, ...settled])]), PROBE.x, PROBE.y);
    if (!Object.values(values).every(areFinite)) return undefined;
    return new Rewriter(graph, sourceOf, settled, values).run(pixelNodes);
  } catch (error) {
    if (error instanceof Unsupported) return undefined;
    throw error;
  }
}

/** Results that are the same everywhere, and are read by nodes of columns or rows: worked out once. */
function findSettled(nodes: Node[], sourceOf: (name: string) => Source): Set<string> {
  const constant = ({ outputs: [output = ''] }: Node) => sourceOf(output) === 'constant';
  const results = new Set(nodes.filter(constant).flatMap(({ outputs }) => outputs));
  const isRead = ({ outputs: [output = ''] }: Node) => ['columns', 'rows'].includes(sourceOf(output));
  const read = nodes.filter(isRead).flatMap(({ inputs }) => inputs);
  return new Set(read.filter((name) => results.has(name)));
}

class Rewriter {
  readonly #tile: TileGraph;
  readonly #factors = { columns: [] as Factor[], rows: [] as Factor[] };
  /** Columns and rows whose products add up to a value. */
  readonly #terms = new Map<string, Term[]>();
  readonly #products: Products[] = [];
  readonly #expansions: Expansion[] = [];
  /** What expansions give, where all axes after rows and columns are channels. */
  readonly #expanded = new Map<string, Features>();
  /** The tile's values that stand for a value of the exported graph: one for each entry of its leading axis. */
  readonly #entries = new Map<string, string[]>();

  constructor(
    private readonly graph: Graph,
    private readonly sourceOf: (name: string) => Source,
    private readonly settled: Set<string>,
    private readonly values: Record<string, Value>,
  ) {
    this.#tile = new TileGraph(graph);
  }

  run(nodes: Node[]): Plan {
    const uses = new Map<string, Node[]>();
    for (const node of nodes)
      for (const name of node.inputs) uses.set(name, [...(uses.get(name) ?? []), node]);
    const done = new Set<Node>();
    for (const node of nodes) {
      if (done.has(node)) continue;
      const isProduct = node.kind === 'MatMul' || (node.kind === 'Einsum' && node.inputs.length === 2);
      if (!isProduct) this.#node(node);
      else for (const part of this.#product(node, (name) => onlyOne(uses.get(name)))) done.add(part);
    }
    const [image, ...more] = this.#entries.get('image') ?? [];
    const isPicture = this.#value('image').dims.join() === [PROBE.y.length, PROBE.x.length, 3].join();
    if (!image || !isPicture || more.length > 0) throw new Unsupported('no single picture');
    const factors = [...this.#factors.columns, ...this.#factors.rows].flatMap(({ inputs }) => inputs);
    const products = this.#products.flatMap(({ inputs }) => [...inputs.columns, ...inputs.rows]);
    const parts = this.#expansions.flatMap(({ inputs }) => Object.values(inputs));
    const hasOthers = factors.length + parts.length > 0;
    return {
      columns: this.#factorModel('columns', 'x'),
      rows: this.#factorModel('rows', 'y'),
      products: this.#products,
      expansions: this.#expansions,
      tile: this.#tile.model(image, [...factors, ...products, ...parts]),
      smooth: hasOthers ? undefined : this.#tile.smooth(image, products),
    };
  }

  #factorModel(source: 'columns' | 'rows', input: string): Factors {
    const factors = this.#factors[source];
    const functions = this.#expansions.map(({ values }) => values[source]);
    const terms = this.#products.flatMap(({ values }) => values[source]);
    const outputs = new Set([...factors.map(({ value }) => value), ...terms, ...functions]);
    if (outputs.size === 0) return { model: undefined, factors };
    const nodes = this.graph.nodes.filter(({ outputs: [output = ''] }) => this.sourceOf(output) === source);
    const constants = [...this.settled].map((name) => {
      const { dims, data } = this.#value(name);
      if (!(data instanceof Float32Array || data instanceof BigInt64Array))
        throw new Unsupported('a constant of another type');
      return tensor(name, dims, data);
    });
    const initializers = [...this.graph.initializers, ...constants];
    const graph = { ...this.graph, nodes, initializers, inputs: [floatInput(input)] };
    return { model: writeModel(graph, [...outputs]), factors };
  }

  #node(node: Node): void {
    const { kind, inputs, outputs } = node;
    const [output = ''] = outputs;
    const [input = ''] = inputs;
    const features = this.#expanded.get(input);
    if (RESHAPING.has(kind) && features && this.#isExpanded(output)) {
      this.#expanded.set(output, features);
    } else if (RESHAPING.has(kind) && this.#count(input) === this.#count(output)) {
      this.#entries.set(output, this.#read(input));
    } else if (
      kind === 'Split' &&
      this.#count(input) === outputs.reduce((sum, name) => sum + this.#count(name), 0)
    ) {
      const entries = [...this.#read(input)];
      for (const name of outputs) this.#entries.set(name, entries.splice(0, this.#count(name)));
    } else if (ELEMENTWISE.has(kind) && outputs.length === 1) {
      this.#elementwise(node, output);
    } else if (kind === 'Einsum') {
      this.#expanded.set(output, this.#expansion(node));
    } else if (kind === 'Gather') {
      this.#entries.set(output, [this.#pickChannels(node)]);
    } else if (kind === 'Pad' && inputs.length <= 3) {
      this.#entries.set(output, this.#padChannels(node));
    } else throw new Unsupported(kind);
  }

  #elementwise(node: Node, output: string): void {
    const { kind, inputs, attributes } = node;
    const shapeOf = (name: string) => [this.#count(name), this.#value(name).dims.at(-1)].join();
    const terms = termsOf(node, this.#terms, this.sourceOf, shapeOf);
    if (terms) {
      this.#terms.set(output, terms);
      return;
    }
    const operands = inputs.map((name) => this.#read(name));
    const isFirst = !inputs.some((name) => this.sourceOf(name) === 'pixels');
    if (!isFirst && inputs.some((name) => ['columns', 'rows'].includes(this.sourceOf(name))))
      throw new Unsupported('a pixel with a column or row');
    const entries = Array.from({ length: this.#count(output) }, (_, k) => {
      const value = this.#tile.emit(
        kind,
        operands.map((entries) => entries[k % entries.length] ?? ''),
        attributes,
      );
      return isFirst ? this.#tile.emit('Reshape', [value, this.#tile.integers(0, -1)]) : value;
    });
    this.#entries.set(output, entries);
  }

  /** The entries of a sum of products of columns and rows: a product of matrices for each channel. */
  #sum(terms: Term[], entries: number): string[] {
    const fresh = () => Array.from({ length: entries }, this.#tile.fresh);
    const inputs = { columns: fresh(), rows: fresh() };
    const values = { columns: terms.map(({ column }) => column), rows: terms.map(({ row }) => row) };
    this.#products.push({ values, inputs });
    return inputs.rows.map((rows, k) => {
      const value = this.#tile.emit('MatMul', [rows, inputs.columns[k] ?? '']);
      return this.#tile.emit('Reshape', [value, this.#tile.integers(0, -1)]);
    });
  }

  /** Constant channels before and after. */
  #padChannels({ inputs: [input = '', pads = '', value], attributes }: Node): string[] {
    const amounts = Array.from(this.#value(pads).data, Number);
    const axes = amounts.length / 2;
    const [before = 0, after = 0] = [amounts[axes - 1], amounts[2 * axes - 1]];
    if (amounts.reduce((sum, amount) => sum + Math.abs(amount), 0) !== before + after)
      throw new Unsupported('padding of other axes than channels');
    const filling = value === undefined ? [] : this.#constants(value);
    return this.#read(input).map((entry) =>
      this.#tile.emit('Pad', [entry, this.#tile.integers(before, 0, after, 0), ...filling], attributes),
    );
  }

  /** Some channels, by a constant vector of their indices. */
  #pickChannels({ inputs: [input = '', indices = ''], attributes }: Node): string {
    const picked = this.#value(indices);
    const axes = numberAttributes(attributes).map(([, numbers]) => numbers.join());
    const isLast = axes.join() === String(this.#value(input).dims.length - 1);
    const features = this.#expanded.get(input);
    if (!features || !isLast || this.sourceOf(indices) !== 'constant' || picked.dims.length !== 1)
      throw new Unsupported('a Gather of others');
    return this.#tile.expand(features, Array.from(picked.data, Number));
  }

  #isExpanded(name: string): boolean {
    const { dims } = this.#value(name);
    return dims[0] === PROBE.y.length && dims[1] === PROBE.x.length && dims.length > 2;
  }

  /** Coefficients times functions of rows and functions of columns. */
  #expansion({ inputs, attributes }: Node): Features {
    const { terms: letters, result } = labelsOf(textAttribute(attributes, 'equation'));
    const operandFrom = (source: Source) => {
      const at = inputs.findIndex((name) => this.sourceOf(name) === source);
      return { ...this.#floats(inputs[at] ?? ''), letters: letters[at] ?? '' };
    };
    const [rows, columns, constant] = [operandFrom('rows'), operandFrom('columns'), operandFrom('constant')];
    const order = expansionOrder(result, rows, columns, constant);
    const arePoints = rows.dims.at(-1) === PROBE.y.length && columns.dims.at(-1) === PROBE.x.length;
    if (!order || !arePoints || inputs.length !== 3) throw new Unsupported('an Einsum of another kind');
    const views = { rows: viewsOf(rows, constant), columns: viewsOf(columns, constant) };
    const expansion: Expansion = {
      coefficients: reorder(constant.data, constant, order),
      counts: {
        rows: rows.data.length / (PROBE.y.length * views.rows),
        columns: columns.data.length / (PROBE.x.length * views.columns),
      },
      views,
      values: { rows: rows.name, columns: columns.name },
      inputs: { part: this.#tile.fresh(), rows: this.#tile.fresh(), columns: this.#tile.fresh() },
    };
    this.#expansions.push(expansion);
    const planes = constant.data.length / (expansion.counts.rows * expansion.counts.columns);
    return { inputs: expansion.inputs, shape: { ...views, planes } };
  }

  #floats(name: string) {
    const { dims, data } = this.#value(name);
    if (!(data instanceof Float32Array)) throw new Unsupported('an Einsum of another type');
    return { name, dims, data };
  }

  /** h W + b and its sine in one; returns the nodes that it stands for. */
  #product(product: Node, onlyUser: (name: string) => Node | undefined): Node[] {
    const [left = ''] = product.inputs;
    const parts = [product];
    let output = product.outputs[0] ?? '';
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
    const bias = isBias ? Array.from(this.#value(addend).data as ArrayLike<number>) : [0];
    const weights = { ...(product.kind === 'Einsum' ? this.#head(product) : this.#matrix(product)), bias };
    const entries = this.#read(left).map((h) =>
      isSine ? this.#tile.sine(h, weights) : this.#tile.multiply(h, weights),
    );
    this.#entries.set(output, entries);
    return parts;
  }

  #matrix({ inputs: [, name = ''] }: Node): Weights {
    const { dims, data } = this.#value(name);
    const [inputs = 0, outputs = 0] = dims.slice(-2);
    if (this.sourceOf(name) !== 'constant' || data.length !== inputs * outputs)
      throw new Unsupported('a matrix for each pixel or entry');
    return { inputs, outputs, weight: data as ArrayLike<number> };
  }

  /** The matrix that an Einsum of channels and the rows of a constant is a product with. */
  #head({ inputs: [h = '', name = ''], attributes }: Node): Weights {
    const { terms, result } = labelsOf(textAttribute(attributes, 'equation'));
    const [grid = '', rows = ''] = terms;
    const [channels, { dims, data }] = [this.#value(h).dims, this.#value(name)];
    const [outputs = 0, inputs = 0] = [dims.at(0), dims.at(-1)];
    const axes = new Set(grid.slice(-3) + rows.slice(0, 1));
    const others = [...grid.slice(0, -3), ...rows.slice(1, -1)];
    const isProduct =
      this.sourceOf(name) === 'constant' &&
      grid.length === channels.length &&
      rows.length === dims.length &&
      result === grid.slice(-3, -1) + rows.slice(0, 1) &&
      rows.at(-1) === grid.at(-1) &&
      axes.size === 4;
    // All other axes have one entry.
    const hasOthers =
      others.some((label) => axes.has(label)) || channels.slice(0, -3).some((size) => size !== 1);
    if (!isProduct || hasOthers || inputs !== channels.at(-1) || data.length !== outputs * inputs)
      throw new Unsupported('a sum that is no matrix product');
    const values = data as ArrayLike<number>;
    const turned = (_: unknown, k: number) => values[(k % outputs) * inputs + Math.floor(k / outputs)] ?? 0;
    return { inputs, outputs, weight: Array.from({ length: inputs * outputs }, turned) };
  }

  /** The tile's values for a value of the exported graph. */
  #read(name: string): string[] {
    const known = this.#entries.get(name);
    if (known) return known;
    const features = this.#expanded.get(name);
    if (features) {
      const { columns, rows, planes } = features.shape;
      const all = this.#tile.expand(features, [...Array(columns * rows * planes).keys()]);
      this.#entries.set(name, [all]);
      return [all];
    }
    const source = this.sourceOf(name);
    const terms = this.#terms.get(name);
    if (terms) {
      const sums = this.#sum(terms, this.#count(name));
      this.#entries.set(name, sums);
      return sums;
    }
    const entries = source === 'constant' ? this.#constants(name) : this.#inputs(name, source);
    this.#entries.set(name, entries);
    return entries;
  }

  #constants(name: string): string[] {
    const { dims, data } = this.#value(name);
    const values = Float32Array.from(data as ArrayLike<number>);
    if (values.length === 1) return [this.#tile.constant([], values)];
    const channels = dims.at(-1) ?? 1;
    return Array.from({ length: values.length / channels }, (_, k) =>
      this.#tile.constant([channels, 1], values.slice(k * channels, (k + 1) * channels)),
    );
  }

  #inputs(value: string, source: Source): string[] {
    if (source !== 'columns' && source !== 'rows') throw new Unsupported('a value out of order');
    const inputs = Array.from({ length: this.#count(value) }, () => this.#tile.fresh());
    this.#factors[source].push({ value, inputs });
    return inputs;
  }

  /** How many entries of the leading axis a value has, for each a channel vector per column, row or pixel. */
  #count(name: string): number {
    const { dims, data } = this.#value(name);
    if (this.#expanded.has(name)) return 1;
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
}

function onlyOne<T>(items: T[] | undefined): T | undefined {
  return items?.length === 1 ? items[0] : undefined;
}

/** An Einsum's labels of what goes in, and of what comes out: without an arrow, those that occur once. */
function labelsOf(equation: string): { terms: string[]; result: string } {
  const [terms = '', result] = equation.replaceAll(' ', '').split('->');
  const labels = [...terms.replaceAll(',', '')];
  const once = labels.filter((label) => labels.indexOf(label) === labels.lastIndexOf(label));
  return { terms: terms.split(','), result: result ?? once.sort().join('') };
}

/** Numbers that are too large to be taken apart are infinite. */
function areFinite({ data }: Value): boolean {
  if (!(data instanceof Float32Array)) return true;
  // Zero times any other number is none.
  let sum = 0;
  for (let k = 0; k < data.length; k++) sum += 0 * (data[k] as number);
  return sum === 0;
}
