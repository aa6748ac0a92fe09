/** Tests networks of the family `lapped` that take all possible inputs. */
import { expect, test } from 'vitest';
import { axis } from '../../../neural-img/src/coordinates.ts';
import { LAPPED } from '../../../neural-img/src/families/lapped.ts';
import { inputsOf } from '../../../neural-img/src/lapped_transform.ts';
import { coloursOf, type Latents, type Network } from '../../../neural-img/src/network.ts';
import { evaluate } from '../../evaluate.ts';
import { newKernel } from '../../kernels.ts';
import { asRgba, expectSamePixels } from '../../pixels.ts';
import { networkCases } from '../../vectors.ts';

/** The network with two layers, another reach, and as many channels as there are inputs, and one more. */
function widened({ tensors, latents, ...others }: Network, reach: number): Network {
  const colours = tensors.head?.shape[0] ?? 0;
  const channels = inputsOf(100, colours).length + 1;
  const codes = (count: number, most: number) =>
    Int8Array.from({ length: count }, (_, k) => Math.round(most * Math.sin(k ** 2)));
  const weights = codes(channels ** 2, 7).map((code, k) => (k % channels < colours ? 0 : code));
  return {
    ...others,
    latents: { ...(latents as Latents), reach },
    tensors: {
      ...tensors,
      weights: { shape: [1, channels, channels], data: weights },
      steps: { shape: [1], data: Float32Array.of(0.1) },
      head: { shape: [colours, channels], data: codes(colours * channels, 127) },
    },
  };
}

const cases = [1, 2, 3, 4].flatMap((reach) =>
  networkCases('lapped').map(({ network }) => ({ network: widened(network, reach), reach })),
);

test.each(cases)(
  'neighbouring planes at a reach of $reach, and of twice that, are drawn as in the formula, %#',
  ({ network }) => {
    const draw = LAPPED.open(newKernel(), network);
    const [width, height] = network.size;
    const spans = [
      // Neighbours coincide with samples at the native size and at twice that size, but not at others.
      [axis(width), axis(height, { start: 8, count: 9 })],
      [axis(width, { start: 0, count: 12 }, 24), axis(height, { start: 20, count: 4 }, 8)],
      [axis(width, undefined, 33), axis(height, undefined, 7)],
      [axis(width), axis(height, { start: 1, count: 4.2 }, 3)],
    ] as const;
    for (const [x, y] of spans)
      expectSamePixels(draw(x, y), asRgba(evaluate(network, x, y), coloursOf(network)));
  },
);

test('weights of planes that a grey picture lacks change nothing', () => {
  const grey = cases.find(({ network }) => coloursOf(network) === 1)?.network as Network;
  const [channels, at] = [grey.tensors.weights?.shape[1] ?? 0, axis(8)];
  const others = structuredClone(grey);
  inputsOf(channels, 1).forEach(({ plane }, input) => {
    if (plane > 0) others.tensors.weights?.data.fill(7, input * channels + 1, (input + 1) * channels);
  });
  const [got, expected] = [others, grey].map((network) => LAPPED.open(newKernel(), network)(at, at));
  expect(got).toEqual(expected);
});
