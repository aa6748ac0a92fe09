/** Tests a large picture in a browser whose strips several workers decode: with several numbers of workers, and with failing ones. */
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readHeader } from '../../neural-img/src/anir_header.ts';
import type * as NeuralImg from '../../neural-img/src/index.ts';
import { serve } from '../../scripts/serve.mjs';
import { type AnirCase, anirCases, stripsCase } from '../vectors.ts';
import { startBrowser } from './page.ts';
import { makeProject } from './project.ts';

/** What goes wrong with each worker but the first, when it starts or is given a port. */
type Trouble = 'none' | 'silent' | 'dies' | 'cannot start';

const PAGE = `<!doctype html>
<html lang="en">
  <head><title>Strips</title><link rel="icon" href="data:," /></head>
  <body>
    <script>
      window.workers = 0;
      window.trouble = 'none';
      window.Worker = class extends Worker {
        constructor(address) {
          if (workers > 0 && trouble === 'cannot start') throw new Error('no');
          super(address);
          workers++;
        }
        postMessage(message, transfer) {
          const isPort = transfer?.[0] instanceof MessagePort;
          if (isPort && trouble === 'dies') setTimeout(() => this.terminate(), 5);
          if (!(isPort && trouble === 'silent')) super.postMessage(message, transfer ?? []);
        }
      };
    </script>
    <script type="module">
      import * as neuralImg from './dist/neural-img.js';
      window.neuralImg = neuralImg;
    </script>
  </body>
</html>`;

declare global {
  interface Window {
    neuralImg: typeof NeuralImg;
    /** The number of workers that were started. */
    workers: number;
    trouble: Trouble;
  }
}

const { five } = stripsCase();
const ends = readHeader(five).levels.map(({ end }) => end) as [number, number, number];
let project: string;
let browser: Browser;
let page: Page;
let url: string;
let close: () => void;

beforeAll(async () => {
  project = makeProject();
  cpSync(join(project, 'node_modules/neural-img/dist'), join(project, 'site/dist'), { recursive: true });
  writeFileSync(join(project, 'site/index.html'), PAGE);
  ({ url, close } = await serve(join(project, 'site'), { base: '/' }));
  browser = await startBrowser();
}, 180_000);

beforeEach(async () => {
  page = await browser.newPage();
  await page.goto(url);
  await page.waitForFunction(() => window.neuralImg);
  return () => page.close();
});

afterAll(async () => {
  await browser?.close();
  close?.();
  rmSync(project, { recursive: true, force: true });
});

/** A file's picture at every eighth pixel, or an error; the number of workers started to open it, and whether it was fast. */
function opened(file: Uint8Array, threads: number, trouble: Trouble = 'none') {
  return page.evaluate(
    async ({ bytes, threads, trouble }) => {
      [window.workers, window.trouble] = [0, trouble];
      const { axis, Decoder } = window.neuralImg;
      const shown = { rgba: [] as number[], workers: 0, isPrompt: false, error: '' };
      const start = performance.now();
      try {
        const image = await new Decoder({ threads }).open(Uint8Array.from(bytes));
        shown.workers = window.workers;
        shown.isPrompt = performance.now() - start < 9000;
        const { width, height } = image.info;
        const grid = { x: axis(width, undefined, width / 8), y: axis(height, undefined, height / 8) };
        for await (const { pixels } of image.decode(grid)) for (const value of pixels) shown.rgba.push(value);
      } catch (error) {
        shown.error = String(error);
      }
      return shown;
    },
    { bytes: [...file], threads, trouble },
  );
}

/** The pictures of a file that arrives, at each position in `pieces`. */
function streamed(pieces: number[], threads: number) {
  return page.evaluate(
    async ({ bytes, pieces, threads }) => {
      const { axis, Decoder } = window.neuralImg;
      const [stream, all] = [new Decoder({ threads }).stream(), Uint8Array.from(bytes)];
      const shown: { bytes: number; rgba: number[] }[] = [];
      for (const end of pieces) {
        while (stream.bytes < end)
          await stream.feed(all.subarray(stream.bytes, Math.min(stream.bytes + 300, end)));
        const image = await stream.refined();
        const rgba: number[] = [];
        const grid = { x: axis(2048, undefined, 128), y: axis(2560, undefined, 160) };
        for await (const { pixels } of image.decode(grid)) for (const value of pixels) rgba.push(value);
        shown.push({ bytes: image.bytes, rgba });
      }
      stream.close();
      return shown;
    },
    { bytes: [...five], pieces, threads },
  );
}

test('several workers draw the same picture as one', async () => {
  const alone = await opened(five, 1);
  expect(alone).toMatchObject({ workers: 1, isPrompt: true, error: '' });
  expect(alone.rgba).toHaveLength(256 * 320 * 4);
  expect(new Set(alone.rgba).size).toBeGreaterThan(20);
  for (const threads of [2, 3, 4])
    expect(await opened(five, threads)).toEqual({ ...alone, workers: threads });
});

test('a picture of one strip is opened by one worker', async () => {
  const { file } = anirCases().find(({ family }) => family === 'lapped') as AnirCase;
  const { workers, error } = await opened(file, 3);
  expect([workers, error]).toEqual([1, '']);
});

test('several workers draw the same pictures at and between levels while the file arrives', async () => {
  const pieces = [ends[0], ends[0] + 300, ends[1], Math.floor((ends[1] + ends[2]) / 2), ends[2]];
  const alone = await streamed(pieces, 1);
  expect(new Set(alone.map(({ rgba }) => rgba.join())).size).toBe(pieces.length);
  expect(await streamed(pieces, 3)).toEqual(alone);
});

test('damage in a strip that another worker decodes is reported as by one worker', async () => {
  const place = ends[2] - 40;
  const changed = five.with(place, (five[place] as number) ^ 255);
  const { error } = await opened(changed, 1);
  expect(error).toBe('ModelError: This file is damaged in its level 3; fetch it again.');
  expect((await opened(changed, 3)).error).toBe(error);
});

describe('if another worker', () => {
  test.each<Trouble>(['cannot start', 'silent', 'dies'])(
    '%s, the picture is drawn all the same',
    async (trouble) => {
      const alone = await opened(five, 1);
      const { rgba, error } = await opened(five, 3, trouble);
      expect(error).toBe('');
      expect(rgba).toEqual(alone.rgba);
    },
    60_000,
  );
});
