import { createHash } from 'node:crypto';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, describe, expect, test } from 'vitest';
import { views } from './fixtures.ts';
import {
  alertOf,
  chooseRival,
  chooseSubnet,
  DIST,
  hashOf,
  pixelsOf,
  placesOf,
  samePixels,
  selectedSubnet,
  startServer,
  untilCompared,
  untilDrawn,
  visit,
} from './page.ts';

const [sample] = views;
const hash = `#picture=${sample?.picture}&subnet=${sample?.subnet}`;

describe.skipIf(!sample)('a link', () => {
  test('shows the same picture, network, view, rival and split to somebody else', async () => {
    const { page, url } = await visit({ hash });
    await chooseSubnet(page, await page.locator('#grid input').nth(5).inputValue());
    await chooseRival(page, 'avif');
    await page.focus('#split');
    await page.keyboard.press('PageDown');
    await page.focus('#stage');
    for (const key of ['+', '+', '+', 'ArrowRight', 'ArrowDown']) await page.keyboard.press(key);
    await untilDrawn(page);
    await page.waitForFunction(() => location.hash.includes('zoom=') && location.hash.includes('split='));
    const friend = await visit({ url, hash: new URL(page.url()).hash });
    await untilCompared(friend.page);
    expect(await selectedSubnet(friend.page)).toBe(await selectedSubnet(page));
    expect(await friend.page.getAttribute('#split', 'aria-valuenow')).toBe('40');
    expect(await friend.page.textContent('#right-name')).toBe(await page.textContent('#right-name'));
    expect(await roundedPlaces(friend.page)).toEqual(await roundedPlaces(page));
    expect(await friend.page.getAttribute('#auto', 'aria-pressed')).toBe('false');
  });

  test('can be followed while the page is open', async () => {
    const { page } = await visit({ hash });
    const other = views.at(-1);
    await page.evaluate((to) => {
      location.hash = to;
    }, `#picture=${other?.picture}&subnet=${other?.subnet}&x=0.3&y=0.3&zoom=4&against=webp&show=difference`);
    await untilDrawn(page);
    expect(await page.isChecked(`#thumbs input[value="${other?.picture}"]`)).toBe(true);
    expect(await page.getAttribute('#difference', 'aria-pressed')).toBe('true');
    expect(await page.textContent('#right-name')).toContain('WebP');
  });

  test('to another section of the page does not change the picture', async () => {
    const other = views.at(-1);
    const { page } = await visit({ hash: `#picture=${other?.picture}&subnet=${other?.subnet}&zoom=3` });
    const before = await placesOf(page);
    await page.click('a[href="#how"]');
    await page.waitForFunction(() => scrollY > 0);
    await untilDrawn(page);
    expect(await page.isChecked(`#thumbs input[value="${other?.picture}"]`)).toBe(true);
    expect(await placesOf(page)).toEqual(before);
  });

  test('to an unknown picture or subnet is reported, and the page works', async () => {
    const { page } = await visit({ hash: '#picture=nowhere&subnet=d3w64' });
    expect(await alertOf(page)).toContain('“nowhere”');
    expect(await page.locator('#finest').count()).toBe(1);
    const wrong = await visit({ hash: `#picture=${sample?.picture}&subnet=d99w1` });
    expect(await alertOf(wrong.page)).toContain('“d99w1”');
  });

  test('can be copied', async () => {
    const { page } = await visit({ hash, permissions: ['clipboard-read', 'clipboard-write'] });
    // The page adds the codec to the link once it has compared.
    await page.waitForFunction(() => location.hash.includes('against='));
    await page.click('#copy');
    await page.waitForFunction(() => document.querySelector('#copy')?.textContent === 'Copied');
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(page.url());
    expect(hashOf(page).get('picture')).toBe(sample?.picture);
  });
});

/** The transforms of both sides, rounded to a hundredth of a pixel, as links are rounded. */
async function roundedPlaces(page: Page): Promise<string[]> {
  return (await placesOf(page)).map((place) => place.replace(/-?\d+(\.\d+)?/g, (n) => Number(n).toFixed(2)));
}

/** Options to wait for a service worker. */
const WAIT = { timeout: 20_000 };

describe('offline', () => {
  const folder = join(tmpdir(), `anir-dist-${process.pid}`);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const untilKept = (page: Page) =>
    page.waitForFunction(
      () => document.querySelector('#device-offline')?.textContent === 'works offline with what it showed',
    );

  test('after one visit the page works without its host, with all pictures that were opened', async () => {
    const server = await startServer();
    const { page, trouble } = await visit({ url: server.url, hash });
    await untilKept(page);
    const others = views.slice(1);
    for (const { picture } of others) await choosePicture(page, picture);
    await chooseRival(page, 'avif');
    const online = await pixelsOf(page, '#finest');
    await page.waitForTimeout(500);
    server.close();
    await page.reload();
    await untilDrawn(page);
    await chooseRival(page, 'avif');
    expect(samePixels(await pixelsOf(page, '#finest'), online)).toBe(true);
    expect(
      await page.locator('#other').evaluate((image) => (image as HTMLImageElement).naturalWidth),
    ).toBeGreaterThan(0);
    await chooseRival(page, 'nothing');
    for (const { picture } of views) {
      await choosePicture(page, picture);
      expect(await page.isChecked(`#thumbs input[value="${picture}"]`)).toBe(true);
    }
    expect(await alertOf(page)).toBe('');
    expect(trouble).toEqual([]);
  });

  test('files that were not used are not cached', async () => {
    const { page, url } = await visit({ hash });
    await untilKept(page);
    const kept = await page.evaluate(async () => {
      const names = await caches.keys();
      const caches_ = await Promise.all(names.map((name) => caches.open(name)));
      const requests = (await Promise.all(caches_.map((cache) => cache.keys()))).flat();
      return requests.map((request) => request.url);
    });
    const paths = kept.map((address) => address.slice(url.length).replace(/\?.*/, ''));
    expect(paths).toContain('index.html');
    expect(paths.filter((path) => /\.png|^ort|og\.jpg|d5w/.test(path))).toEqual([]);
  });

  test('what is cached of a file is not replaced by less of it', async () => {
    const { page } = await visit({ hash });
    await untilKept(page);
    const keptBytes = () =>
      page.evaluate(async () => {
        const cache = await caches.open((await caches.keys())[0] as string);
        const request = (await cache.keys()).find(({ url }) => url.includes('.anir?'));
        if (!request) return [];
        return [request.url, (await (await cache.match(request))?.blob())?.size] as const;
      });
    await expect.poll(keptBytes).toHaveLength(2);
    const [url = '', before = 0] = await keptBytes();
    const tell = (length: number) =>
      page.evaluate(
        async ([address, size]) => {
          const { active } = await navigator.serviceWorker.ready;
          active?.postMessage({ address, bytes: new Uint8Array(size) });
        },
        [url.replace(/\?.*/, ''), length] as const,
      );
    await tell(before + 1);
    await expect.poll(async () => (await keptBytes())[1]).toBe(before + 1);
    await tell(10);
    await page.waitForTimeout(300);
    expect((await keptBytes())[1]).toBe(before + 1);
  });

  test('a new version is offered, and is loaded by a click', async () => {
    cpSync(DIST, folder, { recursive: true });
    const { url } = await startServer(false, folder);
    const { page } = await visit({ url, hash });
    await untilKept(page);
    expect(await page.isVisible('#update')).toBe(false);
    changeTitle(folder);
    await page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.update());
    await page.waitForSelector('#update', { state: 'visible', ...WAIT });
    await page.click('#take-over');
    await page.waitForFunction(() => document.title === 'Another version', undefined, WAIT);
    await untilDrawn(page);
  });

  test('a new version is used at the next visit, and only changed files are loaded', async () => {
    cpSync(DIST, folder, { recursive: true });
    const { url } = await startServer(false, folder);
    const { page } = await visit({ url, hash });
    await untilKept(page);
    await page.reload();
    await untilDrawn(page);
    changeTitle(folder);
    const loaded: string[] = [];
    page
      .context()
      .on('request', (request) => request.serviceWorker() && loaded.push(new URL(request.url()).pathname));
    await page.reload();
    await untilDrawn(page);
    expect(await page.title()).not.toBe('Another version');
    const states = (tab: Page) =>
      tab.evaluate(async (scope) => {
        const kept = await navigator.serviceWorker.getRegistration(scope);
        return [kept?.active?.state, kept?.waiting?.state];
      }, url);
    await expect.poll(() => states(page), WAIT).toEqual(['activated', 'installed']);
    const next = await page.context().newPage();
    // A URL of the same origin, but not the page: the new worker takes over as soon as no tab shows the page.
    await next.goto(new URL('/', url).href);
    await page.close();
    await expect.poll(() => states(next), WAIT).toEqual(['activated', undefined]);
    await next.goto(url + hash);
    await untilDrawn(next);
    expect(await next.title()).toBe('Another version');
    expect(loaded.filter((path) => path.endsWith('.wasm'))).toEqual([]);
  });
});

async function choosePicture(page: Page, name: string): Promise<void> {
  await page
    .locator(`#thumbs input[value="${name}"]`)
    .evaluate((radio) => (radio as HTMLInputElement).click());
  await untilDrawn(page);
}

/** Changes the page, as a new build would. */
function changeTitle(folder: string): void {
  const page = join(folder, 'index.html');
  const worker = join(folder, 'sw.js');
  const hashOfPage = () => createHash('sha256').update(readFileSync(page)).digest('hex').slice(0, 16);
  const before = hashOfPage();
  writeFileSync(
    page,
    readFileSync(page, 'utf8').replace(/<title>.*<\/title>/, '<title>Another version</title>'),
  );
  writeFileSync(worker, readFileSync(worker, 'utf8').replace(before, hashOfPage()));
}
