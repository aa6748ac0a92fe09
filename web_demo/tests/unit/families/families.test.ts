/** Tests each family's pictures against Python's, and against its formula at coordinates that are drawn in other ways. */
import { describe, expect, test } from 'vitest';
import { axis } from '../../../neural-img/src/coordinates.ts';
import { FAMILIES } from '../../../neural-img/src/families/index.ts';
import type { Draw } from '../../../neural-img/src/kernel.ts';
import { channelsOf, coloursOf, type Network, type Tensor } from '../../../neural-img/src/network.ts';
import { evaluate } from '../../evaluate.ts';
import { newKernel } from '../../kernels.ts';
import { asRgba, expectSamePixels } from '../../pixels.ts';
import { networkCases } from '../../vectors.ts';

const expected = (network: Network, x: Float32Array, y: Float32Array) =>
  asRgba(evaluate(network, x, y), coloursOf(network));

function open(network: Network): Draw {
  const draw = FAMILIES.get(network.family)?.open(newKernel(), network);
  if (!draw) throw new Error('no such family');
  return draw;
}

/** The network with only the first of its channels; no other axis of its tensors may be as long as those of channels. */
function narrowed(network: Network, channels: number): Network {
  const narrow = ({ shape, data }: Tensor): Tensor => {
    const isKept = (at: number) =>
      shape.every((length, axis) => {
        const index = Math.floor(at / lengthOf(shape.slice(axis + 1))) % length;
        return length !== channelsOf(network) || index < channels;
      });
    return {
      shape: shape.map((length) => (length === channelsOf(network) ? channels : length)),
      data: data.filter((_, at) => isKept(at)),
    };
  };
  const tensors = Object.entries(network.tensors).map(([name, own]) => [name, narrow(own)]);
  return { ...network, tensors: Object.fromEntries(tensors) };
}

const lengthOf = (shape: number[]) => shape.reduce((all, length) => all * length, 1);

describe.each([...FAMILIES.keys()])('%s', (family) => {
  const cases = networkCases(family);

  test.each(cases)('draws the same pixels as Python, %#', ({ network, x, y, pixels }) => {
    expectSamePixels(open(network)(x, y), asRgba(pixels, coloursOf(network)));
  });

  test.each(cases)('draws the same smaller pictures as Python, %#', ({ network, smaller }) => {
    const draw = open(network);
    for (const { x, y, spacing, pixels } of smaller)
      expectSamePixels(draw(x, y, spacing), asRgba(pixels, coloursOf(network)));
  });

  test.each(cases)('draws other columns, rows and sizes alternately, %#', ({ network }) => {
    const draw = open(network);
    const [width, height] = network.size;
    const spans = [
      [axis(width), axis(height)],
      [axis(width, { start: 3, count: 9.5 }, 33), axis(height, { start: 20, count: 4 }, 19)],
      [axis(width, { start: 3, count: 9.5 }, 33), axis(height, { start: 2, count: 1 }, 1)],
      [axis(width, undefined, 5), axis(height, undefined, 3)],
    ] as const;
    for (const [x, y] of [...spans, ...spans]) expectSamePixels(draw(x, y), expected(network, x, y));
  });

  test.each(cases)('draws many pixels close together like few of them, %#', ({ network }) => {
    const [width, height] = network.size;
    const [x, y] = [axis(width, { start: 5, count: 16 }, 400), axis(height, { start: 7, count: 3 }, 48)];
    const some = open(network)(x, y).filter(
      (_, k) => Math.floor(k / 4 / 400) % 7 === 0 && (Math.floor(k / 4) % 400) % 9 === 0,
    );
    const every = (all: Float32Array, n: number) => all.filter((_, k) => k % n === 0);
    expectSamePixels(some, expected(network, every(x, 9), every(y, 7)));
  });

  test.each([1, 2, 3])('draws networks of %i channels', (channels) => {
    for (const { network } of cases.slice(1)) {
      const own = narrowed(network, channels);
      const [x, y] = own.size.map((pixels) => axis(pixels, undefined, 2 * pixels)) as [
        Float32Array,
        Float32Array,
      ];
      expectSamePixels(open(own)(x, y), expected(own, x, y));
    }
  });

  test('draws at coordinates that do not ascend', () => {
    const { network } = cases[0] as (typeof cases)[number];
    const [x, y] = [
      Float32Array.from({ length: 64 }, (_, k) => Math.cos(k)),
      Float32Array.of(0.5, -0.5, 0.1),
    ];
    expectSamePixels(open(network)(x, y), expected(network, x, y));
  });

  test('is opaque unless there is an alpha channel', () => {
    for (const { network, x, y } of cases) {
      const alphas = open(network)(x, y).filter((_, k) => k % 4 === 3);
      expect(alphas.every((alpha) => alpha === 255)).toBe(coloursOf(network) < 4);
    }
  });
});
