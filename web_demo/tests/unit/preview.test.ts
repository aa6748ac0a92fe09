/** Tests previews, which are shown before the first level is complete, against those of Python. */
import { describe, expect, test } from 'vitest';
import { AnirFile } from '../../neural-img/src/anir_file.ts';
import { previewFrom, readHeader } from '../../neural-img/src/anir_header.ts';
import { axis } from '../../neural-img/src/coordinates.ts';
import { drawPreview, infoOfPreview, readPreview } from '../../neural-img/src/preview.ts';
import { CODER_MODULE } from '../kernels.ts';
import { asRgba, expectSamePixels } from '../pixels.ts';
import { type AnirCase, anirCases } from '../vectors.ts';

const cases = anirCases();
const [siren, lapped] = ['siren', 'lapped'].map((family) => cases.find((own) => own.family === family)) as [
  AnirCase,
  AnirCase,
];
const previewOf = (file: Uint8Array) => readPreview(CODER_MODULE, readHeader(lapped.file), file);

describe.each(cases.filter(({ previews }) => previews.length > 0))(
  '$colours colours, pitch $pitch',
  ({ file, previews, colours, levels }) => {
    test.each(previews)('$bytes bytes have the same preview as in Python', ({ bytes, pixels }) => {
      const { x, y } = levels[0] as AnirCase['levels'][number];
      const own = new AnirFile(CODER_MODULE);
      for (const at of [0, 50]) own.feed(file.subarray(at, at === 0 ? 50 : bytes));
      const preview = own.preview();
      if (!preview) throw new Error('There is no preview.');
      expectSamePixels(drawPreview(preview)(x, y), asRgba(pixels, colours));
      expect(infoOfPreview(preview)).toEqual({ family: 'lapped', name: 'preview', width: 75, height: 52 });
    });
  },
);

test('there are vectors of previews for each number of colours', () => {
  const colours = cases.flatMap((own) => own.previews.map(() => own.colours));
  expect([...new Set(colours)].sort()).toEqual([1, 3, 4]);
});

test('there is a preview from colours and width on until the first level is complete', () => {
  const header = readHeader(lapped.file);
  const least = previewFrom(header);
  expect(least).toBe(header.start + 19);
  expect(previewOf(lapped.file.subarray(0, least - 1))).toBeUndefined();
  const own = new AnirFile(CODER_MODULE);
  expect(own.preview()).toBeUndefined();
  own.feed(lapped.file.subarray(0, least));
  expect(own.preview()?.shape).toEqual([4, 5, 3]);
  own.feed(lapped.file.subarray(least));
  expect(own.preview()).toBeUndefined();
});

test('an invalid width has no preview', () => {
  const changed = lapped.file.with(lapped.start + 12, 255).with(lapped.start + 13, 255);
  expect(previewOf(changed)).toBeUndefined();
});

test('other families have no preview', () => {
  expect(previewFrom(readHeader(siren.file))).toBe(Number.POSITIVE_INFINITY);
  const own = new AnirFile(CODER_MODULE);
  own.feed(siren.file.subarray(0, (siren.levels[0]?.end ?? 0) - 1));
  expect(own.preview()).toBeUndefined();
});

test('a part of a preview has the pixels of the whole', () => {
  const preview = previewOf(lapped.file.subarray(0, (lapped.levels[0]?.end ?? 0) - 1));
  if (!preview) throw new Error('There is no preview.');
  const draw = drawPreview(preview);
  const whole = draw(axis(75), axis(52));
  const part = draw(axis(75, { start: 20, count: 30 }), axis(52, { start: 10, count: 1 }));
  expect([...part]).toEqual([...whole.subarray((10 * 75 + 20) * 4, (10 * 75 + 50) * 4)]);
});
