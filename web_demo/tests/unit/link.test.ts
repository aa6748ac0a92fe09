import { expect, test } from 'vitest';
import { readLink, type Shared, writeLink } from '../../src/link.ts';
import { WHOLE } from '../../src/view.ts';

const SHARED: Shared = {
  picture: 'my picture',
  subnet: 'd3w64',
  view: { x: 0.25, y: 0.625, zoom: 3.5 },
  rival: 'avif',
  split: 0.3,
  difference: true,
};

test('a link holds everything that is shown', () => {
  expect(readLink(writeLink(SHARED))).toEqual(SHARED);
});

test('a link holds where a file is cut', () => {
  const cut = { ...SHARED, bytes: 3157 };
  expect(readLink(writeLink(cut))).toEqual(cut);
  expect(readLink('#picture=a&bytes=-4')).not.toHaveProperty('bytes');
});

test('a link omits default values', () => {
  const link = writeLink({ ...SHARED, view: WHOLE, split: 0.5, difference: false });
  expect(link).toBe('#picture=my+picture&subnet=d3w64&against=avif');
});

test.each(['', '#', '#how', '#subnet=d3w64'])('“%s” names no picture', (hash) => {
  expect(readLink(hash)).toBeUndefined();
});

test('invalid values are replaced by defaults', () => {
  expect(readLink('#picture=a&x=7&y=NaN&zoom=-1&split=1e9&against=tiff&show=all')).toEqual({
    picture: 'a',
    view: WHOLE,
    rival: 'nothing',
    split: 0.5,
    difference: false,
  });
});
