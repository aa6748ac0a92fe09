import { expect, test } from 'vitest';
import { chooseSubnet } from '../../neural-img/src/level.ts';
import type { Subnet } from '../../neural-img/src/manifest.ts';

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

test('who saves data gets 6 dB less, but not of what is asked for in decibels', () => {
  expect([choose('auto', 1, true), choose('34', 1, true)]).toEqual([28, 34]);
});

test('decibels asked for do not depend on the size', () => {
  expect(choose('34', 0.1)).toBe(34);
});

test('what a smaller one beats is never chosen', () => {
  const worse = { psnr: 34, bytes: 90_000 } as Subnet;
  expect(chooseSubnet([worse, ...SUBNETS], { quality: '33', scale: 1, savesData: false })?.bytes).toBe(
    34_003,
  );
});
