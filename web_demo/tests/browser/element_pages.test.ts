/** Tests `<neural-img>` in demanding pages: policies, isolation, other sites, no JavaScript, screen readers. */
import axe from 'axe-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { serve } from '../../scripts/serve.mjs';
import {
  bitmapOf,
  makeSite,
  ofElement,
  openPage,
  type PageOptions,
  type Site,
  untilComplete,
} from './element_page.ts';

let site: Site;

beforeAll(() => {
  site = makeSite();
}, 120_000);

afterAll(() => site.remove());

const open = (body: string, options?: PageOptions) => openPage(site, body, options);

describe('works in pages', () => {
  const element = '<neural-img src="a.onnx" alt="A"></neural-img>';
  const strict =
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; img-src data:;";

  test('with Trusted Types and a strict policy', async () => {
    const { page, trouble } = await open(element, {
      headers: {
        'Content-Security-Policy': `${strict} require-trusted-types-for 'script'; trusted-types neural-img`,
      },
    });
    await untilComplete(page);
    expect([await bitmapOf(page), trouble]).toEqual([[150, 100], []]);
  });

  test('that are isolated, with a picture from another site that allows it', async () => {
    const other = await serve(site.folder, { headers: { 'Access-Control-Allow-Origin': '*' } });
    onTestFinished(other.close);
    const { page, trouble } = await open(`<neural-img src="${other.url}a.onnx" alt="A"></neural-img>`, {
      headers: {
        'Cross-Origin-Opener-Policy': 'same-origin',
        'Cross-Origin-Embedder-Policy': 'require-corp',
      },
    });
    await untilComplete(page);
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    expect([await bitmapOf(page), trouble]).toEqual([[150, 100], []]);
    // The canvas can be read, unlike one with an <img> of another site.
    expect(
      await ofElement(page, (image) => image.shadowRoot?.querySelector('canvas')?.toDataURL().length ?? 0),
    ).toBeGreaterThan(1000);
  });

  test('but not with a picture from another site that does not allow it', async () => {
    const other = await serve(site.folder);
    onTestFinished(other.close);
    const { page } = await open(`<neural-img src="${other.url}a.onnx" alt="A"></neural-img>`);
    await untilComplete(page);
    expect(await page.locator('neural-img p').isVisible()).toBe(true);
  });

  test('without JavaScript, by showing its child', async () => {
    const body = `<neural-img src="a.onnx" alt="A"><img src="random.png" loading="lazy" alt="A"></neural-img>`;
    const { page } = await open(body, { javaScriptEnabled: false });
    expect(await page.locator('img').boundingBox()).toMatchObject({ width: 150, height: 100 });
    const { page: scripted } = await open(body);
    await untilComplete(scripted);
    expect(await scripted.locator('img').isVisible()).toBe(false);
  });
});

test('axe finds no accessibility problem', async () => {
  const { page } = await open(
    `<h1>Pictures</h1><neural-img src="a.onnx" alt="A picture"></neural-img><neural-img src="a.onnx" alt=""></neural-img>
    <neural-img src="missing.onnx" alt="Missing" width="200" height="100"></neural-img>
    <neural-img src="manifest.json" alt="With a child"><img src="random.png" alt="A child"></neural-img>`,
  );
  await untilComplete(page);
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => (window as unknown as { axe: typeof axe }).axe.run());
  expect(violations).toEqual([]);
  expect(await page.getByRole('img').count()).toBe(3);
});
