import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { views } from './fixtures.ts';
import { chooseSubnet, pixelsOf, samePixels, selectedSubnet, untilDrawn, visit } from './page.ts';

// A wide picture, whose networks range from very small to large.
const sample = views.find(({ picture }) => picture === 'coffee');
const hash = `#picture=${sample?.picture}&subnet=${sample?.subnet}`;

interface Dot {
  name: string;
  bytes: number;
  psnr: number;
}

/** The subnets, as the labels of the map describe them to a screen reader. */
async function dotsOf(page: Page): Promise<Dot[]> {
  const labels = await page
    .locator('#grid input')
    .evaluateAll((all) => all.map((one) => [(one as HTMLInputElement).value, one.ariaLabel ?? '']));
  return labels.map(([name = '', label = '']) => {
    const [, bytes, unit, psnr] = /([\d.]+) (k?B) · ([\d.]+) dB/.exec(label) ?? [];
    return { name, bytes: Number(bytes) * (unit === 'kB' ? 1000 : 1), psnr: Number(psnr) };
  });
}

async function slide(page: Page, id: string, step: number): Promise<void> {
  await page.locator(id).evaluate((input, value) => {
    (input as HTMLInputElement).value = String(value);
    input.dispatchEvent(new Event('input', { bubbles: true }));
  }, step);
  await untilDrawn(page);
}

/** Waits until the page has measured the speed of the device, on its first pictures. */
const untilMeasured = (page: Page) => page.waitForSelector('#time-budget:enabled');

describe.skipIf(!sample)('adapting', () => {
  test('arrow keys move the choice in the map of sixteen networks, and the latest choice is drawn', async () => {
    const { page } = await visit({ hash });
    const dots = await dotsOf(page);
    expect(dots).toHaveLength(16);
    const [first, second] = dots;
    await chooseSubnet(page, first?.name ?? '');
    await page.focus(`#grid input[value="${first?.name}"]`);
    for (const key of ['ArrowRight', 'ArrowDown', 'ArrowRight', 'ArrowUp', 'ArrowLeft'])
      await page.keyboard.press(key);
    await untilDrawn(page);
    expect(await selectedSubnet(page)).toBe(second?.name);
    const afterKeys = await pixelsOf(page, '#finest');
    await chooseSubnet(page, first?.name ?? '');
    expect(samePixels(await pixelsOf(page, '#finest'), afterKeys)).toBe(false);
    await chooseSubnet(page, second?.name ?? '');
    expect(samePixels(await pixelsOf(page, '#finest'), afterKeys)).toBe(true);
  });

  test('a click on the map chooses the nearest network', async () => {
    const { page } = await visit({ hash });
    const name = (await dotsOf(page)).at(-1)?.name;
    const dot = page.locator(`#plot [data-subnet="${name}"]`);
    await dot.scrollIntoViewIfNeeded();
    const box = await dot.boundingBox();
    await page.mouse.click((box?.x ?? 0) + 12, (box?.y ?? 0) + 2);
    await untilDrawn(page);
    expect(await selectedSubnet(page)).toBe(name);
    expect(await page.textContent('#reason')).toBe('Chosen by hand.');
  });

  test('each cell shows the bytes, quality and time of its network', async () => {
    const { page } = await visit({ hash });
    await untilMeasured(page);
    const cells = await page.locator('#grid .cell').allTextContents();
    expect(cells).toHaveLength(16);
    for (const cell of cells) expect(cell).toMatch(/^[\d.]+ k?B[\d.]+ dB[\d.]+ m?s$/);
    expect(await page.locator('#grid .head').allTextContents()).toEqual(
      expect.arrayContaining(['36 wide', '100 wide', '2 layers', '5 layers']),
    );
  });

  test('the slider under the picture chooses the best file that fits into the bytes', async () => {
    const { page } = await visit({ hash });
    const dots = await dotsOf(page);
    for (const step of [1000, 600, 200, 0]) {
      await slide(page, '#cut', step);
      const text = (await page.textContent('#cut-text')) ?? '';
      expect(text).toMatch(/^a file of [\d.]+ kB$/);
      const bytes = Number.parseFloat(text.replace('a file of ', '')) * 1000;
      const fitting = dots.filter((dot) => dot.bytes <= bytes).sort((a, b) => b.psnr - a.psnr);
      expect(await selectedSubnet(page), text).toBe(fitting[0]?.name);
      expect(await page.getAttribute('#cut', 'aria-valuetext')).toBe(text);
    }
    expect(await page.getAttribute('#auto', 'aria-pressed')).toBe('false');
  });

  test('a time budget chooses a faster network, and no budget the best one', async () => {
    const { page } = await visit({ hash });
    await untilMeasured(page);
    const dots = await dotsOf(page);
    await slide(page, '#time-budget', 40);
    const best = [...dots].sort((a, b) => b.psnr - a.psnr)[0];
    expect(await selectedSubnet(page)).toBe(best?.name);
    await slide(page, '#time-budget', 0);
    // Which network is fastest is only estimated, but it must be a small one.
    const chosen = await selectedSubnet(page);
    const fast = dots.find(({ name }) => name === chosen);
    expect(fast?.bytes).toBeLessThan((best?.bytes ?? 0) / 3);
  });

  test('the automatic choice looks good, and takes a quarter of the bytes if the browser saves data', async () => {
    const { page } = await visit();
    expect(await page.getAttribute('#auto', 'aria-pressed')).toBe('true');
    const bytesOf = async (tab: Page) => {
      const chosen = await selectedSubnet(tab);
      return (await dotsOf(tab)).find(({ name }) => name === chosen)?.bytes ?? 0;
    };
    const bytes = await bytesOf(page);
    expect(bytes).toBeGreaterThan(8_000);
    expect(bytes).toBeLessThan(18_500);
    const saving = await visit({ connection: { downlink: 10, saveData: true } });
    expect(await saving.page.textContent('#reason')).toMatch(/save data/);
    expect(await bytesOf(saving.page)).toBeLessThanOrEqual(18_500 / 4);
  });

  test('Auto chooses again after a choice by hand', async () => {
    const { page } = await visit({ connection: { downlink: 10, saveData: true } });
    const chosen = await selectedSubnet(page);
    await chooseSubnet(page, (await dotsOf(page)).at(-1)?.name ?? '');
    expect(await page.getAttribute('#auto', 'aria-pressed')).toBe('false');
    await page.click('#auto');
    await untilDrawn(page);
    expect(await selectedSubnet(page)).toBe(chosen);
  });
});
