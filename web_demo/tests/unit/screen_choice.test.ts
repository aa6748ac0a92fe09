import { expect, test } from 'vitest';
import type { ScreenCopies } from '../../src/codecs.ts';
import type { Picture } from '../../src/picture.ts';
import { screenChoices, sumOfCopies } from '../../src/screen_choice.ts';

const subnets = [24, 28.1, 31.1, 33, 34.2, 41].map((psnr, k) => ({
  name: `d2w${k + 1}`,
  depth: 2,
  width: k + 1,
  file: 'a.anir',
  bytes: 1000 * (k + 1),
  bpp: 1,
  psnr,
}));
const copies = (width: number, ...levels: [string, number][]): ScreenCopies => ({
  width,
  height: width,
  levels: new Map(levels.map(([name, bytes]) => [name, { psnr: 30, jpeg: 2 * bytes, avif: bytes }])),
});
const screens = [
  copies(128, ['d2w2', 10]),
  copies(256, ['d2w3', 20]),
  copies(512, ['d2w5', 40], ['d2w6', 80]),
];
const picture = { width: 512, height: 512, subnets, screens } as unknown as Picture;

test('each screen takes the first level that is good enough at its size', () => {
  const choices = screenChoices(picture);
  expect(choices.map(({ name, width, subnet }) => [name, width, subnet.name])).toEqual([
    ['Watch', 128, 'd2w2'],
    ['Phone', 256, 'd2w3'],
    ['Laptop', 512, 'd2w5'],
    ['Poster', 2048, 'd2w6'],
  ]);
});

test('screens for which a file that was cut is too short are left out', () => {
  const namesOf = (length: number) => screenChoices({ ...picture, length }).map(({ name }) => name);
  expect([1999, 3000, 6000].map(namesOf)).toEqual([
    [],
    ['Watch', 'Phone'],
    ['Watch', 'Phone', 'Laptop', 'Poster'],
  ]);
});

test('copies are of the same size and level, and of the native size for the poster', () => {
  const choices = screenChoices(picture);
  expect(choices.map((choice) => choice.copies.avif)).toEqual([10, 20, 40, 80]);
  expect(sumOfCopies(choices)).toEqual([
    ['jpeg', 300],
    ['avif', 150],
  ]);
});

test('a codec that lacks a copy has no sum', () => {
  screens[0]?.levels.delete('d2w2');
  const choices = screenChoices(picture);
  expect(choices[0]?.copies).toEqual({});
  expect(sumOfCopies(choices)).toEqual([]);
  expect(screenChoices({ ...picture, subnets: [] })).toEqual([]);
});
