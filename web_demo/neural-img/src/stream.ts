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
    const data = this.of(role).data as ArrayLike<number | bigint>;
    return data instanceof Int32Array ? data : Int32Array.from(data, Number);
  }

  whole(role: string): number {
    return this.wholes(role)[0] ?? 0;
  }

  /** How a code's size tells of the codes of its lane and of the two beside: how far ahead, and its weight. */
  taps(lanes: number): { ahead: Int32Array; beside: Int32Array; weights: Float64Array } {
    const places = [...this.wholes('places')].flatMap((place) => [place, place, place]);
    return {
      ahead: Int32Array.from(places, (place) => (place + 1) * lanes),
      // Of the lane before, the own and the one after: so to the one after, the own and the one before.
      beside: Int32Array.from(places, (_, k) => 1 - (k % 3)),
      weights: this.floats('weights'),
    };
  }

  /** Symbols by slots, and of each symbol its code, frequency and top. */
  tables() {
    const [frequencies, tops, values] = [
      this.wholes('frequencies'),
      this.wholes('tops'),
      this.floats('codes'),
    ];
    const codes = Float32Array.from(tops, (_, symbol) => values[symbol % values.length] ?? 0);
    return { symbolOf: symbolsOfSlots(frequencies), codes, frequencies, tops };
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
  const [lanes, depth] = [stream.dims('state').at(-1) ?? 0, stream.dims('before')[1] ?? 0];
  const prior = stream.floats('prior');
  // Activities, of which each step's become its codes; some reach beyond the last step.
  const rows = new Float32Array((prior.length + depth) * lanes);
  for (const [step, activity] of prior.entries())
    if (activity !== 0) rows.fill(activity, step * lanes, (step + 1) * lanes);
  decodeRows(stream, rows, prior.length, lanes);
  return { dims: [prior.length, 1, 1, lanes], data: rows.slice(0, prior.length * lanes) };
}

/** Puts codes in the place of activities, which each code other than zero adds to. */
function decodeRows(stream: Stream, rows: Float32Array, steps: number, lanes: number): void {
  const { symbolOf, codes, frequencies, tops } = stream.tables();
  const { ahead, beside, weights } = stream.taps(lanes);
  const [state, words, limits] = [
    stream.wholes('state').slice(),
    stream.wholes('words'),
    stream.floats('limits'),
  ];
  const [least, word] = [stream.whole('least'), stream.whole('word')];
  const [bits, low] = [Math.log2(stream.whole('total')), stream.whole('total') - 1];
  let read = stream.whole('last') + 1;
  for (let at = 0, lane = 0; at < steps * lanes; at++, lane = lane + 1 < lanes ? lane + 1 : 0) {
    const activity = rows[at] as number;
    let table = 0;
    while (table < limits.length && (limits[table] as number) < activity) table++;
    const before = state[lane] as number;
    const slot = (table << bits) + (before & low);
    const symbol = symbolOf[slot] as number;
    // No state is 2³¹ or more.
    let after =
      Math.imul((before >> bits) + 1, frequencies[symbol] as number) + slot - (tops[symbol] as number);
    if (after < least) {
      if (read >= words.length) throw new RangeError('The stream of codes ends too soon.');
      after = Math.imul(after, word) + (words[read++] as number);
    }
    state[lane] = after;
    const code = codes[symbol] as number;
    rows[at] = code;
    // Most are zero, which tells nothing.
    if (code === 0) continue;
    for (let k = 0; k < ahead.length; k++) {
      const other = lane + (beside[k] as number);
      if (other < 0 || other >= lanes) continue;
      const later = at - lane + other + (ahead[k] as number);
      rows[later] = (rows[later] as number) + Math.abs(code) * (weights[k] as number);
    }
  }
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
