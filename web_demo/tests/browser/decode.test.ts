import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { writeLink } from '../../src/link.ts';
import { fixtures, good, pathOf, read, views } from './fixtures.ts';
import {
  alertOf,
  chooseRival,
  chooseSubnet,
  difference,
  isSamePicture,
  pixelsOf,
  resizeStage,
  samePixels,
  untilDrawn,
  visit,
} from './page.ts';

describe.each([
  ['a plain host', false],
  ['an isolated host', true],
])('on %s', (_name, isolated) => {
  let page: Page;
  beforeAll(async () => {
    ({ page } = await visit({ isolated }));
    await resizeStage(page, good);
  });

  test('the page is isolated as expected and states its workers', async () => {
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(isolated);
    expect(await page.textContent('#device-threads')).toMatch(/^\d+ workers?, /);
  });

  test.each(fixtures)('$family is decoded as in Python', async (fixture) => {
    await page.setInputFiles('#file', pathOf(fixture));
    await untilDrawn(page);
    expect(await alertOf(page)).toBe('');
    const drawn = await pixelsOf(page, '#finest');
    expect([drawn.width, drawn.height]).toEqual([fixture.width, fixture.height]);
    expect(isSamePicture(drawn.pixels, read(fixture.pixels))).toBe(true);
  });
});

test.skipIf(views.length === 0)(
  'zoomed in, the page decodes the part in view at the pixels of the screen',
  async () => {
    const { page } = await visit();
    for (const { picture, subnet, view, stage, pixels } of views) {
      const link = writeLink({ picture, subnet, view, rival: 'jpeg', split: 0.5, difference: false });
      await page.evaluate((hash) => {
        location.hash = hash;
      }, link);
      await untilDrawn(page);
      await resizeStage(page, stage);
      const drawn = await pixelsOf(page, '#finest');
      expect([drawn.width, drawn.height]).toEqual([stage.width, stage.height]);
      expect(isSamePicture(drawn.pixels, read(pixels)), picture).toBe(true);
      await page.evaluate(() => document.querySelector('#stage')?.removeAttribute('style'));
      await untilDrawn(page);
    }
  },
);

test('on a dense screen, more pixels are decoded', async () => {
  const { page } = await visit({ deviceScaleFactor: 2 });
  await resizeStage(page, good);
  await page.setInputFiles('#file', pathOf(good));
  await untilDrawn(page);
  const drawn = await pixelsOf(page, '#finest');
  expect(isSamePicture(drawn.pixels, read(good.twice))).toBe(true);
});

describe('a visitor can save a PNG', () => {
  let page: Page;
  beforeAll(async () => {
    ({ page } = await visit());
    await page.setInputFiles('#file', pathOf(good));
    await untilDrawn(page);
  });

  async function save(): Promise<{ name: string; png: Buffer }> {
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#save-start')]);
    return { name: download.suggestedFilename(), png: readFileSync(await download.path()) };
  }

  test('decoded at a chosen size', async () => {
    await page.click('#save');
    await page.fill('#save-width', String(2 * good.width));
    expect(await page.textContent('#save-height')).toBe(`× ${2 * good.height} pixels`);
    const { name, png } = await save();
    expect(name).toBe(`${good.family}.png`);
    const saved = await pixelsOf(page, { png });
    expect(saved.width).toBe(2 * good.width);
    expect(isSamePicture(saved.pixels, read(good.twice))).toBe(true);
    expect(await page.isVisible('#save-dialog')).toBe(false);
  });

  test('of the part in view', async () => {
    await page.focus('#stage');
    for (let i = 0; i < 3; i++) await page.keyboard.press('+');
    await untilDrawn(page);
    const inView = await pixelsOf(page, '#finest');
    await page.click('#save');
    await page.check('[name=part][value=view]');
    await page.fill('#save-width', String(inView.width));
    const { png } = await save();
    expect(samePixels(await pixelsOf(page, { png }), inView)).toBe(true);
  });

  test('but not of a size that a browser cannot draw', async () => {
    await page.click('#save');
    await page.fill('#save-width', '100000');
    expect(
      await page.locator('#save-width').evaluate((input) => (input as HTMLInputElement).validity.valid),
    ).toBe(false);
    await page.keyboard.press('Escape');
    expect(await page.isVisible('#save-dialog')).toBe(false);
  });
});

test.skipIf(views.length === 0)(
  'a picture has the PSNR that its file states, rounded to a quarter of a decibel',
  async () => {
    const { page } = await visit();
    await chooseRival(page, 'original');
    const source = await pixelsOf(page, '#other');
    await resizeStage(page, source);
    const names = await page
      .locator('#grid input')
      .evaluateAll((all) => all.map((one) => (one as HTMLInputElement).value));
    for (const name of [names[0], names[5]]) {
      await chooseSubnet(page, name ?? '');
      const drawn = await pixelsOf(page, '#finest');
      const stated = Number.parseFloat((await page.textContent('#left-name'))?.replace(/[^\d.]/g, '') ?? '');
      expect(Math.abs(difference(drawn.pixels, source.pixels).psnr - stated)).toBeLessThan(0.18);
    }
  },
);
