import { expect, test } from 'vitest';
import { apply, makeLayer } from '../../../neural-img/src/families/layers.ts';
import { PANEL } from '../../../neural-img/src/kernel.ts';
import { newKernel } from '../../kernels.ts';

const weight = (output: number, input: number) => Math.sin(1 + output * 7 + input * 3);
const bias = (output: number) => Math.cos(output);

// Of layers whose size is below 96 or no multiple of 16, of oblong ones, and of those that Strassen's algorithm divides.
test.each([
  [8, 8],
  [100, 100],
  [96, 112],
  [96, 96],
  [128, 128],
])('a layer from %s to %s channels multiplies any number of panels', (inputs, outputs) => {
  for (const panels of [1, 7, 8, 9, 19]) {
    const kernel = newKernel();
    const layer = makeLayer(kernel, outputs, inputs, 2, { weight, bias });
    const points = kernel.matrix(8 * panels, inputs, (point, input) => Math.sin(point * 5 + input));
    const count = panels * outputs * 8;
    const out = kernel.take(count + 1);
    kernel.floats(out, count + 1).fill(-1);
    apply(kernel, layer, points.at, out, panels);
    const got = kernel.floats(out, count + 1);
    let worst = 0;
    for (let point = 0; point < 8 * panels; point++)
      for (let output = 0; output < outputs; output++) {
        let sum = bias(output);
        for (let input = 0; input < inputs; input++)
          sum += weight(output, input) * Math.sin(point * 5 + input);
        const at = ((point >> 3) * outputs + output) * 8 + (point & 7);
        worst = Math.max(worst, Math.abs((got[at] ?? Number.NaN) - 2 * sum));
      }
    expect(worst).toBeLessThan(2e-5);
    expect(got.at(-1)).toBe(-1);
  }
});

test('panels may lie farther apart than their outputs take', () => {
  const kernel = newKernel();
  const layer = makeLayer(kernel, 96, 96, 1, { weight, bias });
  const points = kernel.matrix(8 * 9, 96, (point, input) => Math.sin(point * 5 + input));
  const [near, far] = [kernel.take(9 * 96 * 8), kernel.take(9 * 100 * 8)];
  kernel.floats(far, 9 * 100 * 8).fill(-1);
  apply(kernel, layer, points.at, near, 9);
  apply(kernel, layer, points.at, far, 9, 100 * PANEL);
  for (let panel = 0; panel < 9; panel++) {
    const own = kernel.floats(far + panel * 100 * PANEL, 800);
    const differences = kernel
      .floats(near + panel * 96 * PANEL, 768)
      .map((value, k) => value - (own[k] ?? 0));
    expect(Math.max(...differences.map(Math.abs))).toBeLessThan(2e-5);
    expect([...own.slice(768)]).toEqual(Array(32).fill(-1));
  }
});
