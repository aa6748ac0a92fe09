/**
 * Entropy-coded codes, which a graph decodes by a Scan, decoded here: the same numbers, many times as fast.
 *
 * A step of the Scan takes one code of every lane: range asymmetric numeral systems (Duda 2013), with contexts.
 * ONNX Runtime copies all that a step remembers, and looks a symbol up by comparing it with each.
 */
import { bodyOf, type Graph, type Node, numberAttributes, tensor, writeModel } from './onnx_graph.ts';
import type { Evaluate, Value } from './rewrite.ts';

const INPUTS = ['state', 'last', 'before', 'prior'];
const OUTPUTS = ['next_state', 'next_last', 'next_before', 'code'];
/** What the Scan does at a step: value = operation, operands, attributes. */
const STEP = `
near = Gather before places axis=1
activity = Conv near weights prior pads=1,1
is_above = Less limits activity
starts = Where is_above total zero
start = ReduceSum starts entries
low = Mod state total
slot = Add start low
is_below = Less slot each_top
ones = Where is_below zero one
symbol = ReduceSum ones entries
turn = Div state total
turns = Add turn one
frequency = Gather frequencies symbol
scaled = Mul turns frequency
top = Gather tops symbol
rest = Sub slot top
short = Add scaled rest
is_low = Less short least
reads = Where is_low one zero
ahead = CumSum reads across
read = Add ahead last
longer = Mul short word
taken = Gather words read
filled = Add longer taken
rank = Mod symbol symbols
code = Gather codes rank
size = Abs code
sizes = Concat size before axis=1
next_state = Where is_low filled short
next_last = ReduceMax read
next_before = Slice sizes origin remembered
`;

const NOTHING: Value = { dims: [], data: [] };

/** The graph with the codes in the place of their Scan, if that is known here. */
export async function unpack(graph: Graph, evaluate: Evaluate): Promise<Graph> {
  const known = graph.nodes.map((node) => (node.kind === 'Scan' ? rolesAround(node) : undefined));
  const at = known.findIndex(Boolean);
  const [scan, roles] = [graph.nodes[at], known[at]];
  if (!scan || !roles) return graph;
  const before = { ...graph, nodes: graph.nodes.slice(0, at) };
  const point = Float32Array.of(0);
  const values = await evaluate(writeModel(before, [...new Set(roles.values())]), point, point);
  const codes = decode(new Stream((role) => values[roles.get(role) ?? ''] ?? NOTHING));
  if (!codes) return graph;
  const [name = ''] = scan.outputs.slice(-1);
  return {
    ...graph,
    nodes: graph.nodes.filter((node) => node !== scan),
    initializers: [...graph.initializers, tensor(name, codes.dims, codes.data)],
  };
}

/** Names of the values around the Scan, by what they are in STEP; none if it does something else. */
function rolesAround(scan: Node): Map<string, string> | undefined {
  const body = bodyOf(scan);
  if (!body) return;
  const step = STEP.trim()
    .split('\n')
    .map((line) => line.split(' '));
  const want = [INPUTS, ...step, OUTPUTS];
  const have = [body.inputs, ...body.nodes.map(wordsOf), body.outputs];
  const known = new Map(step.flat().flatMap((word) => (/[A-Z=]/.test(word) ? [[word, word]] : [])));
  const inner = new Set([...known.keys(), ...INPUTS, ...step.map(([value = '']) => value)]);
  const isOther = (line: string[], k: number) =>
    line.length !== have[k]?.length ||
    line.some((role, i) => {
      const name = have[k]?.[i] ?? '';
      if (!known.has(role)) known.set(role, name);
      return known.get(role) !== name;
    });
  const attributes = attributesOf(scan).sort().join();
  if (want.length !== have.length || attributes !== 'body=,num_scan_inputs=1' || want.some(isOther)) return;
  const around = [...known].filter(([role]) => !inner.has(role));
  return new Map([...around, ...INPUTS.map((role, k) => [role, scan.inputs[k] ?? ''] as const)]);
}

/** The node as a line of STEP. */
function wordsOf(node: Node): string[] {
  return [...node.outputs, '=', node.kind, ...node.inputs, ...attributesOf(node)];
}

/** Names and whole numbers of attributes, as words. */
export const attributesOf = ({ attributes }: Node) =>
  numberAttributes(attributes).map(([name, numbers]) => `${name}=${numbers.join()}`);

/** The values around the Scan, by their roles. */
class Stream {
  constructor(private readonly of: (role: string) => Value) {}

  dims(role: string): readonly number[] {
    return this.of(role).dims;
  }

  floats(role: string): Float64Array {
    return Float64Array.from(this.of(role).data as ArrayLike<number>);
  }

  wholes(role: string): Int32Array {
    return Int32Array.from(this.of(role).data as ArrayLike<number | bigint>, Number);
  }

  whole(role: string): number {
    return this.wholes(role)[0] ?? 0;
  }

  /** How a code's size tells of the codes of its lane and of the two beside: where they are, and its weight. */
  taps(lanes: number): { ahead: number; beside: number; weight: number }[] {
    const weights = this.floats('weights');
    // Of the lane before, the own and the one after: so to the one after, the own and the one before.
    return [...this.wholes('places')].flatMap((place, k) =>
      [1, 0, -1].map((beside, j) => ({
        ahead: (place + 1) * lanes,
        beside,
        weight: weights[3 * k + j] ?? 0,
      })),
    );
  }

  /** Whether the tables fit together, and constants are what they are in every such stream. */
  get fits(): boolean {
    const [frequencies, tops, limits] = [
      this.wholes('frequencies'),
      this.wholes('tops'),
      this.floats('limits'),
    ];
    const [tables, symbols, total] = [limits.length + 1, this.whole('symbols'), this.whole('total')];
    let sum = 0;
    return (
      this.wholes('zero').join() === '0' &&
      this.wholes('one').join() === '1' &&
      Number.isInteger(Math.log2(total)) &&
      this.wholes('entries').join() === '1' &&
      this.wholes('across').join() === '2' &&
      this.wholes('origin').join() === '0,0,0' &&
      this.wholes('remembered').join() === this.dims('before').join() &&
      this.floats('before').every((size) => size === 0) &&
      limits.every((limit, k) => k === 0 || limit > (limits[k - 1] ?? 0)) &&
      this.wholes('places').every((place) => place >= 0 && place < (this.dims('before')[1] ?? 0)) &&
      this.dims('codes').join() === `${symbols}` &&
      tops.length === tables * symbols &&
      tops.join() === this.wholes('each_top').join() &&
      tops.every((top, k) => {
        const frequency = frequencies[k] ?? -1;
        sum += frequency;
        const isLast = (k + 1) % symbols === 0;
        return frequency >= 0 && top === sum && (!isLast || top === ((k + 1) / symbols) * total);
      })
    );
  }
}

/** All codes, [steps, 1, 1, lanes]; nothing if the values are not those of such a stream. */
function decode(stream: Stream): { dims: number[]; data: Float32Array } | undefined {
  if (!stream.fits) return;
  const state = stream.wholes('state');
  const [lanes, steps, depth] = [state.length, stream.dims('prior')[0] ?? 0, stream.dims('before')[1] ?? 0];
  // Activities, of which each step's become its codes; some reach beyond the last step.
  const rows = new Float32Array((steps + depth) * lanes);
  stream.floats('prior').forEach((prior, step) => {
    rows.fill(prior, step * lanes, (step + 1) * lanes);
  });
  const [take, taps] = [takerOf(stream, state), stream.taps(lanes)];
  for (let step = 0; step < steps; step++) {
    const start = step * lanes;
    const row = rows.subarray(start, start + lanes);
    take(row);
    for (let lane = 0; lane < lanes; lane++) {
      const size = Math.abs(row[lane] ?? 0);
      // Most are zero, which tells nothing.
      if (size === 0) continue;
      for (const { ahead, beside, weight } of taps) {
        const other = lane + beside;
        if (other < 0 || other >= lanes) continue;
        const at = start + ahead + other;
        rows[at] = (rows[at] ?? 0) + weight * size;
      }
    }
  }
  return { dims: [steps, 1, 1, lanes], data: rows.slice(0, steps * lanes) };
}

/** Takes a code of each lane in the place of its activity. */
function takerOf(stream: Stream, state: Int32Array): (row: Float32Array) => void {
  const [words, limits] = [stream.wholes('words'), stream.floats('limits')];
  const [frequencies, tops] = [stream.wholes('frequencies'), stream.wholes('tops')];
  const [least, word] = [stream.whole('least'), stream.whole('word')];
  const [bits, low] = [Math.log2(stream.whole('total')), stream.whole('total') - 1];
  const values = stream.floats('codes');
  const codes = Float32Array.from(tops, (_, symbol) => values[symbol % values.length] ?? 0);
  const symbolOf = symbolsOfSlots(frequencies);
  let read = stream.whole('last') + 1;
  return (row) => {
    for (let lane = 0; lane < row.length; lane++) {
      const activity = row[lane] ?? 0;
      let table = 0;
      while (table < limits.length && (limits[table] ?? 0) < activity) table++;
      const before = state[lane] ?? 0;
      const slot = (table << bits) + (before & low);
      const symbol = symbolOf[slot] ?? 0;
      // No state is 2³¹ or more.
      let after = Math.imul((before >> bits) + 1, frequencies[symbol] ?? 0) + slot - (tops[symbol] ?? 0);
      if (after < least) {
        if (read >= words.length) throw new RangeError('The stream of codes ends too soon.');
        after = Math.imul(after, word) + (words[read++] ?? 0);
      }
      state[lane] = after;
      row[lane] = codes[symbol] ?? 0;
    }
  };
}

/** Of each slot, whose symbol it is. */
function symbolsOfSlots(frequencies: Int32Array): Uint16Array {
  const symbols = new Uint16Array(frequencies.reduce((sum, frequency) => sum + frequency, 0));
  let at = 0;
  frequencies.forEach((frequency, symbol) => {
    symbols.fill(symbol, at, at + frequency);
    at += frequency;
  });
  return symbols;
}
