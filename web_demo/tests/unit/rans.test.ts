import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ModelError } from '../../neural-img/src/model_error.ts';
import { decode } from '../../neural-img/src/rans.ts';
import { newKernel } from '../kernels.ts';
import { vectors } from '../vectors.ts';

interface Case {
  weights: [number, number][];
  prior: number[];
  limits: number[];
  frequencies: number[][];
  states: number[];
  words: number[];
  codes: number[][];
}
const cases = vectors<Case[]>('rans');

function run(from: Case, across = from.states.length): number[] {
  const tables = {
    frequencies: Int32Array.from(from.frequencies.flat()),
    limits: Float32Array.from(from.limits),
  };
  const context = { weights: new Map(from.weights), prior: Int32Array.from(from.prior) };
  const [words, states] = [Uint16Array.from(from.words), Int32Array.from(from.states)];
  return [...decode(newKernel(), words, states, tables, context, from.codes.length, across)];
}

test.each(cases)('codes encoded by Python are decoded, %#', (from) => {
  const [lanes, period] = [from.states.length, from.prior.length];
  for (const across of [lanes, 1]) {
    const groups = Array.from({ length: lanes / across }, (_, group) => group * across);
    const expected = groups.flatMap((first) =>
      Array.from({ length: from.codes.length / period }, (_, row) =>
        Array.from({ length: across }, (_, lane) =>
          from.codes.slice(row * period, (row + 1) * period).map((step) => step[first + lane]),
        ),
      ),
    );
    expect(run(from, across)).toEqual(expected.flat(2));
  }
});

test('any stream is decoded or refused', () => {
  const good = cases[1] as Case;
  const streams = fc.record({
    words: fc.array(fc.nat({ max: 65535 }), { maxLength: 2 * good.words.length }),
    states: fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), {
      minLength: good.states.length,
      maxLength: good.states.length,
    }),
  });
  fc.assert(
    fc.property(streams, (stream) => {
      try {
        expect(run({ ...good, ...stream })).toHaveLength(good.codes.flat().length);
      } catch (error) {
        expect(error).toBeInstanceOf(ModelError);
      }
    }),
  );
});

describe('refuses', () => {
  const good = cases[1] as Case;
  const [first = [], ...others] = good.frequencies;
  test.each<[string, Partial<Case>, string]>([
    ['a stream that ends too early', { words: good.words.slice(0, -1) }, 'too early'],
    ['words that are left', { words: [...good.words, 1] }, 'damaged'],
    ['a damaged word', { words: good.words.with(3, 1) }, 'stream'],
    ['a state below the least', { states: good.states.with(0, 5) }, 'stream'],
    ['a negative state', { states: good.states.with(0, -1) }, 'stream'],
    ['frequencies with another sum', { frequencies: [first.with(0, 9), ...others] }, 'tables are damaged'],
    [
      'negative frequencies',
      { frequencies: [first.with(0, 16386).with(1, -1), ...others] },
      'tables are damaged',
    ],
    ['limits that fall', { limits: good.limits.toReversed() }, 'tables are damaged'],
    ['limits that are no numbers', { limits: good.limits.with(0, Number.NaN) }, 'tables are damaged'],
    ['too high a limit', { limits: good.limits.with(-1, 2 ** 21) }, 'tables are damaged'],
    ['tables of different sizes', { limits: good.limits.slice(1) }, 'tables are damaged'],
  ])('%s', (_name, change, message) => {
    expect(() => run({ ...good, ...change })).toThrow(new RegExp(message));
  });
});
