/** Tests Firefox, which Puppeteer drives by WebDriver BiDi: the element draws the same as Python, and the page streams. */
import { type Browser, launch, type Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serve } from '../../scripts/serve.mjs';
import { fixtures, good, read } from './fixtures.ts';
import { DIST, isSamePicture } from './page.ts';
import { drawnPixels, messageOfBroken, servePlainPage, sharesStrips, streamedLevels } from './plain_page.ts';
import { findFirefox } from './preflight.mjs';
import { levelOf } from './stream_page.ts';

const executablePath = findFirefox() ?? '';

describe.skipIf(!executablePath)('Firefox', () => {
  let close: () => void;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    const server = await servePlainPage();
    close = server.close;
    browser = await launch({ browser: 'firefox', executablePath, headless: true });
    page = await browser.newPage();
    await page.goto(server.url);
  }, 180_000);

  afterAll(async () => {
    await browser?.close();
    close?.();
  });

  test.each(fixtures)('draws $family as Python does', async ({ family, pixels }) => {
    const drawn = Uint8Array.from(await page.evaluate(drawnPixels, family));
    expect(isSamePicture(drawn, read(pixels))).toBe(true);
  });

  test('shows the level of a stream that size and quality require', async () => {
    expect(await page.evaluate(streamedLevels, good.family)).toEqual([levelOf(34, 1), levelOf(40, 1)]);
  });

  test('decodes a large picture’s strips in several workers', async () => {
    expect(await page.evaluate(sharesStrips)).toBe(true);
  });

  test('reports a file that is no ONNX file', async () => {
    expect(await page.evaluate(messageOfBroken, good.family)).toContain('not an ONNX file');
  });

  test('shows the first picture of the page, and the slider cuts its file', async () => {
    const { url, close: closePage } = await serve(DIST);
    try {
      await page.goto(url);
      await page.waitForSelector('#stage[aria-busy="false"]');
      const taken = () => page.$eval('#cut-text', (output) => output.textContent);
      expect(await taken()).toMatch(/^the first \d\d\.\d kB of it$/);
      await page.focus('#cut');
      await page.keyboard.press('End');
      await page.waitForFunction(() => document.querySelector('#cut-text')?.textContent?.startsWith('all '));
      await page.waitForSelector('#stage[aria-busy="false"]');
      expect(await page.$eval('#alert', (alert) => alert.textContent)).toBe('');
    } finally {
      closePage();
    }
  });
});
