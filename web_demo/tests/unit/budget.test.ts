import { expect, test } from 'vitest';
import type { Subnet } from '../../neural-img/src/manifest.ts';
import { automatic, choose, Pace } from '../../src/budget.ts';

const subnet = (name: string, bytes: number, psnr: number, macsPerPixel = bytes) =>
  ({ name, depth: 2, width: 10, file: '', bpp: 1, bytes, psnr, macsPerPixel }) as Subnet;
const SMALL = subnet('small', 1000, 25);
const MIDDLE = subnet('middle', 2000, 28);
const WORSE = subnet('worse', 3000, 27);
const LARGE = subnet('large', 9000, 30);
const ALL = [LARGE, WORSE, MIDDLE, SMALL];
const byBytes = ({ bytes }: Subnet) => bytes / 10;

test.each([
  ['no limit', Infinity, Infinity, LARGE, true],
  ['bytes alone', 3500, Infinity, MIDDLE, true],
  ['exactly enough bytes', 1000, Infinity, SMALL, true],
  ['time alone', Infinity, 250, MIDDLE, true],
  ['both, the tighter one counts', 9000, 150, SMALL, true],
  ['too few bytes for any', 10, Infinity, SMALL, false],
  ['too little time for any', Infinity, 1, SMALL, false],
])('chooses the best within the budgets: %s', (_name, bytes, milliseconds, expected, fits) => {
  expect(choose(ALL, { bytes, milliseconds }, byBytes)).toEqual({ subnet: expected, fits });
});

test('the pace is what was measured, and an estimate for the others', () => {
  const pace = new Pace();
  expect(pace.measured).toBe(false);
  const size = { width: 10, height: 10 };
  pace.record(MIDDLE, { size, milliseconds: 100, millisecondsPerPixel: 0.002 });
  expect(pace.measured).toBe(true);
  expect(pace.estimate(MIDDLE, 1000)).toBeCloseTo(2);
  expect(pace.estimate(LARGE, 1000)).toBeGreaterThan(2);
  expect(pace.estimate(SMALL, 1000)).toBeLessThan(2);
});

test('the connection sets the bytes where the browser tells of it, and the reason says so', () => {
  const known = automatic({ downlink: 0.4 });
  expect(known.budgets.bytes).toBe(5000);
  expect(known.reason).toContain('0.4 Mbit/s');
  expect(known.reason).toContain('5.0 kB');
  const unknown = automatic(undefined);
  expect(unknown.budgets.bytes).toBe(Infinity);
  expect(unknown.reason).toContain('does not tell');
  const saving = automatic({ downlink: 10, saveData: true });
  expect(choose(ALL, saving.budgets, byBytes)?.subnet).toBe(SMALL);
  expect(saving.reason).toContain('save data');
});
