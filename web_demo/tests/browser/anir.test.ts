/** Tests `.anir` files in a browser, read by the package's worker: in chunks, and as the source of an element. */
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type * as NeuralImg from '../../neural-img/src/index.ts';
import { serve } from '../../scripts/serve.mjs';
import { asRgba, expectSamePixels } from '../pixels.ts';
import { type AnirCase, anirCases } from '../vectors.ts';
import { startBrowser } from './page.ts';
import { makeProject } from './project.ts';

const PAGE = `<!doctype html>
<html lang="en">
  <head><title>Streams</title><link rel="icon" href="data:," /></head>
  <body>
    <script type="module">
      import * as neuralImg from './dist/neural-img.js';
      window.neuralImg = neuralImg;
    </script>
    <neural-img src="lapped.anir" width="75" height="52" alt="A pattern"></neural-img>
  </body>
</html>`;

declare global {
  interface Window {
    neuralImg: typeof NeuralImg;
  }
}

const cases = anirCases();
let project: string;
let browser: Browser;
let page: Page;
let close: () => void;

beforeAll(async () => {
  project = makeProject();
  cpSync(join(project, 'node_modules/neural-img/dist'), join(project, 'site/dist'), { recursive: true });
  writeFileSync(join(project, 'site/index.html'), PAGE);
  const lapped = cases.find(({ family }) => family === 'lapped') as AnirCase;
  writeFileSync(join(project, 'site/lapped.anir'), lapped.file);
  const clear = cases.find(({ colours }) => colours === 4) as AnirCase;
  writeFileSync(join(project, 'site/clear.anir'), clear.file);
  const server = await serve(join(project, 'site'), { base: '/' });
  close = server.close;
  browser = await startBrowser();
  page = await browser.newPage();
  await page.goto(server.url);
  await page.waitForFunction(() => window.neuralImg);
}, 180_000);

afterAll(async () => {
  await browser?.close();
  close?.();
  rmSync(project, { recursive: true, force: true });
});

/** What a page draws of a file that arrives in chunks of `size` bytes: name, bytes and RGBA of each level. */
async function streamed({ file, levels: [level] }: AnirCase, size: number) {
  const grid = { x: [...(level?.x ?? [])], y: [...(level?.y ?? [])] };
  return page.evaluate(
    async ({ bytes, x, y, size }) => {
      const stream = new window.neuralImg.Decoder().stream();
      const told: { name: string; bytes: number; rgba: number[] }[] = [];
      const all = Uint8Array.from(bytes);
      while (stream.bytes < all.length) {
        await stream.feed(all.subarray(stream.bytes, stream.bytes + size));
        if (stream.available === told.length) continue;
        const image = await stream.image(told.length);
        const rgba: number[] = [];
        const spans = { x: Float32Array.from(x), y: Float32Array.from(y) };
        for await (const { pixels } of image.decode(spans)) rgba.push(...pixels);
        told.push({ name: image.info.name, bytes: image.bytes, rgba });
      }
      stream.close();
      return told;
    },
    { bytes: [...file], ...grid, size },
  );
}

test.each(cases)(
  'each level of a stream is drawn as in Python: $family, $colours colours, pitch $pitch',
  async (own) => {
    const told = await streamed(own, 40);
    expect(told.map(({ name, bytes }) => [name, bytes])).toEqual(
      own.levels.map(({ name, end }) => [name, end]),
    );
    own.levels.forEach(({ pixels }, k) => {
      expectSamePixels(told[k]?.rgba ?? [], asRgba(pixels, own.colours));
    });
  },
);

test('a file opens at the last level or the requested one, a truncated file at its last complete level', async () => {
  const [own] = cases as [AnirCase];
  const names = await page.evaluate(
    async ({ bytes, cut }) => {
      const [decoder, file] = [new window.neuralImg.Decoder(), Uint8Array.from(bytes)];
      const images = [
        await decoder.open(file),
        await decoder.open(file, { level: 1 }),
        await decoder.open(file.subarray(0, cut)),
      ];
      const refused = await decoder.open(file.subarray(0, 60)).catch(String);
      return [...images.map(({ info }) => info.name), refused];
    },
    { bytes: [...own.file], cut: (own.levels[1]?.end ?? 0) - 1 },
  );
  expect(names.slice(0, 3)).toEqual([own.levels[3]?.name, own.levels[1]?.name, own.levels[0]?.name]);
  expect(names[3]).toMatch(/^ModelError: This (\.anir )?file ends/);
});

test('an element shows an .anir file', async () => {
  const drawn = () =>
    page.evaluate(() => {
      const canvas = document.querySelector('neural-img')?.shadowRoot?.querySelector('canvas');
      const { data } = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height) ?? {
        data: [],
      };
      return new Set(Array.from(data)).size;
    });
  await expect.poll(drawn, { timeout: 20_000 }).toBeGreaterThan(20);
});

test('an element and a coarse tile are as transparent as the picture', async () => {
  const alphas = await page.evaluate(async () => {
    const element = document.createElement('neural-img');
    Object.assign(element.style, { position: 'fixed', top: '0' });
    element.src = 'clear.anir';
    document.body.append(element);
    await element.decode();
    const shown = element.shadowRoot?.querySelector('canvas');
    const { Decoder, drawTile } = window.neuralImg;
    const file = new Uint8Array(await (await fetch('clear.anir')).arrayBuffer());
    const image = await new Decoder().open(file);
    const own = new OffscreenCanvas(image.info.width, image.info.height);
    const context = own.getContext('2d');
    if (!shown || !context) throw new Error('no canvas');
    const alphasOf = (of: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D | null) => {
      const data = of?.getImageData(0, 0, of.canvas.width, of.canvas.height).data ?? [];
      return Array.from(data).filter((_, k) => k % 4 === 3);
    };
    // What was drawn before must not show through.
    context.fillRect(0, 0, own.width, own.height);
    const told: number[][] = [];
    for await (const tile of image.decode({ coarse: true })) {
      drawTile(context, tile);
      told.push(alphasOf(context));
    }
    return { shown: alphasOf(shown.getContext('2d')), coarse: told[0] ?? [], whole: told.at(-1) ?? [] };
  });
  expect(Math.min(...alphas.whole)).toBeLessThan(250);
  expectSamePixels(alphas.shown, alphas.whole);
  const steps = alphas.coarse.map((alpha, k) => Math.abs(alpha - (alphas.whole[k] ?? 0)));
  expect(steps.reduce((a, b) => a + b, 0) / steps.length).toBeLessThan(25);
});
