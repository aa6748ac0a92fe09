import { type Graph, type Node, tensor, writeModel } from '../neural-img/src/onnx_graph.ts';
import { concat, field } from '../neural-img/src/protobuf.ts';

/** Writes graphs whose picture is one Einsum, as the exporter might, and others. */

/** The lengths of axes; all others have 1. */
export const SIZES: Record<string, number> = { a: 12, b: 9, k: 3, l: 2, m: 2, p: 3, u: 2, v: 3 };

/** A constant's entries, worked out by the graph. */
export const entry = (k: number) => Math.cos(k);

/**
 * Operands with h or w first or last are windowed waves of y or x, of which `repeated` axes have but one entry.
 * All channels are shown, or those `picked`, three.
 */
export function expansionModel(equation: string, repeated = '', picked: number[] = []): Uint8Array {
  const graph: Graph = {
    nodes: [],
    initializers: ['0', '1', '2', '12', '64', `${Math.PI}`].map(number),
    inputs: ['x', 'y'].map(vectorInput),
    opsets: [field(2, 21)],
    functions: [],
  };
  const terms = equation.split('->')[0]?.split(',') ?? [];
  const operands = terms.map((letters, k) => {
    const isFunction = /^[hw]|[hw]$/.test(letters);
    if (isFunction) addWaves(graph, `${k}:`, letters, repeated);
    else addConstant(graph, `${k}:`, letters);
    return `${k}:`;
  });
  graph.nodes.push(
    node('Einsum', operands, 'sum', concat(field(1, 'equation'), field(4, equation), field(20, 3))),
  );
  if (picked.length > 0) addPick(graph, picked);
  graph.nodes.push(
    node('Add', [picked.length > 0 ? 'picked' : 'sum', '2'], 'planes'),
    node('Mul', ['planes', '64'], 'levels'),
    node('QuantizeLinear', ['levels', '1'], 'image'),
  );
  return writeModel(graph, ['image']);
}

function addPick({ nodes, initializers }: Graph, picked: number[]): void {
  initializers.push(
    tensor('shape', [3], BigInt64Array.of(0n, 0n, -1n)),
    tensor('indices', [picked.length], BigInt64Array.from(picked, BigInt)),
  );
  nodes.push(
    node('Reshape', ['sum', 'shape'], 'channels'),
    node('Gather', ['channels', 'indices'], 'picked', concat(field(1, 'axis'), field(3, 2), field(20, 2))),
  );
}

const product = (sizes: number[]) => sizes.reduce((all, size) => all * size, 1);

function addConstant({ nodes, initializers }: Graph, name: string, letters: string): void {
  const sizes = [...letters].map((letter) => SIZES[letter] ?? 1);
  initializers.push(
    tensor(`${name}count`, [], Float32Array.of(product(sizes))),
    tensor(`${name}sizes`, [sizes.length], BigInt64Array.from(sizes, BigInt)),
  );
  nodes.push(
    node('Range', ['0', `${name}count`, '1'], `${name}range`),
    node('Cos', [`${name}range`], `${name}entries`),
    node('Reshape', [`${name}entries`, `${name}sizes`], name),
  );
}

/** Each is zero on most of the picture. */
function addWaves({ nodes, initializers }: Graph, name: string, letters: string, repeated: string): void {
  const point = letters.endsWith('h') || letters.startsWith('h') ? 'h' : 'w';
  const own = [...letters.replace(point, '')];
  const sizes = own.map((letter) => (letter === repeated ? 1 : (SIZES[letter] ?? 1)));
  const starts = Float32Array.from({ length: product(sizes) }, (_, k) => 15 - (28 * k) / product(sizes));
  initializers.push(tensor(`${name}starts`, [...sizes, 1], starts));
  const isLast = letters.endsWith(point);
  nodes.push(
    node('Mul', [point === 'h' ? 'y' : 'x', '12'], `${name}places`),
    node('Add', [`${name}places`, `${name}starts`], `${name}angles`),
    node('Clip', [`${name}angles`, '0', `${Math.PI}`], `${name}inside`),
    node('Sin', [`${name}inside`], isLast ? name : `${name}waves`),
  );
  if (isLast) return;
  const axes = [sizes.length, ...sizes.keys()].map((axis) => field(8, axis));
  nodes.push(node('Transpose', [`${name}waves`], name, concat(field(1, 'perm'), ...axes, field(20, 7))));
}

function node(kind: string, inputs: string[], output: string, ...attributes: Uint8Array[]): Node {
  return { kind, inputs, outputs: [output], attributes };
}

const number = (value: string) => tensor(value, [], Float32Array.of(Number(value)));

function vectorInput(name: string): Uint8Array {
  const shape = field(2, field(1, field(2, name)));
  return concat(field(1, name), field(2, field(1, concat(field(1, 1), shape))));
}
