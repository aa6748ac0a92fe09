/** The element in Firefox, which Puppeteer drives by WebDriver BiDi, draws what Python decodes. */
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, launch, type Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serve } from '../../scripts/serve.mjs';
import { fixtures, pathOf, read } from './fixtures.ts';
import { isSamePicture } from './page.ts';
import { findFirefox } from './preflight.mjs';
import { makeProject } from './project.ts';

const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src data:";
const executablePath = findFirefox() ?? '';

describe.skipIf(!executablePath)('Firefox', () => {
  let project: string;
  let close: () => void;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    project = makeProject();
    const dist = join(project, 'node_modules/neural-img/dist');
    const elements = fixtures.map(
      ({ family, file, width, height }) =>
        `<neural-img id="${family}" src="${file}" width="${width}" height="${height}"></neural-img>`,
    );
    for (const fixture of fixtures) cpSync(pathOf(fixture), join(dist, fixture.file));
    writeFileSync(join(dist, 'broken.onnx'), 'not a picture at all');
    writeFileSync(
      join(dist, 'index.html'),
      `<!doctype html><html lang="en"><title>t</title><link rel="icon" href="data:,">
        <script type="module" src="neural-img.js"></script>${elements.join('')}</html>`,
    );
    const server = await serve(dist, { headers: { 'Content-Security-Policy': POLICY } });
    close = server.close;
    browser = await launch({ browser: 'firefox', executablePath, headless: true });
    page = await browser.newPage();
    await page.goto(server.url);
  }, 180_000);

  afterAll(async () => {
    await browser?.close();
    close?.();
    rmSync(project, { recursive: true, force: true });
  });

  /** What an element shows, once it is drawn whole. */
  async function pixelsOf(id: string): Promise<Uint8Array> {
    const rgb = await page.evaluate(async (id) => {
      const canvas = document.getElementById(id)?.shadowRoot?.querySelector('canvas');
      const read = () => {
        const data = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data;
        return Array.from(data ?? []).filter((_, at) => at % 4 !== 3);
      };
      // The coarse picture comes before the fine one.
      for (let before = ''; ; ) {
        await new Promise((resolve) => setTimeout(resolve, 500));
        const now = read();
        if (now.some((value) => value > 0) && before === now.join()) return now;
        before = now.join();
      }
    }, id);
    return Uint8Array.from(rgb);
  }

  test.each(fixtures)('draws $family', async ({ family, pixels }) => {
    expect(isSamePicture(await pixelsOf(family), read(pixels))).toBe(true);
  });

  test('says what is wrong with a file', async () => {
    const message = await page.evaluate(async () => {
      const element = document.querySelector('neural-img') as HTMLElement & { src: string };
      const failed = new Promise((resolve) =>
        element.addEventListener('error', (event) => resolve((event as ErrorEvent).message), { once: true }),
      );
      element.src = 'broken.onnx';
      return failed;
    });
    expect(message).toBe('This is not an ONNX file, or a damaged one.');
  });
});
