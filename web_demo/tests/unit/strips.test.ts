/** Tests that a file in strips written by Python is read as by Python. */
import { describe, expect, test } from 'vitest';
import { AnirFile } from '../../neural-img/src/anir_file.ts';
import { readHeader } from '../../neural-img/src/anir_header.ts';
import { FAMILIES } from '../../neural-img/src/families/index.ts';
import { type Network, nameOf } from '../../neural-img/src/network.ts';
import { drawPreview } from '../../neural-img/src/preview.ts';
import { stripStarts } from '../../neural-img/src/segments.ts';
import { CODER_MODULE, newKernel } from '../kernels.ts';
import { asRgba, expectSamePixels } from '../pixels.ts';
import { stripsCase } from '../vectors.ts';

const { file, starts, x, y, levels, refined, previews } = stripsCase();
const ends = levels.map(({ bytes }) => bytes) as [number, number, number];

function fileOf(...parts: Uint8Array[]): AnirFile {
  const own = new AnirFile(CODER_MODULE);
  for (const part of parts) own.feed(part);
  return own;
}

function expectShown(network: Network, { name, places, codes, magnitudes, pixels }: (typeof levels)[number]) {
  expect(nameOf(network)).toBe(name);
  const known = [...(network.latents?.codes.entries() ?? [])].filter(([, code]) => code !== 0);
  expect(known).toEqual(places.map((place, k) => [place, codes[k]]));
  expect([...(network.latents?.magnitudes ?? [])]).toEqual(magnitudes);
  expectSamePixels(FAMILIES.get('lapped')?.open(newKernel(), network)(x, y) ?? [], asRgba(pixels, 1));
}

test('strips have the same rows as in Python', () => {
  expect(stripStarts(readHeader(file))).toEqual(starts);
  const of = (width: number, height: number, family: 'lapped' | 'siren' = 'lapped') =>
    stripStarts({ family, size: [width, height], pitch: 16 });
  expect(of(768, 512)).toEqual([0, 32]);
  expect(of(2560, 1600)).toEqual([0, 32, 64, 100]);
  expect(of(65536, 200)).toEqual([0, 8, 13]);
  expect(of(16384, 16384)).toHaveLength(33);
  expect(of(16384, 16384, 'siren')).toEqual([0, 0]);
});

test('each level is read as in Python, from the whole file or fed in pieces', async () => {
  const pieces = Array.from({ length: Math.ceil(file.length / 7) }, (_, k) =>
    file.subarray(7 * k, 7 * k + 7),
  );
  const [whole, own] = [fileOf(file), fileOf()];
  for (const [k, level] of levels.entries()) {
    expectShown(await whole.network(k), level);
    while (own.available <= k) own.feed(pieces.shift() as Uint8Array);
    expectShown(await own.network(), level);
  }
});

test.each(refined)('$bytes bytes refine the strips that have arrived', async (level) => {
  const own = fileOf(file.subarray(0, level.bytes));
  expectShown(await own.refined(), level);
  own.feed(file.subarray(level.bytes));
  expectShown(await own.network(), levels[2] as (typeof levels)[number]);
});

test.each(previews)('$bytes bytes have a preview of the strips that have arrived', ({ bytes, pixels }) => {
  const preview = fileOf(file.subarray(0, bytes)).preview();
  if (!preview) throw new Error('There is no preview.');
  expectSamePixels(drawPreview(preview)(x, y), asRgba(pixels, 1));
});

describe('a damaged file', () => {
  test('that is truncated anywhere has its complete levels or is refused', async () => {
    for (let length = 0; length < file.length; length += 29) {
      const own = fileOf(file.subarray(0, length));
      const whole = ends.filter((end) => end <= length).length;
      expect(own.available).toBe(whole);
      if (whole > 0) expect(nameOf(await own.refined())).toBe(levels[whole - 1]?.name);
      else await expect(own.network()).rejects.toThrow(/^This (\.anir )?file ends/);
    }
  });

  test.each([[[0, 0, 0]], [[255, 255, 255]], [[1, 0, 0]]])(
    'with segment lengths of %j is refused',
    async (length) => {
      const own = file.slice();
      own.set(length, ends[1]);
      expect(nameOf(await fileOf(own).network(1))).toBe('d3w5');
      await expect(fileOf(own).network(2)).rejects.toThrow('damaged in its level 3');
    },
  );
});
