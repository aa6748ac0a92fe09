import { expect, test } from 'vitest';
import { axis } from '../../../neural-img/src/coordinates.ts';
import { openPlanes, type Pictures } from '../../../neural-img/src/families/planes.ts';
import { inputsOf, type LatentInput } from '../../../neural-img/src/lapped_transform.ts';
import { channelsOf, coloursOf, type Latents } from '../../../neural-img/src/network.ts';
import { newKernel } from '../../kernels.ts';
import { networkCases } from '../../vectors.ts';

const cases = networkCases('lapped').map(({ network }) => ({ network, latents: network.latents as Latents }));

test.each(cases)('neighbours of evenly spaced samples are among these, %#', ({ network, latents }) => {
  const { lineOf } = openPlanes(newKernel(), network);
  const [width] = network.size;
  const shift = (samples: Float32Array) => lineOf(0, samples, 1).shift;
  expect(shift(axis(width))).toBe(latents.reach);
  expect(shift(axis(width, { start: 2, count: 9 }, 18))).toBe(2 * latents.reach);
  // Neighbours too far away, between samples, in reverse order, at uneven spacing, and of a single sample.
  expect(shift(axis(width, { start: 2, count: 2 }, 20))).toBe(24);
  expect(shift(axis(width, { start: 2, count: 9 }, 10))).toBe(16);
  expect(shift(axis(width).reverse())).toBe(Math.ceil(width / 8) * 8);
  expect(shift(axis(width).map((sample, k) => (k === 3 ? sample + 1e-6 : sample)))).toBeGreaterThan(8);
  expect(shift(axis(width).subarray(0, 1))).toBe(8);
});

test.each(cases)(
  'planes at neighbours are those of samples at their positions, %#',
  ({ network, latents }) => {
    const kernel = newKernel();
    const { lineOf, draw } = openPlanes(kernel, network);
    const [width, height] = network.size;
    const value = ({ at, pitch }: Pictures, plane: number, row: number, column: number) =>
      kernel.floats((at[plane] as number) + row * pitch + column * 4, 1)[0] as number;
    const rows = axis(height).subarray(3, 8);
    const isThere = ({ plane }: LatentInput) => plane < coloursOf(network);
    for (const x of [axis(width), axis(width, { start: 1, count: width - 2.3 }, 13)]) {
      const [across, down] = [lineOf(0, x, 1), lineOf(1, rows, 1)];
      const pictures = draw(across, down);
      for (const seen of inputsOf(channelsOf(network), coloursOf(network)).filter(isThere)) {
        const moved = (at: Float32Array, places: number, size: number) =>
          at.map((own) => own + (2 * places * latents.reach) / size);
        const there = draw(
          lineOf(0, moved(x, seen.right, width), 1),
          lineOf(1, moved(rows, seen.down, height), 1),
        );
        for (let row = 0; row < rows.length; row++)
          for (let column = 0; column < x.length; column++) {
            const [below, right] = [row + seen.down * down.shift, column + seen.right * across.shift];
            expect(value(pictures, seen.plane, below, right)).toBeCloseTo(
              value(there, seen.plane, row, column),
              4,
            );
          }
      }
    }
  },
);
