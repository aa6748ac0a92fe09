/**
 * Decodes integers from a stream coded with range asymmetric numeral systems (rANS).
 *
 * Duda, Asymmetric numeral systems (2013); with interleaved lanes as in Giesen, Interleaved entropy coders (2014). Each step decodes
 * one code of every lane. The frequency table of a code depends on its activity: a weighted sum of the absolute values of earlier codes
 * of its lane and of the two adjacent lanes.
 */
import type { Kernel } from './kernel.ts';
import { ModelError } from './model_error.ts';

/** Sum of the frequencies in a table, over codes of both signs. */
const TOTAL = 1 << 14;
/** Least state of a lane between two steps; the encoder starts, and so the decoder ends, at this state. */
const LOWEST = 1 << 15;
/** Memory that a slot takes in the kernel, in floats (of 4 bytes). */
const SLOT_FLOATS = 1.5;
const MOST_TABLES = 64;
const HIGHEST_LIMIT = 1 << 20;

/** The terms of a code's activity. */
export interface Context {
  /** Weights of earlier codes' absolute values, by their distance in steps; the previous code is at distance 1. */
  weights: Map<number, number>;
  /** Added to the activity, by the number of the step modulo this array's length. */
  prior: Int32Array;
}

/** Frequencies of codes by their absolute value (size), one table for each range of activities. */
interface Tables {
  /** [tables, sizes]; the frequency of a nonzero size is that of each of its two codes. */
  frequencies: Int32Array;
  /** [tables - 1], ascending; table k is used where k limits are below the activity. */
  limits: Float32Array;
}

/** Throws a ModelError if the tables are not valid. */
function checkTables(tables: Tables): void {
  if (!areValid(tables)) throw new ModelError('Its entropy coder’s tables are damaged.');
}

/** Whether there are tables of one size, each with frequencies of the right sum, and limits between them that ascend. */
function areValid({ frequencies, limits }: Tables): boolean {
  const count = limits.length + 1;
  const sizes = frequencies.length / count;
  if (count > MOST_TABLES || sizes < 1 || sizes > TOTAL || !Number.isInteger(sizes)) return false;
  for (let table = 0; table < count; table++) {
    const own = frequencies.subarray(table * sizes, (table + 1) * sizes);
    const sum = own.reduce((all, frequency, size) => all + (size ? 2 : 1) * frequency, 0);
    if (own.some((frequency) => frequency < 0) || sum !== TOTAL) return false;
  }
  return [...limits, HIGHEST_LIMIT].every((limit, k) => limit > (k ? (limits[k - 1] as number) : 0));
}

/**
 * Decodes all codes of a stream, given the words in the order in which lanes take them and the initial states of the lanes. Returns
 * [lanes / across, steps / period, across, period], where the period is the length of the prior. Throws a ModelError if the tables are
 * invalid, or the stream is too short, too long or damaged.
 */
export function decode(
  kernel: Kernel,
  words: Uint16Array,
  states: Int32Array,
  tables: Tables,
  { weights, prior }: Context,
  steps: number,
  across: number,
): Int16Array {
  checkTables(tables);
  const lanes = states.length;
  return kernel.scope(() => {
    const { slots, tableOf, most } = putTables(kernel, tables);
    const size = Math.max(...weights.keys()) + 1;
    const [own, from] = [kernel.put(words), kernel.put(states)];
    const taps = Int32Array.from([...weights].flatMap(([distance, weight]) => [distance, weight, 0]));
    const first = kernel.put(taps);
    const priors = kernel.put(prior);
    const ring = kernel.put(new Int32Array(size * (lanes + 2) + 1));
    const codes = kernel.take((steps * lanes) / 2);
    kernel.floats(codes, (steps * lanes + 1) >> 1).fill(0);
    const taken = kernel.run.decode(
      ...[own, words.length, from, lanes, steps, slots, tableOf, most, priors, prior.length],
      ...[first, first + taps.byteLength, ring, size, codes, across],
    );
    if (taken > words.length) throw new ModelError('Its entropy-coded stream ends too early.');
    const { buffer } = kernel.run.memory;
    // A stream that needs no words may have one, as the ONNX graph that decodes it cannot do without.
    if (
      words.length > Math.max(taken, 1) ||
      new Int32Array(buffer, from, lanes).some((state) => state !== LOWEST)
    )
      throw new ModelError('Its entropy-coded stream is damaged.');
    return new Int16Array(buffer, codes, steps * lanes).slice();
  });
}

/** Puts the tables, indexed by slot, into the kernel; and for each activity up to `most`, its table and that one's frequency of 0. */
function putTables(kernel: Kernel, { frequencies, limits }: Tables) {
  const sizes = frequencies.length / (limits.length + 1);
  const most = Math.ceil(limits.at(-1) ?? 0);
  const byActivity = new Uint16Array(2 * (most + 1));
  for (let activity = 0, table = 0; activity <= most; activity++) {
    while ((limits[table] as number) < activity) table++;
    byActivity.set([table, frequencies[table * sizes] as number], 2 * activity);
  }
  const tableOf = kernel.put(byActivity);
  const own = kernel.put(Uint16Array.from(frequencies));
  const slots = kernel.take((limits.length + 1) * SLOT_FLOATS * TOTAL);
  for (let table = 0; table <= limits.length; table++)
    kernel.run.fillSlots(own + table * sizes * 2, sizes, slots + table * TOTAL * SLOT_FLOATS * 4);
  return { slots, tableOf, most };
}
