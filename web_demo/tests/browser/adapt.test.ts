import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { views } from './fixtures.ts';
import { chooseSubnet, pixelsOf, samePixels, selectedSubnet, untilDrawn, visit } from './page.ts';

// Wide, and with networks from very small to large.
const sample = views.find(({ picture }) => picture === 'coffee');
const hash = `#picture=${sample?.picture}&subnet=${sample?.subnet}`;

interface Dot {
  name: string;
  bytes: number;
  psnr: number;
}

/** The subnets as the map tells a screen reader of them. */
async function dotsOf(page: Page): Promise<Dot[]> {
  const labels = await page
    .locator('#map input')
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

describe.skipIf(!sample)('adapting', () => {
  test('the map has sixteen networks; arrow keys go deeper and wider, and the latest choice wins', async () => {
    const { page } = await visit({ hash });
    const dots = await dotsOf(page);
    expect(dots).toHaveLength(16);
    const [first, second] = dots;
    await chooseSubnet(page, first?.name ?? '');
    await page.focus(`#map input[value="${first?.name}"]`);
    for (const key of ['ArrowRight', 'ArrowUp', 'ArrowRight', 'ArrowDown', 'ArrowLeft'])
      await page.keyboard.press(key);
    await untilDrawn(page);
    expect(await selectedSubnet(page)).toBe(second?.name);
    const afterKeys = await pixelsOf(page, '#finest');
    await chooseSubnet(page, first?.name ?? '');
    expect(samePixels(await pixelsOf(page, '#finest'), afterKeys)).toBe(false);
    await chooseSubnet(page, second?.name ?? '');
    expect(samePixels(await pixelsOf(page, '#finest'), afterKeys)).toBe(true);
  });

  test('a press on the map takes the nearest network', async () => {
    const { page } = await visit({ hash });
    const name = (await dotsOf(page)).at(-1)?.name;
    const box = await page.locator(`#map input[value="${name}"]`).boundingBox();
    await page.mouse.click((box?.x ?? 0) + 18, (box?.y ?? 0) + 2);
    await untilDrawn(page);
    expect(await selectedSubnet(page)).toBe(name);
    expect(await page.textContent('#reason')).toBe('Chosen by hand.');
  });

  test('a byte budget takes the best network that fits', async () => {
    const { page } = await visit({ hash });
    await slide(page, '#time-budget', 40);
    const dots = await dotsOf(page);
    for (const step of [40, 24, 8, 0]) {
      await slide(page, '#bytes-budget', step);
      const text = (await page.textContent('#bytes-limit')) ?? '';
      const limit = step === 40 ? Infinity : Number.parseFloat(text.replace('up to ', '')) * 1000;
      const fitting = dots.filter(({ bytes }) => bytes <= limit).sort((a, b) => b.psnr - a.psnr);
      expect(await selectedSubnet(page), text).toBe(fitting[0]?.name);
      expect(await page.getAttribute('#bytes-budget', 'aria-valuetext')).toBe(text);
    }
    expect(await page.getAttribute('#auto', 'aria-pressed')).toBe('false');
  });

  test('a time budget takes a faster network, none takes the best', async () => {
    const { page } = await visit({ hash });
    const dots = await dotsOf(page);
    await slide(page, '#bytes-budget', 40);
    await slide(page, '#time-budget', 40);
    const best = [...dots].sort((a, b) => b.psnr - a.psnr)[0];
    expect(await selectedSubnet(page)).toBe(best?.name);
    await slide(page, '#time-budget', 0);
    // Which one is fastest is measured, but it is surely one of the small ones.
    const chosen = await selectedSubnet(page);
    const fast = dots.find(({ name }) => name === chosen);
    expect(fast?.bytes).toBeLessThan((best?.bytes ?? 0) / 3);
  });

  test.each([
    ['a slow connection', { downlink: 0.25 }, /0\.25 Mbit\/s.*3\.1 kB/, 3125],
    ['a wish to save data', { downlink: 10, saveData: true }, /save data/, 0],
    ['a browser that does not tell', 'unknown' as const, /does not tell.*only time/, Infinity],
  ])('by itself it minds %s', async (_name, connection, reason, limit) => {
    const { page } = await visit({ connection });
    expect(await page.getAttribute('#auto', 'aria-pressed')).toBe('true');
    expect(await page.textContent('#reason')).toMatch(reason);
    const dots = await dotsOf(page);
    const smallest = Math.min(...dots.map(({ bytes }) => bytes));
    const selected = await selectedSubnet(page);
    const bytes = dots.find(({ name }) => name === selected)?.bytes ?? Infinity;
    expect(bytes).toBeLessThanOrEqual(Math.max(limit, smallest));
  });

  test('after a choice by hand, Auto chooses again', async () => {
    const { page } = await visit({ connection: { downlink: 10, saveData: true } });
    const chosen = await selectedSubnet(page);
    await chooseSubnet(page, (await dotsOf(page)).at(-1)?.name ?? '');
    expect(await page.getAttribute('#auto', 'aria-pressed')).toBe('false');
    await page.click('#auto');
    await untilDrawn(page);
    expect(await selectedSubnet(page)).toBe(chosen);
  });
});
