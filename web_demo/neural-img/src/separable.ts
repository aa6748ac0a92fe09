/** Sines and exponentials of a column's part plus a row's, from those of either: no pixel has its own. */
import { type Graph, hasGraph, type Node } from './onnx_graph.ts';

/** What a value depends on. */
export type Source = 'constant' | 'columns' | 'rows' | 'pixels';

/** Names of a column's part and of a row's. */
type Parts = [string, string];

/** Functions of a sum, as a sum of products of functions of its parts. */
const OF_SUMS: Record<string, Parts[]> = {
  Sin: [
    ['Sin', 'Cos'],
    ['Cos', 'Sin'],
  ],
  Exp: [['Exp', 'Exp']],
};

export function findSources(nodes: Node[]): Map<string, Source> {
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

/**
 * The graph with products of columns and rows where there was a function of both.
 *
 * sin(a + b) = sin a · cos b + cos a · sin b and exp(a + b) = exp a · exp b; a sine divided by such an exponential
 * has divided factors.
 */
export function separate(graph: Graph): Graph {
  if (graph.nodes.some(hasGraph)) return graph;
  const separator = new Separator(findSources(graph.nodes));
  const parts = new Map(graph.nodes.map((node) => [node, separator.add(node)]));
  const reads = new Map<string, number>();
  const countReads = (node: Node, by: number) => {
    for (const name of node.inputs) reads.set(name, (reads.get(name) ?? 0) + by);
  };
  for (const node of graph.nodes) countReads(node, 1);
  // What comes out of the whole.
  reads.set('image', 1);
  const apart = new Set<string>();
  const replaced = new Map<Node, Node[]>();
  for (const node of [...graph.nodes].reverse()) {
    const output = node.outputs[0] ?? '';
    if (!separator.products.has(output) && !(separator.sums.has(output) && apart.has(output))) continue;
    // Others may have need of its parts alone.
    const isWhole = (reads.get(output) ?? 0) > 0;
    const written = [...(parts.get(node) ?? []), ...(isWhole ? separator.whole(node) : [])];
    replaced.set(node, written);
    if (!written.includes(node)) countReads(node, -1);
    for (const name of node.inputs) apart.add(name);
  }
  return { ...graph, nodes: graph.nodes.flatMap((node) => replaced.get(node) ?? [node]) };
}

/** Takes values over the grid apart, as sums of parts or as sums of products of parts. */
class Separator {
  readonly sums = new Map<string, Parts>();
  readonly products = new Map<string, Parts[]>();
  #parts = 0;

  constructor(private readonly sources: Map<string, Source>) {}

  /** What gives the parts of the next node's result; nothing if it has none. */
  add({ kind, inputs, outputs }: Node): Node[] {
    const [output = ''] = outputs;
    if (this.sources.get(output) !== 'pixels') return [];
    if (kind === 'Add' || kind === 'Sum') return this.#addSum(output, inputs);
    if (kind === 'Mul') return this.#scaleSum(output, inputs);
    const made = this.#factors(kind, inputs).map((pair) =>
      pair.map(([kind, ...inputs]) => this.#node(kind, inputs, output)),
    );
    if (made.length > 0)
      this.products.set(
        output,
        made.map(([column, row]) => [column?.outputs[0] ?? '', row?.outputs[0] ?? '']),
      );
    return made.flat();
  }

  /** What a product's factors are made of, by columns and by rows: an operation and its operands. */
  #factors(kind: string, [first = '', second = '']: string[]): [string, ...string[]][][] {
    const [a, b] = this.sums.get(first) ?? [];
    const functions = OF_SUMS[kind];
    if (functions && a && b)
      return functions.map(([f, g]) => [
        [f, a],
        [g, b],
      ]);
    const [divisor, ...others] = this.products.get(second) ?? [];
    if (kind !== 'Div' || !divisor || others.length > 0) return [];
    const divided = this.products.get(first) ?? [];
    return divided.map((factors) => factors.map((factor, k) => ['Div', factor, divisor[k] ?? '']));
  }

  #addSum(output: string, addends: string[]): Node[] {
    const [columns, rows]: [string[], string[]] = [[], []];
    for (const name of addends) {
      const [column, row] = this.sums.get(name) ?? [];
      const source = this.sources.get(name);
      if (column && row) {
        columns.push(column);
        rows.push(row);
      } else if (source === 'pixels') return [];
      else (source === 'columns' ? columns : rows).push(name);
    }
    const added = [columns, rows].map((names) =>
      names.length > 1 ? [this.#node('Sum', names, output)] : [],
    );
    const [column = '', row = ''] = [columns, rows].map((names, k) => added[k]?.[0]?.outputs[0] ?? names[0]);
    this.sums.set(output, [column, row]);
    return added.flat();
  }

  #scaleSum(output: string, factors: string[]): Node[] {
    const sum = factors.find((name) => this.sums.has(name)) ?? '';
    const factor = factors.find((name) => (this.sources.get(name) ?? 'constant') === 'constant');
    const parts = this.sums.get(sum);
    if (!parts || !factor) return [];
    const scaled = parts.map((part) => this.#node('Mul', [part, factor], output));
    const [column = '', row = ''] = scaled.flatMap(({ outputs }) => outputs);
    this.sums.set(output, [column, row]);
    return scaled;
  }

  /** What gives the node's result: itself if that is a sum. */
  whole(node: Node): Node[] {
    const [output = ''] = node.outputs;
    const products = this.products.get(output)?.map((parts) => this.#node('Mul', parts, output));
    if (!products) return [node];
    const names = products.flatMap(({ outputs }) => outputs);
    return [...products, this.#node(names.length === 2 ? 'Add' : 'Identity', names, output, output)];
  }

  #node(kind: string, inputs: string[], output: string, name?: string): Node {
    const outputs = [name ?? `part ${this.#parts++} of ${output}`];
    return { kind, inputs, outputs, attributes: [] };
  }
}
