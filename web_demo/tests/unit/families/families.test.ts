/** Each family's pictures: Python's, and those of its formula where other coordinates take other ways. */
import { describe, expect, test } from 'vitest';
import { axis } from '../../../neural-img/src/coordinates.ts';
import { FAMILIES } from '../../../neural-img/src/families/index.ts';
import type { Draw } from '../../../neural-img/src/kernel.ts';
import type { Network } from '../../../neural-img/src/network.ts';
import { evaluate } from '../../evaluate.ts';
import { newKernel } from '../../kernels.ts';
import { expectSamePixels, withoutAlpha } from '../../pixels.ts';
import { networkCases } from '../../vectors.ts';

function open(network: Network): Draw {
  const draw = FAMILIES.get(network.family)?.open(newKernel(), network);
  if (!draw) throw new Error('no such family');
  return draw;
}

describe.each([...FAMILIES.keys()])('%s', (family) => {
  const cases = networkCases(family);

  test.each(cases)('draws Python’s pixels, %#', ({ network, x, y, pixels }) => {
    expectSamePixels(withoutAlpha(open(network)(x, y)), pixels);
  });

  test.each(cases)('draws smaller pictures as Python does, %#', ({ network, smaller }) => {
    const draw = open(network);
    for (const { x, y, spacing, pixels } of smaller)
      expectSamePixels(withoutAlpha(draw(x, y, spacing)), pixels);
  });

  test.each(cases)('draws other columns, rows and sizes in turns, %#', ({ network }) => {
    const draw = open(network);
    const [width, height] = network.size;
    const spans = [
      [axis(width), axis(height)],
      [axis(width, { start: 3, count: 9.5 }, 33), axis(height, { start: 20, count: 4 }, 19)],
      [axis(width, { start: 3, count: 9.5 }, 33), axis(height, { start: 2, count: 1 }, 1)],
      [axis(width, undefined, 5), axis(height, undefined, 3)],
    ] as const;
    for (const [x, y] of [...spans, ...spans])
      expectSamePixels(withoutAlpha(draw(x, y)), evaluate(network, x, y));
  });

  test.each(cases)('draws many pixels close together as it draws few, %#', ({ network }) => {
    const [width, height] = network.size;
    const [x, y] = [axis(width, { start: 5, count: 16 }, 400), axis(height, { start: 7, count: 3 }, 48)];
    const got = withoutAlpha(open(network)(x, y));
    const some = got.filter(
      (_, k) => Math.floor(k / 3 / 400) % 7 === 0 && (Math.floor(k / 3) % 400) % 9 === 0,
    );
    const every = (all: Float32Array, n: number) => all.filter((_, k) => k % n === 0);
    expectSamePixels(some, evaluate(network, every(x, 9), every(y, 7)));
  });

  test('draws coordinates that do not rise, too', () => {
    const { network } = cases[0] as (typeof cases)[number];
    const [x, y] = [
      Float32Array.from({ length: 64 }, (_, k) => Math.cos(k)),
      Float32Array.of(0.5, -0.5, 0.1),
    ];
    expectSamePixels(withoutAlpha(open(network)(x, y)), evaluate(network, x, y));
  });

  test('is opaque', () => {
    const { network, x, y } = cases[0] as (typeof cases)[number];
    const rgba = open(network)(x, y);
    expect(rgba.filter((_, k) => k % 4 === 3).every((alpha) => alpha === 255)).toBe(true);
  });
});
