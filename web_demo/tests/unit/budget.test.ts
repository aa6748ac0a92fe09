import { expect, test } from 'vitest';
import type { Subnet } from '../../neural-img/src/manifest.ts';
import { automatic, PATIENCE, Pace, withinTime } from '../../src/budget.ts';

const subnet = (name: string, bytes: number, psnr: number, macsPerPixel = bytes) =>
  ({ name, depth: 2, width: 10, file: '', bpp: 1, bytes, psnr, macsPerPixel }) as Subnet;
const SMALL = subnet('small', 3000, 25);
const MIDDLE = subnet('middle', 9000, 28);
const WORSE = subnet('worse', 12_000, 27);
const GOOD = subnet('good', 17_000, 32);
const LARGE = subnet('large', 48_000, 38);
const ALL = [LARGE, WORSE, GOOD, MIDDLE, SMALL];
const SIZE = { width: 512, height: 512 };
/** Drawing times in milliseconds, proportional to the bytes. */
const quick = ({ bytes }: Subnet) => bytes / 1000;
const slow = ({ bytes }: Subnet) => bytes / 10;

test('before drawing is measured, a picture that looks good is chosen', () => {
  const judgement = automatic(ALL, SIZE, { savesData: false });
  expect(judgement).toEqual({ subnet: GOOD, reason: '17.0 kB look good at this size.' });
  expect(automatic([LARGE], SIZE, { savesData: false })?.subnet).toBe(LARGE);
  expect(automatic([], SIZE, { savesData: false })).toBeUndefined();
});

test('a fast device keeps that choice, and the time is stated', () => {
  expect(automatic(ALL, SIZE, { savesData: false, millisecondsOf: quick })).toEqual({
    subnet: GOOD,
    reason: '17.0 kB look good at this size, and drawing takes about 17 ms here.',
  });
});

test('a slow device takes the best subnet that it draws in time', () => {
  expect(automatic(ALL, SIZE, { savesData: false, millisecondsOf: slow })).toEqual({
    subnet: MIDDLE,
    reason: '17.0 kB look good at this size, but drawing takes about 1.7 s here; 9.0 kB take about 900 ms.',
  });
});

test('a device that is too slow for all takes the fastest subnet, and says so', () => {
  const judgement = automatic(ALL, SIZE, { savesData: false, millisecondsOf: (one) => 10 * slow(one) });
  expect(judgement?.subnet).toBe(SMALL);
  expect(judgement?.reason).toMatch(/about 17\.0 s here; 3\.0 kB take about 3\.0 s\.$/);
  const [same] = [automatic([SMALL], SIZE, { savesData: false, millisecondsOf: () => 2 * PATIENCE })];
  expect(same?.reason).toBe(
    '3.0 kB look good at this size, but drawing takes about 2.0 s here, and nothing smaller is quicker.',
  );
});

test('saving data takes a quarter of the bytes', () => {
  const { subnet: taken, reason } = automatic(ALL, SIZE, { savesData: true, millisecondsOf: quick }) ?? {};
  expect(taken).toBe(SMALL);
  expect(reason).toMatch(/^Your browser asks to save data: 3\.0 kB/);
});

test.each([
  [Number.POSITIVE_INFINITY, LARGE, true],
  [1000, MIDDLE, true],
  [300, SMALL, true],
  [299, SMALL, false],
])(
  'within %i ms the best subnet is chosen, or the fastest if none is fast enough',
  (milliseconds, expected, fits) => {
    expect(withinTime(ALL, milliseconds, slow)).toEqual({ subnet: expected, fits });
  },
);

test('the pace is the median of the last measurements, over all subnets', () => {
  const pace = new Pace();
  expect(pace.measured).toBe(false);
  pace.record(MIDDLE, 0);
  expect(pace.measured).toBe(false);
  for (const milliseconds of [9, 0.002, 0.002, 0.002, 7]) pace.record(MIDDLE, milliseconds);
  expect(pace.measured).toBe(true);
  expect(pace.estimate(MIDDLE, 1000)).toBeCloseTo(2);
  expect(pace.estimate(LARGE, 1000)).toBeGreaterThan(pace.estimate(GOOD, 1000));
  for (let k = 0; k < 5; k++) pace.record(MIDDLE, 0.004);
  expect(pace.estimate(MIDDLE, 1000)).toBeCloseTo(4);
});
