import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { externalGraph, METADATA, modelBytes, otherGraph } from '../onnx_bytes.ts';
import { bytesOf, fixtures, pathOf, pixelsOf as pythonPixelsOf } from './fixtures.ts';
import {
  alertOf,
  chooseSubnet,
  difference,
  openFile,
  openPage,
  pixelsOf,
  samePixels,
  startBrowser,
  startServer,
  untilDrawn,
} from './page.ts';

type Opened = Awaited<ReturnType<typeof openPage>>;

const [good] = fixtures;
if (!good) throw new Error('fixtures.json lists no fixture');

let browser: Browser;
const closeAll: (() => void | Promise<void>)[] = [];

beforeAll(async () => {
  browser = await startBrowser();
});

afterAll(async () => {
  await browser.close();
  for (const close of closeAll) await close();
});

async function startPage(isolated = false, options = {}): Promise<Opened & { url: string }> {
  const server = await startServer(isolated);
  closeAll.push(server.close);
  return { ...(await openPage(browser, server.url, options)), url: server.url };
}

describe.each([
  ['a plain host, one thread', false],
  ['an isolated host, several threads', true],
])('decodes as Python does on %s', (_name, isolated) => {
  let page: Page;
  beforeAll(async () => {
    ({ page } = await startPage(isolated));
  });

  test('the host isolates as it says', async () => {
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(isolated);
  });

  test.each(fixtures)('$family', async (fixture) => {
    await page.setInputFiles('#file', pathOf(fixture));
    await untilDrawn(page);
    expect(await alertOf(page)).toBe('');
    const drawn = await pixelsOf(page, '#canvas');
    expect([drawn.width, drawn.height]).toEqual([fixture.width, fixture.height]);
    const { largest, share } = difference(drawn.pixels, pythonPixelsOf(fixture));
    expect(largest).toBeLessThanOrEqual(1);
    expect(share).toBeLessThanOrEqual(0.001);
  });
});

describe('a visitor', () => {
  let visit: Opened & { url: string };
  let page: Page;
  beforeAll(async () => {
    visit = await startPage();
    page = visit.page;
  });

  test.each([
    ['cut short', bytesOf(good).subarray(0, 900), 'cut short'],
    ['a text', new TextEncoder().encode('not a picture at all'), 'not an ONNX file'],
    ['with external data', modelBytes(METADATA, externalGraph()), 'second file'],
    ['with other inputs', modelBytes(METADATA, otherGraph()), 'inputs (x, y)'],
    ['one that ONNX Runtime refuses', modelBytes(METADATA), 'ONNX Runtime cannot decode'],
  ])('is told what is wrong with a file: %s', async (_name, bytes, message) => {
    await openFile(page, 'good.onnx', bytesOf(good));
    const before = await pixelsOf(page, '#canvas');
    await openFile(page, 'broken.onnx', bytes);
    expect(await alertOf(page)).toContain(message);
    expect(await alertOf(page)).not.toContain('\n');
    expect(samePixels(await pixelsOf(page, '#canvas'), before)).toBe(true);
    await openFile(page, 'good.onnx', bytesOf(good));
    expect(await alertOf(page)).toBe('');
  });

  test('drops a file anywhere on the page', async () => {
    await page.reload();
    await untilDrawn(page);
    await page.evaluate((bytes) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(
        new File([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], 'dropped.onnx'),
      );
      const target = document.querySelector('h1');
      for (const type of ['dragenter', 'dragover', 'drop']) {
        target?.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer }));
      }
    }, bytesOf(good).toString('base64'));
    await untilDrawn(page);
    const { largest } = difference((await pixelsOf(page, '#canvas')).pixels, pythonPixelsOf(good));
    expect(largest).toBeLessThanOrEqual(1);
    expect(await page.isHidden('#drop')).toBe(true);
  });

  test('saves a PNG with the pixels that are shown', async () => {
    await openFile(page, 'my picture.onnx', bytesOf(good));
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#save')]);
    expect(download.suggestedFilename()).toBe('my picture.png');
    const saved = await pixelsOf(page, { png: readFileSync(await download.path()) });
    expect(samePixels(saved, await pixelsOf(page, '#canvas'))).toBe(true);
  });

  test('causes no request to another host and no error', () => {
    const elsewhere = visit.requests.filter(
      (url) => !/^(blob|data):/.test(url) && !url.startsWith(visit.url),
    );
    expect(elsewhere).toEqual([]);
    expect(visit.trouble).toEqual([]);
  });
});

describe('the samples', () => {
  let page: Page;
  let names: string[];
  beforeAll(async () => {
    ({ page } = await startPage());
    names = await page
      .locator('#grid input')
      .evaluateAll((radios) => radios.map((radio) => (radio as HTMLInputElement).value));
  });

  test('another subnet shows another picture, as good as its manifest says', async ({ skip }) => {
    const [small, , other] = names;
    if (!small || !other) return skip('no samples were exported');
    await chooseSubnet(page, small);
    const first = await pixelsOf(page, '#canvas');
    await chooseSubnet(page, other);
    const second = await pixelsOf(page, '#canvas');
    expect(samePixels(second, first)).toBe(false);
    const source = await pixelsOf(
      page,
      await page.evaluate(() => document.querySelector<HTMLImageElement>('#original')?.src ?? ''),
    );
    const stated = Number.parseFloat((await page.textContent('#fact-quality')) ?? '');
    expect(Math.abs(difference(second.pixels, source.pixels).psnr - stated)).toBeLessThan(0.1);
  });

  test('the arrow keys move through the table, the latest choice wins', async ({ skip }) => {
    const [first] = names;
    if (!first) return skip('no samples were exported');
    await chooseSubnet(page, first);
    await page.focus(`input[value="${first}"]`);
    for (const key of ['ArrowRight', 'ArrowDown', 'ArrowRight', 'ArrowUp', 'ArrowLeft'])
      await page.keyboard.press(key);
    await untilDrawn(page);
    const reached = await page.locator('#grid input:checked').inputValue();
    expect(reached).toBe(names[1]);
    const afterKeys = await pixelsOf(page, '#canvas');
    await page.click('#again');
    await untilDrawn(page);
    expect(samePixels(await pixelsOf(page, '#canvas'), afterKeys)).toBe(true);
  });

  test('the original is shown and hidden again', async ({ skip }) => {
    if (names.length === 0) return skip('no samples were exported');
    await page.click('#compare');
    expect(await page.isVisible('#original')).toBe(true);
    await page.click('#compare');
    expect(await page.isVisible('#original')).toBe(false);
  });
});

test('the page answers while it decodes', async () => {
  const { page } = await startPage();
  const longTasks = await page.evaluateHandle(() => {
    const durations: number[] = [];
    const observer = new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) durations.push(duration);
    });
    observer.observe({ type: 'longtask' });
    return durations;
  });
  if (await page.isDisabled('#again')) await openFile(page, 'good.onnx', bytesOf(good));
  for (const _ of [1, 2, 3]) {
    await page.click('#again');
    await untilDrawn(page);
  }
  expect(Math.max(0, ...(await longTasks.jsonValue()))).toBeLessThan(150);
});

test('a phone scrolls down only', async () => {
  const { page } = await startPage(false, {
    viewport: { width: 390, height: 844 },
    hasTouch: true,
    isMobile: true,
  });
  const { content, screen } = await page.evaluate(() => ({
    content: document.documentElement.scrollWidth,
    screen: window.innerWidth,
  }));
  expect(screen).toBe(390);
  expect(content).toBeLessThanOrEqual(screen);
});
