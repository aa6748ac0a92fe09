import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { bytesOf, good, views } from './fixtures.ts';
import { DIST, openFile, placesOf, startBrowser, startServer, untilDrawn, visit } from './page.ts';

const [sample] = views;
const hash = `#picture=${sample?.picture}&subnet=${sample?.subnet}`;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

/** The accessibility problems that axe finds, and where. */
async function hindrances(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  // axe does not check target-size by default.
  const options = { rules: { 'target-size': { enabled: true } } };
  const { violations } = await page.evaluate(
    (rules) => (window as unknown as { axe: { run(o: object): Promise<AxeResults> } }).axe.run(rules),
    options,
  );
  return violations.map(
    ({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ html }) => html).join(' ')}`,
  );
}

test.each(['light', 'dark'] as const)(
  'axe finds no accessibility problem in %s mode',
  async (colorScheme) => {
    const { page } = await visit({ hash, colorScheme });
    expect(await hindrances(page)).toEqual([]);
    await page.click('#save');
    expect(await hindrances(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await openFile(page, 'broken.onnx', Buffer.from('broken'));
    expect(await hindrances(page)).toEqual([]);
  },
);

test('axe finds no accessibility problem on a phone, nor with an opened file', async () => {
  const { page } = await visit({ hash, ...PHONE });
  expect(await hindrances(page)).toEqual([]);
  await openFile(page, 'mine.onnx', bytesOf(good));
  expect(await hindrances(page)).toEqual([]);
});

describe('on a phone', () => {
  test('the page does not scroll sideways, and controls are large enough', async () => {
    const { page } = await visit({ hash, ...PHONE });
    const { content, screen } = await page.evaluate(() => ({
      content: document.documentElement.scrollWidth,
      screen: window.innerWidth,
    }));
    expect(screen).toBe(390);
    expect(content).toBeLessThanOrEqual(screen);
    const small = await page
      .locator('button:visible, .segments label:visible, .cell:visible, input[type=range]:visible')
      .evaluateAll((all) =>
        all.filter((one) => one.getBoundingClientRect().height < 44).map((one) => one.textContent),
      );
    expect(small).toEqual([]);
  });

  test('pinching zooms, and dragging moves the zoomed picture', async () => {
    const { page } = await visit({ hash, ...PHONE });
    const client = await page.context().newCDPSession(page);
    const box = await page.locator('#stage').boundingBox();
    const [x, y] = [(box?.x ?? 0) + 195, (box?.y ?? 0) + 60];
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', ...xs: number[]) =>
      client.send('Input.dispatchTouchEvent', {
        type,
        touchPoints: xs.map((at, id) => ({ x: x + at, y, id })),
      });
    await touch('touchStart', -30, 30);
    for (const spread of [40, 60, 80, 90]) await touch('touchMove', -spread, spread);
    await touch('touchEnd');
    await untilDrawn(page);
    const zoom = Number.parseFloat((await page.textContent('#zoom')) ?? '');
    await page.waitForFunction(() => location.hash.includes('zoom='));
    const zoomed = Number(new URLSearchParams(new URL(page.url()).hash.slice(1)).get('zoom'));
    expect(zoomed).toBeGreaterThan(2);
    expect(zoomed).toBeLessThan(4);
    expect(zoom).toBeCloseTo(zoomed, 1);
    const [before] = await placesOf(page);
    await touch('touchStart', -100);
    for (const by of [-90, -70, -50]) await touch('touchMove', by);
    await touch('touchEnd');
    const moved = (place?: string) =>
      document.querySelector<HTMLElement>('.world')?.style.transform !== place;
    await page.waitForFunction(moved, before);
  });
});

test('in windows of all widths the page does not scroll sideways, and the choices stay in their column', async () => {
  const { page } = await visit({ hash });
  for (const width of [320, 390, 560, 720, 860, 980, 1100, 1366]) {
    await page.setViewportSize({ width, height: 650 });
    const [content, beyond] = await page.evaluate(() => {
      const rightOf = (selector: string) =>
        document.querySelector(selector)?.getBoundingClientRect().right ?? Number.NaN;
      const last = rightOf('#rivals label:last-child');
      return [document.documentElement.scrollWidth, last - rightOf('.viewer')] as const;
    });
    expect([width, content]).toEqual([width, width]);
    expect(beyond, `${width} pixels`).toBeLessThanOrEqual(0.5);
  }
});

test('all controls can be reached with the keyboard, in the order of the page', async () => {
  const { page } = await visit({ hash: `${hash}&against=jpeg` });
  await page.waitForSelector('#time-budget:enabled');
  const reached: string[] = [];
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press('Tab');
    const name = await page.evaluate(() => {
      const { activeElement: at } = document;
      return at?.id || (at as HTMLInputElement | null)?.name || at?.textContent || '';
    });
    if (reached.includes(name)) break;
    reached.push(name);
  }
  const order = [
    'stage',
    'split',
    'zoom-out',
    'fit',
    'zoom-in',
    'cut',
    'rival',
    'difference',
    'copy',
    'save',
    'sample',
  ];
  expect(reached.filter((name) => order.includes(name))).toEqual(order);
  expect(reached).toEqual(
    expect.arrayContaining(['open-file', 'open-folder', 'subnet', 'time-budget', 'auto']),
  );
});

test('with forced colours the slider, its ticks and the shares of the file can be seen', async () => {
  const { page } = await visit({ hash, forcedColors: 'active' });
  await page.locator('#screen-row').scrollIntoViewIfNeeded();
  await page.waitForSelector('#screen-row[data-drawn="true"]');
  const colours = await page.evaluate(() => {
    const colourOf = (selector: string) =>
      getComputedStyle(document.querySelector(selector) as Element).backgroundColor;
    return ['.ticks span', '.share i'].map(colourOf);
  });
  expect(colours).toEqual(['rgb(0, 0, 0)', 'rgb(0, 0, 0)']);
});

test('there are no transitions if reduced motion is preferred', async () => {
  const { page } = await visit({ hash, reducedMotion: 'reduce' });
  const moving = await page.evaluate(
    () =>
      [...document.querySelectorAll('*')].filter(
        (one) => Number.parseFloat(getComputedStyle(one).transitionDuration) > 0,
      ).length,
  );
  expect(moving).toBe(0);
});

test('the policy blocks inline scripts and requests to other sites', async () => {
  const { page } = await visit({ hash });
  const outcome = await page.evaluate(async () => {
    const refused: string[] = [];
    addEventListener('securitypolicyviolation', ({ effectiveDirective }) => refused.push(effectiveDirective));
    await fetch('https://example.org/').catch(() => {});
    const script = document.createElement('script');
    script.textContent = 'window.broken = true';
    document.body.append(script);
    const image = new Image();
    image.src = 'https://example.org/a.png';
    await new Promise((resolve) => setTimeout(resolve, 200));
    return { refused, broken: 'broken' in window };
  });
  expect(outcome.refused.sort()).toEqual(['connect-src', 'img-src', 'script-src-elem']);
  expect(outcome.broken).toBe(false);
});

// The only timed assertion here: a busy machine may need another try.
test('the main thread is never blocked for 50 ms, whatever the visitor does', { retry: 5 }, async () => {
  const { page } = await visit({ hash });
  const tasks = await page.evaluateHandle(() => {
    const durations: number[] = [];
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) durations.push(duration);
    }).observe({ type: 'longtask' });
    return durations;
  });
  const box = await page.locator('#stage').boundingBox();
  const [x, y] = [(box?.x ?? 0) + (box?.width ?? 0) / 3, (box?.y ?? 0) + (box?.height ?? 0) / 3];
  await page.mouse.move(x, y);
  for (let i = 0; i < 10; i++) await page.mouse.wheel(0, i < 5 ? 150 : -150);
  await page.keyboard.down('Control');
  for (let i = 0; i < 8; i++) await page.mouse.wheel(0, -60);
  await page.keyboard.up('Control');
  await page.mouse.down();
  for (let i = 0; i < 20; i++) await page.mouse.move(x + 5 * i, y + 3 * i);
  await page.waitForTimeout(400);
  for (let i = 0; i < 20; i++) await page.mouse.move(x - 5 * i, y - 3 * i);
  await page.mouse.up();
  await untilDrawn(page);
  expect(await tasks.jsonValue()).toEqual([]);
});

test('the source is linked, and the service worker does not cache it', async () => {
  const { page, url } = await visit({ hash });
  const link = page.locator('footer #source');
  const response = await page.request.get(new URL((await link.getAttribute('href')) ?? '', url).href);
  const size = (await response.body()).length;
  expect(await link.textContent()).toBe(`Source, Apache-2.0, ${(size / 1e6).toFixed(1)} MB`);
  expect([...(await response.body()).subarray(0, 2)]).toEqual([0x1f, 0x8b]);
  expect(size).toBeLessThan(2e6);
  expect(readFileSync(join(DIST, 'sw.js'), 'utf8')).not.toContain('source/');
});

test('if the samples cannot be fetched, the page shows its built-in picture, says so, and opens files', async () => {
  const { url } = await startServer();
  const page = await (await startBrowser()).newPage();
  await page.route('**/samples/**', (route) => route.fulfill({ status: 404 }));
  await page.goto(url);
  await untilDrawn(page);
  expect(await page.textContent('#alert')).toContain('answered 404');
  expect(await page.locator('#finest').count()).toBe(1);
  await openFile(page, 'mine.onnx', bytesOf(good));
  expect(await page.getAttribute('#neural', 'aria-label')).toContain('mine.onnx');
});

test('without JavaScript the page explains itself, and offers no controls that do not work', async () => {
  const { url } = await startServer();
  const page = await (await (await startBrowser()).newContext({ javaScriptEnabled: false })).newPage();
  await page.goto(url);
  expect(await page.textContent('noscript .invitation')).toContain('Without JavaScript');
  const width = await page
    .locator('noscript img')
    .evaluate((image) => (image as HTMLImageElement).naturalWidth);
  expect(width).toBeGreaterThan(0);
  expect(await page.locator('button:visible, input:visible, [tabindex="0"]:visible').count()).toBe(1);
});
