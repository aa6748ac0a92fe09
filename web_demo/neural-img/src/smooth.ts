/**
 * What is smooth is worked out at few points of a tile, and interpolated: sums and products of what columns and rows
 * give, sines of low frequency. That is all of a filter network up to its picture, and a SIREN's first two layers up to
 * the second's sines.
 */
import { NOISE } from './interpolation.ts';
import { type Node, numberAttribute } from './onnx_graph.ts';

const SMOOTH = new Set(['MatMul', 'Reshape', 'Gemm', 'Add', 'Sub', 'Sum', 'Mul', 'Neg', 'Identity']);
// Turns are shorter than radians.
const NEGLIGIBLE = NOISE / (2 * Math.PI);

/** Inputs: what columns take of values at points, [points, w], and what rows take, [h, points]. */
export const WEIGHTS = { columns: 'to columns', rows: 'to rows' };

/** What a tile's graph has before it needs pixels. */
export interface SmoothPart {
  nodes: Node[];
  /** The values that come of it. */
  ends: string[];
  /** All other nodes. */
  others: Node[];
}

/** The smooth part, given what products take, and constants; nothing if that has no product with weights. */
export function smoothPart(
  nodes: Node[],
  inputs: Iterable<string>,
  constants: { has(name: string): boolean },
): SmoothPart | undefined {
  const known = new Set(inputs);
  const isSmooth = ({ kind, inputs, outputs }: Node) => {
    const is = SMOOTH.has(kind) && inputs.every((name) => known.has(name) || constants.has(name));
    if (is) for (const name of outputs) known.add(name);
    return is;
  };
  const part: SmoothPart = { nodes: [], ends: [], others: [] };
  for (const node of nodes) (isSmooth(node) ? part.nodes : part.others).push(node);
  const read = new Set(part.others.flatMap(({ inputs }) => inputs));
  part.ends = part.nodes.flatMap(({ outputs }) => outputs).filter((name) => read.has(name));
  const hasWeights = part.nodes.some(({ kind }) => kind === 'Gemm');
  return hasWeights && part.ends.length > 0 ? part : undefined;
}

/** The nodes with interpolation after the smooth part; `integers` gives the name of a constant. */
export function interpolated(
  { nodes, ends, others }: SmoothPart,
  integers: (...values: number[]) => string,
): Node[] {
  const atPoints = (name: string) => (ends.includes(name) ? `${name} at points` : name);
  const flat = integers(0, -1);
  const node = (kind: string, inputs: string[], output: string, attributes: Uint8Array[] = []) => ({
    kind,
    inputs,
    outputs: [output],
    attributes,
  });
  return [
    ...nodes.map((own) => ({
      ...own,
      inputs: own.inputs.map(atPoints),
      outputs: own.outputs.map(atPoints),
    })),
    node('Shape', [WEIGHTS.rows], 'size of rows'),
    node('Shape', [WEIGHTS.columns], 'size of columns'),
    node('Gather', ['size of rows', integers(1)], 'rows'),
    node('Gather', ['size of columns', integers(0)], 'columns'),
    node('Concat', [integers(-1), 'rows', 'columns'], 'shape', [numberAttribute('axis', 0)]),
    ...ends.flatMap((name) => [
      node('Reshape', [atPoints(name), 'shape'], `${name} on a grid`),
      node('MatMul', [WEIGHTS.rows, `${name} on a grid`], `${name} along rows`),
      node('MatMul', [`${name} along rows`, WEIGHTS.columns], `${name} along both`),
      node('Reshape', [`${name} along both`, flat], name),
    ]),
    ...others,
  ];
}

/**
 * How many points the ends need along columns or rows, given what coefficients of inputs do not exceed along these, and
 * the sizes of all else: how large inputs are along the others, and how much weights and other constants enlarge what
 * they are multiplied with.
 */
export function pointsNeeded(
  { nodes, ends }: SmoothPart,
  inputs: ReadonlyMap<string, Float64Array>,
  sizes: ReadonlyMap<string, number>,
): number {
  const spectra = new Map(inputs);
  const constant = Float64Array.of(1);
  const of = (name: string) => spectra.get(name) ?? Float64Array.of(sizes.get(name) ?? 1);
  for (const { kind, inputs, outputs } of nodes) {
    const operands = inputs.map(of);
    const [first = constant, second = constant, third = constant] = operands;
    let result = first;
    // Degrees add up where values are multiplied.
    if (kind === 'MatMul' || kind === 'Mul') result = product(first, second);
    else if (kind === 'Gemm') result = largest([product(first, second), third]);
    else if (kind !== 'Reshape') result = largest(operands);
    for (const name of outputs) spectra.set(name, result);
  }
  return largest(ends.map(of)).findLastIndex((size) => size > NEGLIGIBLE) + 1 || 1;
}

function product(a: Float64Array, b: Float64Array): Float64Array {
  const all = new Float64Array(a.length + b.length - 1);
  a.forEach((size, i) => {
    b.forEach((other, j) => {
      all[i + j] = (all[i + j] as number) + size * other;
    });
  });
  return all;
}

function largest(spectra: Float64Array[]): Float64Array {
  const length = Math.max(...spectra.map((own) => own.length));
  return Float64Array.from({ length }, (_, k) => Math.max(...spectra.map((own) => own[k] ?? 0)));
}
