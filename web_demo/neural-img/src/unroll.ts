/** Steps that a graph repeats, written out: functions, and a network's layers, which a file has as a Scan. */
import { type Body, bodyOf, functionsOf, type Graph, type Node, tensor, writeModel } from './onnx_graph.ts';
import type { Evaluate } from './rewrite.ts';
import { findSources } from './separable.ts';
import { attributesOf } from './stream.ts';

/** More are no layers, but work for a loop. */
const MOST_STEPS = 64;

/** The graph with functions' nodes in the place of their calls. */
export function inline(graph: Graph): Graph {
  const functions = functionsOf(graph);
  const nodes = graph.nodes.flatMap((call) => {
    const called = functions.get(call.kind);
    return called ? calledNodes(call, called) : call;
  });
  return { ...graph, nodes };
}

function calledNodes(call: Node, { inputs, outputs, nodes }: Body): Node[] {
  // What is left out has no name.
  const names = new Map(inputs.map((name, i) => [name, call.inputs[i] ?? '']));
  const written = renamed(nodes, names, (name) => `${name} within ${call.outputs[0]}`);
  const results = call.outputs.map((name, i) =>
    plain('Identity', [names.get(outputs[i] ?? '') ?? ''], [name]),
  );
  return [...written, ...results.filter(({ outputs: [name] }) => name)];
}

/** Nodes that read what `names` says, and give values fresh names, which are added to it. */
function renamed(nodes: Node[], names: Map<string, string>, fresh: (name: string) => string): Node[] {
  const outer = (name: string) => names.get(name) ?? name;
  return nodes.map((node) => {
    const inputs = node.inputs.map(outer);
    // An optional result that is left out has no name.
    for (const name of node.outputs) if (name) names.set(name, fresh(name));
    return { ...node, inputs, outputs: node.outputs.map(outer) };
  });
}

const plain = (kind: string, inputs: string[], outputs: string[]): Node => ({
  kind,
  inputs,
  outputs,
  attributes: [],
});

/**
 * The graph with the steps of Scans in their place, if those are such as layers are: only last states come out of
 * them, their bodies are plain nodes, a constant is among what they go along, and they are few.
 */
export async function unroll(graph: Graph, evaluate: Evaluate): Promise<Graph> {
  for (const [at, scan] of graph.nodes.entries()) {
    const step = scan.kind === 'Scan' && bodyOf(scan);
    if (!step || !isUsual(scan, step)) continue;
    const stacks = [...new Set(scan.inputs.slice(scan.outputs.length))];
    const before = { ...graph, nodes: graph.nodes.slice(0, at) };
    // All have as many parts; one of x or y, which may go along the picture, does not tell how many.
    const sources = findSources(graph.nodes);
    const constant = stacks.find((name) => (sources.get(name) ?? 'constant') === 'constant');
    if (constant === undefined) continue;
    const point = Float32Array.of(0);
    const values = await evaluate(writeModel(before, [constant]), point, point);
    const count = values[constant]?.dims[0] ?? 0;
    if (count < 1 || count > MOST_STEPS) continue;
    const { nodes, initializers } = writtenOut(scan, step, stacks, count);
    const written = {
      ...graph,
      nodes: [...before.nodes, ...nodes, ...graph.nodes.slice(at + 1)],
      initializers: [...graph.initializers, ...initializers],
    };
    return unroll(written, evaluate);
  }
  return graph;
}

/** Whether nothing comes out of each step, and steps are in the usual order. */
function isUsual(scan: Node, step: Body): boolean {
  const { inputs, outputs } = scan;
  return (
    attributesOf(scan).sort().join() === `body=,num_scan_inputs=${inputs.length - outputs.length}` &&
    step.outputs.length === outputs.length &&
    step.inputs.length === inputs.length &&
    outputs.length < inputs.length
  );
}

function writtenOut(scan: Node, step: Body, stacks: string[], count: number) {
  const [result = ''] = scan.outputs;
  const at = (name: string, k: number) => `${name} at step ${k} of ${result}`;
  const [ones, axis] = [`steps of ${result}`, `axis of ${result}`];
  const nodes: Node[] = [];
  for (const stack of stacks) {
    const parts = Array.from({ length: count }, (_, k) => at(stack, k));
    const kept = parts.map((part) => `${part}, with its axis`);
    nodes.push(plain('Split', [stack, ones], kept));
    nodes.push(...parts.map((part, k) => plain('Squeeze', [kept[k] ?? '', axis], [part])));
  }
  let states = scan.inputs.slice(0, scan.outputs.length);
  for (let k = 0; k < count; k++) {
    const read = scan.inputs.map((name, i) => states[i] ?? at(name, k));
    const names = new Map(step.inputs.map((name, i) => [name, read[i] ?? '']));
    nodes.push(...renamed(step.nodes, names, (name) => at(`${name} within`, k)));
    states = step.outputs.map((name) => names.get(name) ?? name);
  }
  nodes.push(...scan.outputs.map((name, i) => plain('Identity', [states[i] ?? ''], [name])));
  const whole = (name: string, ...numbers: bigint[]) =>
    tensor(name, [numbers.length], BigInt64Array.from(numbers));
  return { nodes, initializers: [whole(ones, ...Array<bigint>(count).fill(1n)), whole(axis, 0n)] };
}
