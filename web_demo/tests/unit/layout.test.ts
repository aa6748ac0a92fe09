import { expect, test } from 'vitest';
import { bitmapSize, parseDimension, styleSheet } from '../../neural-img/src/layout.ts';

test.each([
  ['600', 600, 'px'],
  [' \n600', 600, 'px'],
  ['600.5', 600.5, 'px'],
  ['600.', 600, 'px'],
  ['600px', 600, 'px'],
  ['600.5.7', 600.5, 'px'],
  ['50%', 50, '%'],
  ['12.5%off', 12.5, '%'],
  ['6 %', 6, 'px'],
  ['0', 0, 'px'],
])('reads a dimension as HTML does: %j', (text, value, unit) => {
  expect(parseDimension(text)).toEqual({ value, unit });
});

test.each([null, '', ' ', '-5', '+5', '.5', 'wide', '\u00a05'])('%j is no dimension', (text) => {
  expect(parseDimension(text)).toBeUndefined();
});

const UNKNOWN = { width: 0, height: 0 };
const NATURAL = { width: 300, height: 100 };

test.each([
  ['600', '400', UNKNOWN, ['calc(600px + 0%)', 'auto', 'auto', '600px 400px', 'auto 600 / 400']],
  ['600', '400', NATURAL, ['calc(600px + 0%)', 'auto', 'auto', '600px 400px', 'auto 600 / 400']],
  [null, null, UNKNOWN, ['fit-content', 'auto', 'auto', '0px 0px', 'auto']],
  [null, null, NATURAL, ['fit-content', 'auto', 'auto', '300px 100px', 'auto 300 / 100']],
  ['600', null, NATURAL, ['calc(600px + 0%)', 'auto', '600px', '300px 100px', 'auto 300 / 100']],
  [null, '50', NATURAL, ['fit-content', '50px', 'auto', '300px 100px', 'auto 300 / 100']],
  ['50%', '400', NATURAL, ['calc(50% + 0%)', '400px', 'auto', '300px 100px', 'auto 300 / 100']],
  ['0', '400', NATURAL, ['calc(0px + 0%)', '400px', '0px', '300px 100px', 'auto 300 / 100']],
  ['x', 'y', NATURAL, ['fit-content', 'auto', 'auto', '300px 100px', 'auto 300 / 100']],
] as const)(
  'width %j and height %j of a picture of %j are styled like those of an <img>',
  (width, height, natural, expected) => {
    const declared = styleSheet(width, height, natural);
    const of = (name: string, from: string) =>
      new RegExp(`\\s${name}: ([^;]*);`).exec(declared.slice(declared.indexOf(from)))?.[1]?.trim();
    expect([
      of('width', ':host {'),
      of('height', ':host {'),
      of('width', ' canvas { display'),
      of('contain-intrinsic-size', ':host, canvas'),
      of('aspect-ratio', ':host, canvas'),
    ]).toEqual(expected);
  },
);

test('in quirks mode the element itself has the size', () => {
  expect(styleSheet('60', null, NATURAL, true)).toContain('contain: size layout;');
  expect(styleSheet('60', null, NATURAL)).not.toContain('contain: size layout;');
});

test.each([
  ['fill', { width: 300, height: 200 }, 1, { width: 600, height: 200 }],
  ['cover', { width: 300, height: 200 }, 1, { width: 600, height: 200 }],
  ['contain', { width: 300, height: 200 }, 2, { width: 600, height: 200 }],
  ['none', { width: 30, height: 20 }, 2, { width: 300, height: 100 }],
  ['scale-down', { width: 30, height: 20 }, 2, { width: 60, height: 20 }],
  ['scale-down', { width: 600, height: 500 }, 2, { width: 300, height: 100 }],
  ['fill', { width: 0.1, height: 0.1 }, 1, { width: 1, height: 1 }],
  ['fill', { width: 300, height: 0 }, 1, { width: 0, height: 0 }],
  ['fill', { width: Number.NaN, height: 100 }, 1, { width: 0, height: 0 }],
])('object-fit %s in %j at a density of %d has a bitmap of the shown size', (fit, box, density, expected) => {
  expect(bitmapSize(NATURAL, box, fit, density)).toEqual(expected);
});

test('no bitmap is larger than a phone’s canvas', () => {
  const { width, height } = bitmapSize(NATURAL, { width: 30_000, height: 10_000 }, 'fill', 1);
  expect(width * height).toBeLessThanOrEqual(16.8e6);
  expect(width / height).toBeCloseTo(3, 2);
});

test('without a natural size there is no bitmap', () => {
  expect(bitmapSize(UNKNOWN, { width: 300, height: 200 }, 'fill', 1)).toEqual(UNKNOWN);
});
