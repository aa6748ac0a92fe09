/** Every family takes the fast way: a graph that could not be rewritten would be right, but slow. */
import * as ort from 'onnxruntime-web';
import { expect, test, vi } from 'vitest';
import { axis } from '../../neural-img/src/coordinates.ts';
import { rewrite } from '../../neural-img/src/rewrite.ts';
import { openDrawer } from '../../neural-img/src/tiles.ts';
import { evaluate } from '../evaluate.ts';
import { bytesOf, fixtures } from './fixtures.ts';

// What browsers load does not start in Node.
vi.mock('onnxruntime-web/wasm', () => import('onnxruntime-web'));

test.each(fixtures)('$family is rewritten', async (fixture) => {
  const plan = await rewrite(new Uint8Array(bytesOf(fixture)), evaluate);
  expect(plan).toBeDefined();
  expect(Boolean(plan?.smooth)).toBe(fixture.family !== 'lapped');
});

test.each(fixtures)('few points of $family give the pixels of all, enlarged', async (fixture) => {
  const file = new Uint8Array(bytesOf(fixture));
  const [x, y] = [axis(150, { start: 30, count: 60 }, 600), axis(100, { start: 50, count: 4 }, 40)];
  const expected = (await evaluate(file, x, y)).image?.data as Uint8Array;
  const drawer = await openDrawer(file);
  // The graph of few points is opened when it is first needed.
  const opened = vi.spyOn(ort.InferenceSession, 'create');
  const rgb = (await drawer.draw(x, y)).filter((_, at) => at % 4 !== 3);
  expect(opened).toHaveBeenCalledTimes(fixture.family === 'lapped' ? 0 : 1);
  opened.mockRestore();
  await drawer.release();
  const steps = rgb.map((value, at) => Math.abs(value - (expected[at] ?? Number.NaN)));
  expect(Math.max(...steps)).toBeLessThanOrEqual(1);
  expect(steps.filter((step) => step > 0).length).toBeLessThanOrEqual(0.001 * steps.length);
});
