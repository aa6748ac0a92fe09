/** The sine of a column's part plus a row's, from sines and cosines of either: no pixel has one of its own. */
import type { Graph, Node } from './onnx_graph.ts';

/** What a value depends on. */
export type Source = 'constant' | 'columns' | 'rows' | 'pixels';

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

/** The graph with sin(a + b) written as sin a · cos b + cos a · sin b. */
export function separate(graph: Graph): Graph {
  const sources = findSources(graph.nodes);
  const uses = graph.nodes.flatMap(({ inputs }) => inputs);
  const replaced = new Map<Node, Node[]>();
  for (const sine of graph.nodes) {
    const [argument = ''] = sine.inputs;
    const sum = graph.nodes.find(({ outputs }) => outputs.includes(argument));
    if (sine.kind !== 'Sin' || sum?.kind !== 'Add') continue;
    const isOfBoth =
      sum.inputs
        .map((name) => sources.get(name))
        .sort()
        .join() === 'columns,rows';
    if (!isOfBoth || uses.filter((name) => name === argument).length > 1) continue;
    replaced.set(sum, []).set(sine, separated(sum.inputs, sine.outputs[0] ?? ''));
  }
  return { ...graph, nodes: graph.nodes.flatMap((node) => replaced.get(node) ?? [node]) };
}

function separated([a = '', b = '']: string[], output: string): Node[] {
  const node = (kind: string, inputs: string[], name = `${kind} ${inputs} for ${output}`): Node => ({
    kind,
    inputs,
    outputs: [name],
    attributes: [],
  });
  const [sinA, cosB, cosA, sinB] = [node('Sin', [a]), node('Cos', [b]), node('Cos', [a]), node('Sin', [b])];
  const product = (one: Node, other: Node) => node('Mul', [...one.outputs, ...other.outputs]);
  const [half, otherHalf] = [product(sinA, cosB), product(cosA, sinB)];
  const halves = [...half.outputs, ...otherHalf.outputs];
  return [sinA, cosB, cosA, sinB, half, otherHalf, node('Add', halves, output)];
}
