/** Tests that files in strips, of either pitch, written by Python are read as by Python. */
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

type Level = ReturnType<typeof stripsCase>['levels'][number];

function fileOf(...parts: Uint8Array[]): AnirFile {
  const own = new AnirFile(CODER_MODULE);
  for (const part of parts) own.feed(part);
  return own;
}

/** Expects the codes of a level, and its pixels at columns x and rows y. */
function expectShown(
  network: Network,
  { name, places, codes, magnitudes, pixels }: Level,
  x: Float32Array,
  y: Float32Array,
) {
  expect(nameOf(network)).toBe(name);
  const known = [...(network.latents?.codes.entries() ?? [])].filter(([, code]) => code !== 0);
  expect(known).toEqual(places.map((place, k) => [place, codes[k]]));
  expect([...(network.latents?.magnitudes ?? [])]).toEqual(magnitudes);
  expectSamePixels(FAMILIES.get('lapped')?.open(newKernel(), network)(x, y) ?? [], asRgba(pixels, 1));
}

test('strips have the rows that they should', () => {
  const of = (width: number, height: number, family: 'lapped' | 'siren' = 'lapped', pitch: 16 | 32 = 16) =>
    stripStarts({ family, size: [width, height], pitch });
  expect(of(768, 512)).toEqual([0, 32]);
  expect(of(2560, 1600)).toEqual([0, 32, 64, 100]);
  expect(of(2560, 1600, 'lapped', 32)).toEqual([0, 16, 32, 50]);
  expect(of(65536, 200)).toEqual([0, 8, 13]);
  expect(of(16384, 16384)).toHaveLength(33);
  expect(of(16384, 16384, 'siren')).toEqual([0, 0]);
});

describe.each([['strips'], ['strips-32']] as const)('the file of %s.json', (name) => {
  const { file, starts, x, y, levels, refined, previews } = stripsCase(name);

  test('has strips of the same rows as in Python', () =>
    expect(stripStarts(readHeader(file))).toEqual(starts));

  test('is read as in Python in each level, whole or fed in pieces', async () => {
    const pieces = Array.from({ length: Math.ceil(file.length / 7) }, (_, k) =>
      file.subarray(7 * k, 7 * k + 7),
    );
    const [whole, own] = [fileOf(file), fileOf()];
    for (const [k, level] of levels.entries()) {
      expectShown(await whole.network(k), level, x, y);
      while (own.available <= k) own.feed(pieces.shift() as Uint8Array);
      expectShown(await own.network(), level, x, y);
    }
  });

  test.each(refined)('with $bytes bytes refines the strips that have arrived', async (level) => {
    const own = fileOf(file.subarray(0, level.bytes));
    expectShown(await own.refined(), level, x, y);
    own.feed(file.subarray(level.bytes));
    expectShown(await own.network(), levels[2] as Level, x, y);
  });

  test.each(previews)(
    'with $bytes bytes has a preview of the strips that have arrived',
    ({ bytes, pixels }) => {
      const preview = fileOf(file.subarray(0, bytes)).preview();
      if (!preview) throw new Error('There is no preview.');
      expectSamePixels(drawPreview(preview)(x, y), asRgba(pixels, 1));
    },
  );
});

describe('a damaged file', () => {
  const { file, levels } = stripsCase();
  const ends = levels.map(({ bytes }) => bytes) as [number, number, number];

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
