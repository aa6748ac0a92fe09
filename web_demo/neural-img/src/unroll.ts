/** Steps that a graph repeats, written out: a network's layers, which a file has as a Scan. */
import { type Body, bodyOf, type Graph, type Node, tensor, writeModel } from './onnx_graph.ts';
import type { Evaluate } from './rewrite.ts';
import { findSources } from './separable.ts';
import { attributesOf } from './stream.ts';

/** More are no layers, but work for a loop. */
const MOST_STEPS = 64;

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
  const node = (kind: string, inputs: string[], outputs: string[]) => ({
    kind,
    inputs,
    outputs,
    attributes: [],
  });
  const nodes: Node[] = [];
  for (const stack of stacks) {
    const parts = Array.from({ length: count }, (_, k) => at(stack, k));
    const kept = parts.map((part) => `${part}, with its axis`);
    nodes.push(node('Split', [stack, ones], kept));
    nodes.push(...parts.map((part, k) => node('Squeeze', [kept[k] ?? '', axis], [part])));
  }
  let states = scan.inputs.slice(0, scan.outputs.length);
  for (let k = 0; k < count; k++) {
    const read = scan.inputs.map((name, i) => states[i] ?? at(name, k));
    const names = new Map(step.inputs.map((name, i) => [name, read[i] ?? '']));
    const outer = (name: string) => names.get(name) ?? name;
    for (const inner of step.nodes) {
      const inputs = inner.inputs.map(outer);
      // An optional result that is left out has no name.
      for (const name of inner.outputs) if (name) names.set(name, at(`${name} within`, k));
      nodes.push({ ...inner, inputs, outputs: inner.outputs.map(outer) });
    }
    states = step.outputs.map(outer);
  }
  nodes.push(...scan.outputs.map((name, i) => node('Identity', [states[i] ?? ''], [name])));
  const whole = (name: string, ...numbers: bigint[]) =>
    tensor(name, [numbers.length], BigInt64Array.from(numbers));
  return { nodes, initializers: [whole(ones, ...Array<bigint>(count).fill(1n)), whole(axis, 0n)] };
}
