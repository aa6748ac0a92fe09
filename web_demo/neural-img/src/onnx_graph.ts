/** Takes an ONNX file apart into nodes, and puts models together. */
import { concat, decodeText, field, fields } from './protobuf.ts';

export interface Node {
  /** What it does; that of a foreign domain has it in front. */
  kind: string;
  inputs: string[];
  outputs: string[];
  /** Encoded AttributeProtos. */
  attributes: Uint8Array[];
}

export interface Graph {
  nodes: Node[];
  /** Encoded TensorProtos. */
  initializers: Uint8Array[];
  /** Encoded ValueInfoProtos. */
  inputs: Uint8Array[];
  /** Encoded OperatorSetIdProtos. */
  opsets: Uint8Array[];
  /** Encoded FunctionProtos. */
  functions: Uint8Array[];
}

// Field numbers of onnx.proto.
const MODEL = { irVersion: 1, graph: 7, opsetImport: 8, function: 25 };
const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12, sparseInitializer: 15 };
const FUNCTION = { name: 1, input: 4, output: 5, attribute: 6, node: 7, domain: 10, default: 11 };
const NODE = { input: 1, output: 2, opType: 4, attribute: 5, domain: 7 };
const ATTRIBUTE = { name: 1, number: 3, text: 4, graph: 6, numbers: 8, graphs: 11, type: 20 };
const ATTRIBUTE_NUMBER = 2;
const TENSOR = { dims: 1, dataType: 2, name: 8, rawData: 9 };
const VALUE = { name: 1, type: 2 };
const TYPE = { tensor: 1 };
const TENSOR_TYPE = { elemType: 1 };
const IR_VERSION = 10;
const FLOAT = 1;
const INT64 = 7;

export function readGraph(file: Uint8Array): Graph {
  const graph: Graph = { nodes: [], initializers: [], inputs: [], opsets: [], functions: [] };
  for (const { number, bytes } of fields(file)) {
    if (number === MODEL.opsetImport) graph.opsets.push(bytes);
    if (number === MODEL.function) graph.functions.push(bytes);
    if (number !== MODEL.graph) continue;
    graph.nodes.push(...parts(bytes, GRAPH.node).map(readNode));
    graph.initializers.push(...parts(bytes, GRAPH.initializer));
    graph.inputs.push(...parts(bytes, GRAPH.input));
  }
  return graph;
}

/** The fields of that number. */
const parts = (message: Uint8Array, number: number) =>
  [...fields(message)].filter((part) => part.number === number).map(({ bytes }) => bytes);

const textOf = (message: Uint8Array, number: number) => parts(message, number).map(decodeText).join('');

function readNode(message: Uint8Array): Node {
  const node: Node = { kind: '', inputs: [], outputs: [], attributes: [] };
  for (const { number, bytes } of fields(message)) {
    if (number === NODE.input) node.inputs.push(decodeText(bytes));
    if (number === NODE.output) node.outputs.push(decodeText(bytes));
    if (number === NODE.opType) node.kind = decodeText(bytes);
    if (number === NODE.attribute) node.attributes.push(bytes);
  }
  node.kind = textOf(message, NODE.domain) + node.kind;
  return node;
}

/** The text of the attribute of that name; empty where there is none. */
export function textAttribute(attributes: Uint8Array[], name: string): string {
  const attribute = attributes.find((one) => textOf(one, ATTRIBUTE.name) === name);
  return attribute ? textOf(attribute, ATTRIBUTE.text) : '';
}

/** Names of attributes, with the whole numbers that they hold, none of them negative. */
export function numberAttributes(attributes: Uint8Array[]): [string, number[]][] {
  const held: number[] = [ATTRIBUTE.number, ATTRIBUTE.numbers];
  return attributes.map((attribute) => [
    textOf(attribute, ATTRIBUTE.name),
    [...fields(attribute)].flatMap(({ number, varint }) => (held.includes(number) ? [varint] : [])),
  ]);
}

/** An attribute, a whole number. */
export function numberAttribute(name: string, value: number): Uint8Array {
  return concat(
    field(ATTRIBUTE.name, name),
    field(ATTRIBUTE.number, value),
    field(ATTRIBUTE.type, ATTRIBUTE_NUMBER),
  );
}

/** What a node repeats or calls: names of what goes in and comes out, and the nodes between. */
export interface Body {
  inputs: string[];
  outputs: string[];
  nodes: Node[];
}

/** The graph that a node repeats, if it has one without constants and graphs of its own. */
export function bodyOf({ attributes }: Node): Body | undefined {
  const [graph, ...others] = graphsIn(attributes);
  if (!graph || others.length > 0) return;
  if ([GRAPH.initializer, GRAPH.sparseInitializer].some((number) => parts(graph, number).length > 0)) return;
  const names = (number: number) => parts(graph, number).map((value) => textOf(value, VALUE.name));
  const nodes = parts(graph, GRAPH.node).map(readNode);
  if (nodes.some(hasGraph)) return;
  return { inputs: names(GRAPH.input), outputs: names(GRAPH.output), nodes };
}

/** What nodes call, by their kind: functions without attributes, whose nodes call none. */
export function functionsOf(graph: Graph): Map<string, Body> {
  const found = new Map<string, Body>();
  for (const one of graph.functions) {
    const nodes = parts(one, FUNCTION.node).map(readNode);
    const own = [FUNCTION.attribute, FUNCTION.default].flatMap((number) => parts(one, number));
    if (own.length > 0 || nodes.some(hasGraph)) continue;
    const [inputs, outputs] = [FUNCTION.input, FUNCTION.output].map((n) => parts(one, n).map(decodeText));
    const kind = textOf(one, FUNCTION.domain) + textOf(one, FUNCTION.name);
    found.set(kind, { inputs: inputs ?? [], outputs: outputs ?? [], nodes });
  }
  const calls = ({ nodes }: Body) => nodes.some(({ kind }) => found.has(kind));
  return new Map([...found].filter(([, body]) => !calls(body)));
}

/** Whether an attribute is a graph: what it reads of the values around is not among the node's inputs. */
export function hasGraph({ attributes }: Node): boolean {
  return graphsIn(attributes).length > 0;
}

const graphsIn = (attributes: Uint8Array[]) =>
  attributes.flatMap((attribute) => [
    ...parts(attribute, ATTRIBUTE.graph),
    ...parts(attribute, ATTRIBUTE.graphs),
  ]);

/** A whole model, with the constants it needs; ONNX Runtime finds the outputs' types by itself. */
export function writeModel({ nodes, initializers, inputs, opsets }: Graph, outputs: string[]): Uint8Array {
  const read = new Set([...nodes.flatMap(({ inputs }) => inputs), ...outputs]);
  // Graphs within nodes may read all of them.
  const isNeeded = nodes.some(hasGraph)
    ? () => true
    : (tensor: Uint8Array) => read.has(textOf(tensor, TENSOR.name));
  const graph = concat(
    ...nodes.map((node) => field(GRAPH.node, writeNode(node))),
    field(GRAPH.name, 'g'),
    ...initializers.filter(isNeeded).map((tensor) => field(GRAPH.initializer, tensor)),
    ...inputs.map((input) => field(GRAPH.input, input)),
    ...outputs.map((name) => field(GRAPH.output, field(VALUE.name, name))),
  );
  const imports = opsets.map((opset) => field(MODEL.opsetImport, opset));
  return concat(field(MODEL.irVersion, IR_VERSION), field(MODEL.graph, graph), ...imports);
}

function writeNode({ kind, inputs, outputs, attributes }: Node): Uint8Array {
  return concat(
    ...inputs.map((name) => field(NODE.input, name)),
    ...outputs.map((name) => field(NODE.output, name)),
    field(NODE.opType, kind),
    ...attributes.map((attribute) => field(NODE.attribute, attribute)),
  );
}

export function floatInput(name: string): Uint8Array {
  return concat(
    field(VALUE.name, name),
    field(VALUE.type, field(TYPE.tensor, field(TENSOR_TYPE.elemType, FLOAT))),
  );
}

export function tensor(
  name: string,
  dims: readonly number[],
  data: Float32Array | BigInt64Array,
): Uint8Array {
  return concat(
    ...dims.map((dim) => field(TENSOR.dims, dim)),
    field(TENSOR.dataType, data instanceof Float32Array ? FLOAT : INT64),
    field(TENSOR.name, name),
    field(TENSOR.rawData, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
  );
}
