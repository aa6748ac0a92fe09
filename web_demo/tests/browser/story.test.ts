/** Tests the streamed file on the page: the first second, the slider that cuts it, and the screens that share it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { readHeader } from '../../neural-img/src/anir_header.ts';
import {
  alertOf,
  chooseSubnet,
  DIST,
  hashOf,
  openFile,
  pixelsOf,
  samePixels,
  selectedSubnet,
  startBrowser,
  startServer,
  untilDrawn,
  type Visit,
  visit,
} from './page.ts';

const [first] = JSON.parse(readFileSync(join(DIST, 'samples/index.json'), 'utf8'));
const folder = join(DIST, 'samples', first.name);
const file = readFileSync(join(folder, first.anir));
const { levels, start } = readHeader(file);
const ends = levels.map(({ end }) => end);
/** Bytes where the slider begins: at two fifths of the first level. */
const least = Math.round(start + ((ends[0] ?? 0) - start) * 0.4);
const FRAME = '#neural canvas';

async function slide(page: Page, position: number): Promise<void> {
  await page.locator('#cut').evaluate((input, value) => {
    (input as HTMLInputElement).value = String(value);
    input.dispatchEvent(new Event('input', { bubbles: true }));
  }, position);
  await untilDrawn(page);
}

const taken = (page: Page) => page.textContent('#cut-text');
const kB = (bytes: number) => (bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(1)} kB`);

describe('the first second', () => {
  let page: Page;
  const requests: string[] = [];
  let release = () => {};
  let range: string | undefined;

  beforeAll(async () => {
    const { url } = await startServer();
    page = await (await startBrowser()).newPage();
    page.on('request', (request) => requests.push(request.url().slice(url.length)));
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    await page.route('**/*.anir', async (route) => {
      range ??= route.request().headers().range;
      await released;
      await route.continue();
    });
    await page.goto(url);
    await page.waitForSelector(FRAME);
    await page.waitForFunction(() => document.querySelector('#cut-text')?.textContent?.includes('1.0 kB'));
  });

  test('the picture is drawn before its file arrives, from bytes in the page', async () => {
    expect(await taken(page)).toBe('the first 1.0 kB of it');
    // A second picture from the same kilobyte may be about to replace the first.
    const colours = async () => new Set((await pixelsOf(page, `${FRAME}:first-of-type`)).pixels).size;
    await expect.poll(colours).toBeGreaterThan(50);
  });

  test('a preview was drawn before the first level, as performance marks record', async () => {
    const marks = await page.evaluate(() =>
      performance.getEntriesByType('mark').map((mark) => [mark.name, (mark as PerformanceMark).detail]),
    );
    expect(marks.slice(0, 2)).toEqual([
      ['preview', least],
      ['level', ends[0]],
    ]);
  });

  test('nothing else was requested, not even a service worker', () => {
    const others = requests.filter((path) => !/^$|^assets\/|^icon\.svg$/.test(path));
    expect(others).toEqual([`samples/${first.name}/${first.anir}`]);
  });

  test('then the file is loaded as far as it looks good, and the rivals come last', async () => {
    expect(range).toBe(`bytes=1024-${(ends[11] ?? 0) - 1}`);
    release();
    await untilDrawn(page);
    expect(await selectedSubnet(page)).toBe('d5w28');
    expect(await taken(page)).toBe(`the first ${kB(ends[11] ?? 0)} of it`);
    await page.waitForSelector('#rivals input[value="avif"]:enabled', { state: 'attached' });
    expect(await alertOf(page)).toBe('');
  });
});

describe('the slider', () => {
  let seen: Visit;
  let page: Page;

  beforeAll(async () => {
    seen = await visit();
    page = seen.page;
  });

  test('has a tick for each level', async () => {
    expect(await page.locator('#ticks span').count()).toBe(ends.length);
  });

  test('cuts the file: a preview, the first picture, all of it, and any bytes between', async () => {
    await slide(page, 0);
    expect(await taken(page)).toBe(`the first ${kB(least)} of it`);
    expect(await page.textContent('#cut-note')).toBe('preview');
    expect(await page.locator('#grid input:checked').count()).toBe(0);
    const preview = await pixelsOf(page, '#finest');
    expect(new Set(preview.pixels).size).toBeGreaterThan(100);
    await page.focus('#cut');
    await page.keyboard.press('ArrowRight');
    await untilDrawn(page);
    expect(await taken(page)).toBe(`the first ${kB(ends[0] ?? 0)} of it`);
    const first = await pixelsOf(page, '#finest');
    expect(samePixels(preview, first)).toBe(false);
    await slide(page, 1000);
    expect(await taken(page)).toBe(`all ${kB(file.length)} of it`);
    const all = await pixelsOf(page, '#finest');
    expect(samePixels(first, all)).toBe(false);
    await slide(page, 400);
    const bytes = Math.round(least * (file.length / least) ** 0.4);
    expect(await taken(page)).toBe(`the first ${kB(bytes)} of it`);
    expect(await selectedSubnet(page)).toBe(levels.findLast(({ end }) => end <= bytes)?.name);
    expect(samePixels(await pixelsOf(page, '#finest'), all)).toBe(false);
    expect(await page.getAttribute('#auto', 'aria-pressed')).toBe('false');
  });

  test('and the map show the same choice', async () => {
    await chooseSubnet(page, levels[5]?.name ?? '');
    expect(await taken(page)).toBe(`the first ${kB(ends[5] ?? 0)} of it`);
    const chosen = await pixelsOf(page, '#finest');
    await slide(page, 0);
    await page.focus('#cut');
    for (let level = 1; level <= 6; level++) {
      await page.keyboard.press('ArrowRight');
      expect(await taken(page)).toBe(`the first ${kB(ends[level - 1] ?? 0)} of it`);
    }
    await untilDrawn(page);
    expect(samePixels(await pixelsOf(page, '#finest'), chosen)).toBe(true);
    expect(await page.textContent('#cut-note')).toBe(`picture 6 of ${ends.length}`);
  });

  test('shows a refined picture between two levels, which a link shares', async () => {
    await slide(page, 650);
    const mine = await pixelsOf(page, '#finest');
    const name = await selectedSubnet(page);
    await page.waitForFunction(() => location.hash.includes('bytes='));
    expect(Number(hashOf(page).get('bytes'))).toBeGreaterThan(ends[0] ?? 0);
    const friend = await visit({ url: seen.url, hash: new URL(page.url()).hash });
    expect(samePixels(await pixelsOf(friend.page, '#finest'), mine)).toBe(true);
    await chooseSubnet(page, name);
    expect(samePixels(await pixelsOf(page, '#finest'), mine)).toBe(false);
  });

  test('can be linked to at a preview', async () => {
    await slide(page, 0);
    await page.waitForFunction(() => location.hash.includes('preview'));
    const friend = await visit({ url: seen.url, hash: new URL(page.url()).hash });
    expect(await taken(friend.page)).toBe(`the first ${kB(least)} of it`);
    expect(await alertOf(friend.page)).toBe('');
    expect(samePixels(await pixelsOf(friend.page, '#finest'), await pixelsOf(page, '#finest'))).toBe(true);
  });

  test('does not fetch the file again for each cut', () => {
    // One request for what looks good, and at most one for the rest.
    expect(seen.requests.filter((url) => url.endsWith(first.anir)).length).toBeLessThanOrEqual(2);
  });
});

test('a host that ignores ranges gives the same pictures', async () => {
  const { url } = await startServer();
  const page = await (await startBrowser()).newPage();
  await page.route('**/*.anir', (route) => {
    const headers = route.request().headers();
    delete headers.range;
    return route.continue({ headers });
  });
  await page.goto(url);
  await untilDrawn(page);
  await slide(page, 1000);
  expect(await alertOf(page)).toBe('');
  const plain = await visit({ hash: `#picture=${first.name}&subnet=${levels.at(-1)?.name}` });
  expect(samePixels(await pixelsOf(page, '#finest'), await pixelsOf(plain.page, '#finest'))).toBe(true);
});

describe('the screens', () => {
  test('each take what they need of the same file, and state the bytes of copies', async () => {
    const { page, requests } = await visit();
    const asked = () => requests.filter((url) => url.endsWith(first.anir)).length;
    await page.locator('#screen-row').scrollIntoViewIfNeeded();
    await page.waitForSelector('#screen-row[data-drawn="true"]');
    expect(asked()).toBeLessThanOrEqual(2);
    const shares = await page.locator('.screen-facts b').allTextContents();
    expect(shares).toHaveLength(4);
    expect(shares.at(-1)).toBe(kB(file.length));
    const bytes = shares.map((text) => Number.parseFloat(text));
    expect(bytes).toEqual([...bytes].sort((a, b) => a - b));
    const copies = JSON.parse(readFileSync(join(folder, 'codecs/screens.json'), 'utf8'));
    const watch = levels.find(({ end }) => kB(end) === shares[0]);
    const avif = copies[0].levels[watch?.name ?? ''].avif;
    expect(await page.locator('.copies').first().textContent()).toContain(`AVIF ${kB(avif)}`);
    expect(await page.textContent('#screen-sum')).toContain(`One file of ${kB(file.length)}`);
    for (const canvas of await page.locator('#screen-row canvas').all()) {
      const { pixels } = await pixelsOf(
        page,
        `#screen-row [aria-label="${await canvas.getAttribute('aria-label')}"]`,
      );
      expect(new Set(pixels).size).toBeGreaterThan(100);
    }
  });

  test('are hidden for a picture without an .anir file, and shown for an opened one', async () => {
    const { page } = await visit({ hash: '#picture=coffee&subnet=d2w36' });
    await page.waitForSelector('#screens', { state: 'hidden' });
    await openFile(page, 'mine.anir', file);
    await page.locator('#screen-row').scrollIntoViewIfNeeded();
    await page.waitForSelector('#screen-row[data-drawn="true"]');
    expect(await page.locator('.copies').count()).toBe(0);
    expect(await page.textContent('#screen-sum')).toBe('');
    // A very tall picture does not make them so.
    const heights = await page.locator('#screen-row canvas').evaluateAll((all) =>
      all.map((canvas) => {
        Object.assign(canvas, { width: 90, height: 700 });
        return canvas.getBoundingClientRect().height;
      }),
    );
    expect(heights).toEqual([128, 224, 352, 512]);
  });
});
