/** Tests that both engines draw the same as Python, and that ONNX Runtime Web is fetched only when it is chosen. */
import { beforeAll, describe, expect, test } from 'vitest';
import { bytesOf, clear, fixtures, good, pathOf, read } from './fixtures.ts';
import {
  alertOf,
  isSamePicture,
  openFile,
  pixelsOf,
  resizeStage,
  untilDrawn,
  type Visit,
  visit,
} from './page.ts';

let seen: Visit;

const requestsOfOnnx = () => seen.requests.filter((url) => /ort-wasm|onnx\.worker/.test(url));

beforeAll(async () => {
  seen = await visit();
  await resizeStage(seen.page, good);
});

test('the light decoder is the default, and ONNX Runtime is not fetched', async () => {
  const { page } = seen;
  expect(await page.isChecked('#engines input[value=light]')).toBe(true);
  await openFile(page, good.file, bytesOf(good));
  expect(await page.textContent('#engine-light')).toMatch(/^\d+\.\d kB, [\d.]+ m?s$/);
  expect(await page.textContent('#engine-onnx')).toMatch(/^2\.\d MB$/);
  expect(requestsOfOnnx()).toEqual([]);
});

describe('ONNX Runtime Web', () => {
  beforeAll(async () => {
    await seen.page.check('#engines input[value=onnx]');
    await untilDrawn(seen.page);
  });

  test('is fetched when it is chosen, and its drawing time is shown', async () => {
    expect(requestsOfOnnx().length).toBeGreaterThan(0);
    expect(await seen.page.textContent('#engine-onnx')).toMatch(/^2\.\d MB, [\d.]+ m?s$/);
  });

  test.each(fixtures)('draws $family as Python does', async (fixture) => {
    const { page } = seen;
    await page.setInputFiles('#file', pathOf(fixture));
    await untilDrawn(page);
    expect(await alertOf(page)).toBe('');
    expect(isSamePicture((await pixelsOf(page, '#finest')).pixels, read(fixture.pixels))).toBe(true);
  });

  test.each([...fixtures, clear])('draws $family like the light decoder', async (fixture) => {
    const { page } = seen;
    await page.setInputFiles('#file', pathOf(fixture));
    await untilDrawn(page);
    await page.click('#compare-engines');
    const compared = page.locator('#engines-compared');
    await expect
      .poll(() => compared.textContent(), { timeout: 20_000 })
      .toMatch(/the same pixels|by 1 level/);
    const share = Number.parseFloat((await compared.textContent()) ?? '') || 0;
    expect(share).toBeLessThanOrEqual(0.1);
  });

  test('reports a damaged file in one line', async () => {
    await openFile(seen.page, 'broken.onnx', bytesOf(good).subarray(0, 900));
    expect(await alertOf(seen.page)).toMatch(/^[^\n]{10,250}$/);
  });
});
