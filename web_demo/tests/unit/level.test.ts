import { describe, expect, test } from 'vitest';
import { chooseLevel, chooseSubnet, type Psnr, shownPsnr } from '../../neural-img/src/level.ts';
import type { Subnet } from '../../neural-img/src/manifest.ts';

test.each([
  [1, 30],
  [0.5, 32],
  [0.25, 36],
  [Math.SQRT1_2, 31],
  [2 ** -1.5, 34],
  [0.125, 40],
  [2, 27],
  [4, 24],
])('at a scale of %d, a PSNR of 30, 32 and 36 dB becomes %d', (scale, shown) => {
  expect(shownPsnr([30, 32, 36], scale)).toBeCloseTo(shown, 9);
});

describe('choosing a level of a stream', () => {
  const LEVELS = [
    [22, 23, 25],
    [26, 28, 31],
    [30, 33, 37],
    [34, 37, 41],
    [39, 40.5, 43],
    [38, 40, 43],
  ].map((psnr) => ({ psnr: psnr as unknown as Psnr }));
  const choose = (quality: string, scale = 1, savesData = false) =>
    chooseLevel(LEVELS, { quality, scale, savesData });

  test.each([
    ['auto', 1, 3],
    ['auto', 0.5, 3],
    ['auto', 0.25, 2],
    ['auto', 1 / 16, 1],
    ['auto', 2, 4],
    ['low', 1, 2],
    ['low', 0.5, 1],
    ['low', 1 / 32, 0],
    ['high', 0.5, 4],
    ['strange', 1, 3],
  ])('quality %s at a scale of %d takes level %d', (quality, scale, level) => {
    expect(choose(quality, scale)).toBe(level);
  });

  test('saving data takes 6 dB less, except from a quality in decibels', () => {
    expect([choose('auto', 1, true), choose('34', 1, true)]).toEqual([2, 3]);
  });

  test('a quality in decibels is that at the native size', () => {
    expect([choose('30', 0.1), choose('30.25', 0.1), choose('30', 4)]).toEqual([2, 3, 2]);
  });

  test('if none is good enough, it is the first of the best', () => {
    expect([choose('99'), choose('high'), choose('high', 8), choose('99', 0.25)]).toEqual([4, 4, 4, 4]);
  });
});

describe('choosing a subnet of a manifest', () => {
  const SUBNETS = [40, 22, 28, 34, 27].map((psnr, at) => ({ psnr, bytes: 1000 * psnr + at }) as Subnet);
  const choose = (quality: string, scale = 1, savesData = false) =>
    chooseSubnet(SUBNETS, { quality, scale, savesData })?.psnr;

  test.each([
    ['low', 28],
    ['auto', 34],
    ['high', 40],
    ['strange', 34],
    ['25', 27],
    ['27.5', 28],
    ['99', 40],
  ])('quality %s', (quality, psnr) => {
    expect(choose(quality)).toBe(psnr);
  });

  test('a quarter of the size takes 6 dB less, four times the size 6 dB more', () => {
    expect([choose('auto', 0.25), choose('auto', 1), choose('auto', 3.9)]).toEqual([28, 34, 40]);
  });

  test('saving data takes 6 dB less, except from a quality in decibels', () => {
    expect([choose('auto', 1, true), choose('34', 1, true)]).toEqual([28, 34]);
  });

  test('a subnet that a smaller one beats is never chosen', () => {
    const worse = { psnr: 34, bytes: 90_000 } as Subnet;
    const choice = { quality: '33', scale: 1, savesData: false };
    expect(chooseSubnet([worse, ...SUBNETS], choice)?.bytes).toBe(34_003);
  });

  test('gives none if there is none', () => {
    expect(chooseSubnet([], { quality: 'auto', scale: 1, savesData: false })).toBeUndefined();
  });
});
