/** Tests the npm package in an empty Vite project, as a user would use it: packed, installed, built, served below a path. */
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type * as NeuralImg from '../../neural-img/src/index.ts';
import { serve } from '../../scripts/serve.mjs';
import { fixtures, pathOf, pixelsOf as pythonPixelsOf } from './fixtures.ts';
import { difference, startBrowser } from './page.ts';
import { makeProject } from './project.ts';

const PAGE = `<!doctype html>
<html lang="en">
  <head><title>Empty project</title><link rel="icon" href="data:," /></head>
  <body>
    <script type="module">
      import * as neuralImg from 'neural-img';
      import 'neural-img/define';
      window.neuralImg = neuralImg;
    </script>
    ${fixtures
      .map(
        ({ family, file, width, height }) =>
          `<neural-img id="${family}" src="${file}" width="${width}" height="${height}" alt="A ${family}"></neural-img>`,
      )
      .join('\n')}
    <div style="height: 5000px"></div>
    <neural-img id="far" src="siren.onnx?far" width="60" alt="Far away"></neural-img>
  </body>
</html>`;

let project: string;
let browser: Browser;
let page: Page;
let close: () => void;
const requests: string[] = [];
const trouble: string[] = [];

beforeAll(async () => {
  project = makeProject();
  writeFileSync(join(project, 'index.html'), PAGE);
  mkdirSync(join(project, 'public'));
  for (const fixture of fixtures) copyFileSync(pathOf(fixture), join(project, 'public', fixture.file));
  writeFileSync(join(project, 'public/broken.onnx'), 'not a picture at all');
  await build({ root: project, base: './', configFile: false, logLevel: 'error' });
  const server = await serve(join(project, 'dist'), { base: '/some/sub/path/' });
  close = server.close;
  browser = await startBrowser();
  page = await browser.newPage({ viewport: { width: 800, height: 600 } });
  page.on('request', (request) => requests.push(request.url()));
  page.on('pageerror', (error) => trouble.push(String(error)));
  await page.addInitScript(countEvents);
  await page.goto(server.url);
}, 180_000);

afterAll(async () => {
  await browser?.close();
  close?.();
  rmSync(project, { recursive: true, force: true });
});

/** Runs first in the page: counts the events of each element (`load` does not bubble to the window), and the workers. */
function countEvents(): void {
  const counts: Record<string, number> = {};
  const count = (name: string) => {
    counts[name] = (counts[name] ?? 0) + 1;
  };
  for (const type of ['load', 'error'])
    document.addEventListener(type, ({ target }) => count(`${(target as Element).id} ${type}`), {
      capture: true,
    });
  const { Worker, ResizeObserver } = window;
  // Reports sizes late, as on a busy machine: no picture may be drawn or reported before its element has its size.
  window.ResizeObserver = class extends ResizeObserver {
    constructor(callback: ResizeObserverCallback) {
      super((...args) => setTimeout(() => callback(...args), 100));
    }
  };
  window.Worker = class extends Worker {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      count('workers');
    }
  };
  Object.assign(window, { counts });
}

const counted = (name: string) =>
  page.evaluate((name) => (window as unknown as { counts: Record<string, number> }).counts[name] ?? 0, name);
const untilCounted = (name: string, times: number) =>
  expect.poll(() => counted(name), { timeout: 20_000 }).toBe(times);

function pixelsOf(id: string): Promise<{ width: number; height: number; rgb: number[] }> {
  return page.evaluate((id) => {
    const canvas = document.getElementById(id)?.shadowRoot?.querySelector('canvas');
    const { width, height } = canvas ?? { width: 0, height: 0 };
    const { data } = canvas?.getContext('2d')?.getImageData(0, 0, width, height) ?? { data: [] };
    return { width, height, rgb: Array.from(data).filter((_, at) => at % 4 !== 3) };
  }, id);
}

test.each(fixtures)(
  'the element draws $family as Python does',
  async ({ family, width, height, ...rest }) => {
    await untilCounted(`${family} load`, 1);
    const drawn = await pixelsOf(family);
    expect([drawn.width, drawn.height]).toEqual([width, height]);
    const { largest, share } = difference(
      Uint8Array.from(drawn.rgb),
      pythonPixelsOf({ family, width, height, ...rest }),
    );
    expect(largest).toBeLessThanOrEqual(1);
    expect(share).toBeLessThanOrEqual(0.001);
  },
);

test('a denser screen gets more pixels', async () => {
  const fine = await browser.newPage({ deviceScaleFactor: 2 });
  await fine.goto(page.url());
  const width = () =>
    fine.evaluate(() => document.getElementById('siren')?.shadowRoot?.querySelector('canvas')?.width);
  await expect.poll(width, { timeout: 20_000 }).toBe(2 * (fixtures[0]?.width ?? 0));
  await fine.close();
});

test('all elements share the workers of one decoder', async () => {
  expect(await counted('workers')).toBe(
    await page.evaluate(() => Math.min(4, navigator.hardwareConcurrency)),
  );
});

test('an element out of view is loaded once it comes near', async () => {
  expect(requests.some((url) => url.endsWith('?far'))).toBe(false);
  onTestFinished(() => page.evaluate(() => scrollTo(0, 0)));
  await page.locator('#far').scrollIntoViewIfNeeded();
  await untilCounted('far load', 1);
  const { width, height } = await pixelsOf('far');
  expect([width, height]).toEqual([60, 40]);
});

test('a resized element is decoded again, without a second load', async () => {
  await page.evaluate(() => {
    const resized = document.getElementById('siren');
    const fresh = document.createElement('neural-img');
    Object.assign(fresh, { id: 'fresh', src: 'siren.onnx' });
    for (const element of [resized, fresh]) {
      element?.setAttribute('width', '300');
      element?.setAttribute('height', '200');
    }
    resized?.after(fresh);
  });
  await untilCounted('fresh load', 1);
  const fresh = await pixelsOf('fresh');
  expect([fresh.width, fresh.height]).toEqual([300, 200]);
  await expect.poll(() => pixelsOf('siren')).toEqual(fresh);
  expect(await counted('siren load')).toBe(1);
});

test('the element shows what is wrong with a file, and can draw a good one afterwards', async () => {
  const role = () => page.getByRole('img', { name: 'A siren' }).getAttribute('aria-label');
  await page.evaluate(() => document.getElementById('siren')?.setAttribute('src', 'broken.onnx'));
  await untilCounted('siren error', 1);
  expect(await page.locator('#siren').locator('p').innerText()).toBe(
    'This is not an ONNX file or .anir file, or is damaged.',
  );
  expect(await role()).toBe('A siren: This is not an ONNX file or .anir file, or is damaged.');
  await page.evaluate(() => document.getElementById('siren')?.setAttribute('src', 'missing.onnx'));
  await untilCounted('siren error', 2);
  expect(await page.locator('#siren').locator('p').innerText()).toBe('missing.onnx answered 404.');
  await page.evaluate(() => document.getElementById('siren')?.setAttribute('src', 'siren.onnx'));
  await untilCounted('siren load', 2);
  expect(await role()).toBe('A siren');
  expect(await page.locator('#siren').locator('p').isVisible()).toBe(false);
});

test('the decoder gives a coarse picture first, then each row once', async () => {
  const tiles = await page.evaluate(async () => {
    const { Decoder } = (window as unknown as { neuralImg: typeof NeuralImg }).neuralImg;
    const file = new Uint8Array(await (await fetch('siren.onnx')).arrayBuffer());
    const image = await new Decoder({ threads: 1 }).open(file);
    const tiles: number[][] = [];
    for await (const { scale, firstRow, width, height, pixels } of image.decode({ coarse: true }))
      tiles.push([scale, firstRow, width, height, pixels.length]);
    return tiles;
  });
  expect(tiles).toEqual([
    [8, 0, 19, 13, 19 * 13 * 4],
    [1, 0, 150, 100, 150 * 100 * 4],
  ]);
});

test('a crop has the pixels of the whole, and an aborted decode does not delay the next', async () => {
  const { smooth, reason, same, differing } = await page.evaluate(async () => {
    const { Decoder, axis } = (window as unknown as { neuralImg: typeof NeuralImg }).neuralImg;
    const file = new Uint8Array(await (await fetch('gabor.onnx')).arrayBuffer());
    const image = await new Decoder({ threads: 1 }).open(file);
    const decode = async (options: NeuralImg.DecodeOptions) => {
      const pixels: number[] = [];
      for await (const tile of image.decode(options)) pixels.push(...tile.pixels);
      return pixels;
    };
    const stop = new AbortController();
    const huge = decode({
      x: axis(150, undefined, 6000),
      y: axis(100, undefined, 4000),
      signal: stop.signal,
    });
    stop.abort('enough');
    const reason = await huge.catch((reason) => reason);
    const whole = await decode({});
    const crop = await decode({
      x: axis(150, { start: 30, count: 50 }),
      y: axis(100, { start: 20, count: 40 }),
    });
    const expected = Array.from({ length: 40 }, (_, row) =>
      whole.slice(((20 + row) * 150 + 30) * 4, ((20 + row) * 150 + 80) * 4),
    ).flat();
    const differing = crop.filter((value, at) => Math.abs(value - (expected[at] ?? 0)) > 0).length;
    return { smooth: image.info.isSmooth, reason, same: crop.length === expected.length, differing };
  });
  // So the decoder makes large parts of it.
  expect(smooth).toBe(true);
  expect(reason).toBe('enough');
  expect(same).toBe(true);
  expect(differing).toBeLessThanOrEqual(8);
});

test('no request leaves the host, and there are no errors', () => {
  expect(requests.filter((url) => !/^(blob|data):|localhost/.test(url))).toEqual([]);
  expect(trouble).toEqual([]);
});
