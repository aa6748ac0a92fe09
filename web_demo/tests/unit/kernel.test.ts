import { describe, expect, test } from 'vitest';
import { type Kernel, ONES, PANEL, ZEROS } from '../../neural-img/src/kernel.ts';
import type { ModelError } from '../../neural-img/src/model_error.ts';
import { newKernel } from '../kernels.ts';

const value = (row: number, column: number) => Math.sin(1 + row * 7 + column * 3);

/** Reads the value at a row and a column of panels. */
const at = (kernel: Kernel, address: number, columns: number) => (row: number, column: number) =>
  kernel.floats(address, 1024)[((row >> 3) * columns + column) * 8 + (row & 7)] ?? Number.NaN;

test.each([1, 2, 3, 5])('multiply gives the product of matrices plus a bias, for %s panels', (panels) => {
  const kernel = newKernel();
  const [points, outputs] = [8 * panels - 3, 11];
  const a = kernel.matrix(points, 5, value);
  const b = kernel.matrix(outputs, 5, (row, column) => value(column, row));
  const bias = kernel.put(Float32Array.from({ length: outputs }, (_, k) => k));
  const out = kernel.take(panels * outputs * 8 + 1);
  kernel.floats(out, panels * outputs * 8 + 1).fill(-1);
  const steps = [5 * PANEL, 5 * PANEL, PANEL, outputs * PANEL];
  kernel.run.multiply(a.at, b.at, bias, out, 5, outputs, panels, ...steps);
  const got = at(kernel, out, outputs);
  for (let row = 0; row < points; row++)
    for (let output = 0; output < outputs; output++) {
      const sum = [0, 1, 2, 3, 4].reduce((all, k) => all + value(row, k) * value(k, output), output);
      expect(got(row, output)).toBeCloseTo(sum, 5);
    }
  expect(kernel.floats(out, panels * outputs * 8 + 1).at(-1)).toBe(-1);
});

test('sines of half turns are exact to 8.5 · 10⁻⁷ up to 50 of these, and are added to a base', () => {
  const kernel = newKernel();
  const turns = Float32Array.from({ length: 4000 }, (_, k) => (k - 2000) / 40);
  const values = kernel.put(turns);
  kernel.run.sines(values, turns.length / 8, 1, 0, ZEROS, 0);
  const got = kernel.floats(values, turns.length);
  const errors = Array.from(turns, (turn, k) => Math.abs(Math.sin(Math.PI * turn) - (got[k] ?? Number.NaN)));
  expect(Math.max(...errors)).toBeLessThan(8.5e-7);
  const [zero, base] = [
    kernel.put(new Float32Array(8)),
    kernel.put(Float32Array.from({ length: 8 }, (_, k) => k)),
  ];
  kernel.run.sines(zero, 1, 1, 0, base, 16);
  expect([...kernel.floats(zero, 8)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
});

test('sines of some channels leave the others unchanged, with bases at the same stride', () => {
  const kernel = newKernel();
  const values = kernel.put(new Float32Array(48).fill(0.5));
  const base = kernel.put(Float32Array.from({ length: 48 }, (_, k) => k));
  kernel.run.sines(values + PANEL, 2, 2, 3 * PANEL, base + PANEL, 16);
  const expected = (k: number) => (k % 24 < 8 ? 0.5 : k + 1);
  kernel.floats(values, 48).forEach((got, k) => {
    expect(got).toBeCloseTo(expected(k), 5);
  });
});

test('inputs copies pictures to channels, and subtracts another picture from some', () => {
  const kernel = newKernel();
  const floats = Float32Array.from({ length: 48 }, (_, k) => k ** 2);
  const picture = kernel.put(floats);
  const addresses = kernel.put(Uint32Array.of(picture + 4, 0, picture, 0, picture + 12, picture + 4));
  const out = kernel.take(64);
  kernel.floats(out, 64).fill(-1);
  kernel.run.inputs(addresses, 3, 16, out, 4 * PANEL, 2);
  const got = kernel.floats(out, 64);
  for (let panel = 0; panel < 2; panel++)
    for (let lane = 0; lane < 8; lane++) {
      const [here, k] = [(panel * 8 + lane + 5) ** 2, panel * 8 + lane + 4];
      const channels = [0, 1, 2, 3].map((channel) => got[panel * 32 + channel * 8 + lane]);
      expect(channels).toEqual([here, k ** 2, (k + 3) ** 2 - here, -1]);
    }
});

test.each([false, true])(
  'coefficients are the magnitudes of codes with their signs, scan down: %s',
  (down) => {
    const kernel = newKernel();
    const codes = Int16Array.of(0, 1, -2, 0, 0, 0, 0, 0, 0, ...[0, 0, 2, 0, -1, 0, 0, 0, 1]);
    const [order, most, others, height] = [3, 2, 3, 16];
    const worths = kernel.put(Float32Array.of(0, 0.5, 7));
    const out = kernel.take(2 * height * 8);
    kernel.floats(out, 2 * height * 8).fill(0);
    const [own, from] = [kernel.put(codes), [6, 8] as const];
    kernel.run.coefficients(own, 2, order, most, others, worths, out, height, ...from, Number(down));
    const got = at(kernel, out, height);
    // The second cell's last code is of a frequency that is left out.
    const expected: [number, number, number][] = [
      [0, 1, 0.5],
      [0, 2, -7],
      [0, 3 + 2, 7],
      [1, 3 + 1, -0.5],
    ];
    for (const [along, across, worth] of expected)
      expect(down ? got(6 + across, 8 + along) : got(6 + along, 8 + across)).toBe(worth);
    expect(kernel.floats(out, 2 * height * 8).filter((value) => value !== 0)).toHaveLength(4);
  },
);

test('waves are products of columns and rows, times factors', () => {
  const kernel = newKernel();
  const lanes = Array.from({ length: 8 }, (_, k) => k / 3);
  const table = kernel.put(Float32Array.from([...lanes.map(Math.sin), ...lanes.map(Math.cos)]));
  const other = kernel.put(Float32Array.of(Math.sin(2), Math.cos(2)));
  const out = kernel.take(8);
  kernel.run.waves(ONES, 0, table, other, out, 1, 1);
  const waves = [...kernel.floats(out, 8)];
  waves.forEach((wave, k) => {
    expect(wave).toBeCloseTo(Math.sin((lanes[k] ?? 0) + 2), 6);
  });
  kernel.run.waves(out, 16, table, other, out, 1, 1);
  [...kernel.floats(out, 8)].forEach((square, k) => {
    expect(square).toBeCloseTo((waves[k] ?? 0) ** 2, 6);
  });
});

test('normalize divides colours by the norm of the channels beside them, in place', () => {
  const kernel = newKernel();
  const row = (panel: number, k: number) =>
    [0, 1, 2, 3, 4, 5, 6, 7].map((lane) => value(panel * 12 + k, lane));
  const rows = [0, 1].map((panel) => Array.from({ length: 12 }, (_, k) => row(panel, k)));
  const values = kernel.put(Float32Array.from(rows.flat(2)));
  kernel.run.normalize(values, kernel.put(Float32Array.of(1, 2, 3, 255)), 2);
  const got = kernel.floats(values, 64);
  rows.forEach((own, panel) => {
    for (let lane = 0; lane < 8; lane++) {
      const sum = own.slice(4).reduce((all, channel) => all + (channel[lane] ?? 0) ** 2, 1);
      [1, 2, 3, 255].forEach((bias, k) => {
        const level = (255 * (own[k]?.[lane] ?? 0)) / Math.sqrt(sum) + bias;
        expect(got[panel * 32 + k * 8 + lane]).toBeCloseTo(level, 3);
      });
    }
  });
});

test('pixels are rounded half to even, and clamped', () => {
  const kernel = newKernel();
  const levels = [-5, 0.5, 1.5, 254.5, 255.4, 300, Number.NaN, 127.6];
  const one = [0, 1, 2, 3].flatMap((colour) => levels.map((level) => level + (colour === 3 ? 2 : 0)));
  const values = kernel.put(Float32Array.from([...one, ...one.toReversed()]));
  const out = kernel.take(16);
  kernel.run.pixels(values, out, 2);
  const rgba = [...new Uint8Array(kernel.run.memory.buffer, out, 64)];
  expect(rgba.filter((_, k) => k % 4 === 0).slice(0, 8)).toEqual([0, 0, 2, 254, 255, 255, 0, 128]);
  expect(rgba.filter((_, k) => k % 4 === 3).slice(0, 8)).toEqual([0, 2, 4, 255, 255, 255, 0, 130]);
  expect(rgba.slice(32, 36)).toEqual([130, 128, 128, 128]);
});

describe('memory', () => {
  test('is released after a scope, and grows if required', () => {
    const kernel = newKernel();
    const first = kernel.scope(() => kernel.take(8));
    expect(kernel.take(40_000)).toBe(first);
    kernel.floats(first, 40_000).fill(1);
    kernel.clear();
    expect(kernel.take(8)).toBe(first);
  });

  test('that cannot be allocated is a fatal error', () => {
    const take = () => newKernel().take(2 ** 31);
    expect(take).toThrow('too much memory');
    expect(take).toThrow(expect.objectContaining({ isFatal: true }) as ModelError);
  });

  test('for columns is kept until other columns are drawn', () => {
    const kernel = newKernel();
    const made: string[] = [];
    const keep = kernel.keeping((x, option: number) => {
      made.push(`${x} ${option}`);
      return kernel.take(8);
    });
    const first = keep(Float32Array.of(1), 1);
    expect(keep(Float32Array.of(1), 1)).toBe(first);
    for (const [x, option] of [
      [1, 2],
      [2, 2],
      [1, 1],
    ] as const)
      expect(keep(Float32Array.of(x), option)).toBe(first);
    expect(made).toEqual(['1 1', '1 2', '2 2', '1 1']);
  });
});
