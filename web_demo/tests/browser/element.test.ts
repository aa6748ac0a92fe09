/** `<neural-img>` as a developer expects an image to be: the place it takes, what it loads and when, what pages demand. */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { NeuralImgElement } from '../../neural-img/src/index.ts';
import { serve } from '../../scripts/serve.mjs';
import { folder, good, pathOf } from './fixtures.ts';
import { startBrowser } from './page.ts';
import { makeProject } from './project.ts';

const SCRIPT = '<script type="module" src="neural-img.js" blocking="render"></script>';
/** From worst to best; the files themselves are other than the manifest says of them. */
const LEVELS = [22, 28, 34, 40].map((psnr, at) => ({ psnr, name: `d${at + 2}w16` }));

let project: string;
let site: string;

beforeAll(async () => {
  project = makeProject();
  site = join(project, 'node_modules/neural-img/dist');
  cpSync(pathOf(good), join(site, 'a.onnx'));
  cpSync(folder, site, { recursive: true });
  const manifest = JSON.parse(readFileSync(join(site, 'manifest.json'), 'utf8'));
  const subnets = LEVELS.map(({ psnr, name }) => ({
    ...manifest.subnets.find((subnet: { name: string }) => subnet.name === name),
    psnr,
  }));
  writeFileSync(join(site, 'manifest.json'), JSON.stringify({ ...manifest, subnets }));
  writeFileSync(join(site, 'broken.json'), '{"format": 7}');
}, 120_000);

afterAll(() => {
  rmSync(project, { recursive: true, force: true });
});

interface Opened {
  page: Page;
  /** Names of the neural images that were asked for. */
  fetched: string[];
  trouble: string[];
}

/** A page with this body, in standards mode. */
async function open(
  body: string,
  {
    headers = {},
    head = SCRIPT,
    ...options
  }: BrowserContextOptions & { headers?: Record<string, string>; head?: string } = {},
): Promise<Opened> {
  const context = await (await startBrowser()).newContext(options);
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const fetched: string[] = [];
  const trouble: string[] = [];
  page.on('request', (request) => {
    if (/\.(onnx|json)/.test(request.url())) fetched.push(request.url().split('/').at(-1) ?? '');
  });
  page.on('pageerror', (error) => trouble.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') trouble.push(message.text());
  });
  const html = `<!doctype html><html lang="en"><head><title>t</title><link rel="icon" href="data:,">${head}</head>
    <body><main>${body}</main></body></html>`;
  writeFileSync(join(site, 'page.html'), html);
  const server = await serve(site, { headers });
  onTestFinished(server.close);
  await page.goto(`${server.url}page.html`);
  return { page, fetched, trouble };
}

/** Calls `ask` with the page's first element. */
const ofElement = <T>(page: Page, ask: (element: NeuralImgElement) => T | Promise<T>): Promise<T> =>
  page
    .locator('neural-img')
    .first()
    .evaluate(ask as unknown as (element: Element) => T) as Promise<T>;
const bitmapOf = (page: Page) =>
  ofElement(page, (element) => {
    const { width = 0, height = 0 } = element.shadowRoot?.querySelector('canvas') ?? {};
    return [width, height];
  });
const untilComplete = (page: Page) =>
  page.waitForFunction(() =>
    [...document.querySelectorAll('neural-img')].every((element) => element.complete),
  );

describe('takes the place of an <img> of 150 × 100 pixels', () => {
  const sheets = ['max-width: 100%; height: auto', 'max-width: 100%'];
  test.each([
    [0, '', 390],
    [0, '', 100],
    [0, 'width="600" height="400"', 390],
    [0, 'width="600" height="400"', 900],
    [0, 'width="50%"', 390],
    [0, 'width="60.5"', 390],
    [0, 'width=" 60"', 390],
    [0, 'width="60px" height="x"', 390],
    [0, 'width="-5"', 390],
    [0, 'style="width: 80px"', 390],
    [0, 'width="600" height="400" style="width: 100px; height: 90px; object-fit: cover"', 390],
    [0, 'width="60" height="40" style="padding: 5px 10px; border: 3px solid"', 390],
    [0, 'style="display: block; padding: 7px"', 390],
    [0, 'style="width: auto; height: 50px"', 390],
    [0, 'width="600" height="400" style="float: right; margin: 5px"', 390],
    [0, 'style="position: absolute; left: 20px; top: 30px; width: 90px"', 390],
    [0, 'style="width: 100%; aspect-ratio: 2; object-fit: contain"', 300],
    [1, 'height="50"', 390],
    [1, 'width="50%" height="40"', 390],
    [1, 'width="10" height="80"', 390],
    [1, 'width="0"', 390],
  ])('sheet %d, %s in %d pixels', async (sheet, attributes, room) => {
    const place = (tag: string, src: string) =>
      `<div style="width: ${room}px; position: relative; overflow: hidden">words <${tag} ${attributes} alt="" src="${src}"></${tag}> words</div>`;
    const { page } = await open(
      `<style>img, neural-img { ${sheets[sheet]} }</style>${place('img', 'random.png')}${place('neural-img', 'a.onnx')}`,
    );
    await ofElement(page, (element) => element.decode());
    const [image, neural] = await page.locator('main > div').evaluateAll((divs) =>
      divs.map((div) => {
        const element = div.firstElementChild as HTMLElement;
        const [inner, outer] = [element.getBoundingClientRect(), div.getBoundingClientRect()];
        const box = [inner.left - outer.left, inner.top - outer.top, inner.width, inner.height, outer.height];
        return box.map((value) => Math.round(value * 10) / 10);
      }),
    );
    expect(neural).toEqual(image);
  });
});

test('shifts nothing when it has both attributes', async () => {
  const { page } = await open(
    `<neural-img src="a.onnx" width="600" height="400" alt="A"></neural-img><p>words</p>`,
    { viewport: { width: 390, height: 800 } },
  );
  await untilComplete(page);
  const shifts = await page.evaluate(
    () =>
      new Promise((resolve) => {
        new PerformanceObserver((list) => resolve(list.getEntries().length)).observe({
          type: 'layout-shift',
          buffered: true,
        });
        setTimeout(resolve, 300, 0);
      }),
  );
  expect(shifts).toBe(0);
  expect(await bitmapOf(page)).toEqual([374, 249]);
});

test('keeps the picture’s ratio under object-fit, at the pixels that are shown', async () => {
  const style = (fit: string) => `width: 300px; height: 300px; object-fit: ${fit}; object-position: 10% 20%`;
  const { page } = await open(`<neural-img src="a.onnx" alt="A" style="${style('cover')}"></neural-img>`);
  await untilComplete(page);
  expect(await bitmapOf(page)).toEqual([450, 300]);
  const inherited = await ofElement(page, (element) => {
    const canvas = element.shadowRoot?.querySelector('canvas') as HTMLCanvasElement;
    const { objectFit, objectPosition } = getComputedStyle(canvas);
    return [objectFit, objectPosition];
  });
  expect(inherited).toEqual(['cover', '10% 20%']);
});

test('tells what an <img> tells, and is empty without src', async () => {
  const { page, fetched } = await open('<neural-img alt="A" width="60"></neural-img>');
  const states = await ofElement(page, async (element) => {
    const state = () => [
      element.complete,
      element.naturalWidth,
      element.naturalHeight,
      element.width,
      element.height,
      element.currentSrc.split('/').at(-1),
      element.bytesLoaded > 1000,
    ];
    const fail = (error: DOMException) => `${error.name}: ${error.message}`;
    const states: unknown[] = [state(), await element.decode().catch(fail)];
    const events: string[] = [];
    for (const type of ['load', 'error']) element.addEventListener(type, () => events.push(type));
    element.src = 'a.onnx';
    states.push(element.complete);
    await element.decode();
    states.push(state());
    element.src = 'missing.onnx';
    states.push(await element.decode().catch(fail), element.complete);
    element.src = 'a.onnx';
    const early = element.decode().catch(fail);
    element.removeAttribute('src');
    states.push(await early, state(), element.shadowRoot?.querySelector('canvas')?.width, events.join());
    return states;
  });
  const empty = [true, 0, 0, 60, 0, '', false];
  expect(states).toEqual([
    empty,
    'EncodingError: There is no source.',
    false,
    [true, 150, 100, 60, 40, 'a.onnx', true],
    'EncodingError: missing.onnx answered 404.',
    true,
    'EncodingError: The source was changed.',
    empty,
    0,
    'load,error',
  ]);
  expect(fetched).toEqual(['a.onnx', 'missing.onnx', 'a.onnx']);
});

test('properties count from before it is defined, and later ones, too', async () => {
  const { page, fetched } = await open('', { head: '' });
  const values = await page.evaluate(async () => {
    const element = document.createElement('neural-img');
    Object.assign(element, { src: 'a.onnx', alt: 'A', width: 30 });
    const script = Object.assign(document.createElement('script'), { type: 'module', src: 'neural-img.js' });
    document.body.append(element, script);
    await customElements.whenDefined('neural-img');
    const first = [element.getAttribute('src'), element.getAttribute('width')];
    element.src = 'a.onnx?b';
    await element.decode();
    return [...first, element.getAttribute('src'), element.naturalWidth, element.width, element.ariaLabel];
  });
  expect(values).toEqual(['a.onnx', '30', 'a.onnx?b', 150, 30, 'A']);
  expect(fetched.at(-1)).toBe('a.onnx?b');
});

test('outside a page it is read, and drawn once it is in one', async () => {
  const { page } = await open('');
  const [detached, attached] = await page.evaluate(async () => {
    const element = document.createElement('neural-img');
    element.src = 'a.onnx';
    await element.decode();
    const width = () => element.shadowRoot?.querySelector('canvas')?.width;
    const detached = [element.naturalWidth, width()];
    document.body.append(element);
    while (!width()) await new Promise((resolve) => setTimeout(resolve, 20));
    return [detached, width()];
  });
  expect([detached, attached]).toEqual([[150, 0], 150]);
});

test('of a hundred, only those near the viewport load, and they give their memory back', async () => {
  const many = Array.from(
    { length: 100 },
    (_, at) =>
      `<p><neural-img id="i${at}" src="a.onnx?${at}" width="300" height="200" alt="A"></neural-img></p>`,
  );
  const { page, fetched } = await open(
    `${many.join('')}<neural-img src="a.onnx?eager" loading="eager" width="30" height="20" alt="A"></neural-img>`,
    { viewport: { width: 400, height: 800 } },
  );
  const held = () =>
    page
      .locator('neural-img[id]')
      .evaluateAll((all) =>
        all.filter((element) => element.shadowRoot?.querySelector('canvas')?.width).map(({ id }) => id),
      );
  const near = ['i0', 'i1', 'i2', 'i3', 'i4', 'i5', 'i6'];
  await expect.poll(held).toEqual(near);
  await expect
    .poll(() => fetched.sort())
    .toEqual([...near.map((id) => `a.onnx?${id.slice(1)}`), 'a.onnx?eager']);
  const isLoaded = (at: number) =>
    page.waitForFunction((id) => document.querySelector<NeuralImgElement>(id)?.complete, `#i${at}`);
  for (const at of near.keys()) await isLoaded(at);
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await expect.poll(async () => (await held()).at(-1)).toBe('i99');
  await expect.poll(async () => (await held())[0]).toMatch(/i9\d/);
  const loads = fetched.length;
  await page.evaluate(() => {
    scrollTo(0, 0);
    document.querySelector('#i0')?.addEventListener('load', () => document.body.append('loaded again'));
  });
  await expect.poll(held).toEqual(near);
  expect(fetched.length).toBe(loads);
  expect(await page.textContent('body')).not.toContain('loaded again');
});

describe('of a manifest', () => {
  const element = (attributes: string) =>
    `<neural-img src="manifest.json" alt="A" ${attributes}></neural-img>`;
  const nameOf = (page: Page) => ofElement(page, ({ currentSrc }) => currentSrc.split('/').at(-1));

  test.each([
    ['quality="low"', 1, false, 'd3w16'],
    ['', 1, false, 'd4w16'],
    ['', 1, true, 'd3w16'],
    ['quality="high"', 1, false, 'd5w16'],
    ['quality="23.5"', 1, false, 'd3w16'],
    ['width="30"', 1, false, 'd3w16'],
    ['width="30"', 2, false, 'd4w16'],
  ])('%s at a density of %d, saving data: %s', async (attributes, deviceScaleFactor, saveData, name) => {
    const head = `<script>Object.defineProperty(navigator, 'connection', { value: { saveData: ${saveData} } })</script>`;
    const { page, fetched } = await open(element(attributes), { deviceScaleFactor, head: head + SCRIPT });
    await untilComplete(page);
    expect(await nameOf(page)).toBe(`${name}.onnx`);
    expect(fetched).toEqual(['manifest.json', `${name}.onnx`]);
    const sizes = ['manifest.json', `${name}.onnx`].map((file) => readFileSync(join(site, file)).length);
    expect(await ofElement(page, ({ bytesLoaded }) => bytesLoaded)).toBe((sizes[0] ?? 0) + (sizes[1] ?? 0));
  });

  test('takes a better one when it grows or is asked to, never a worse one', async () => {
    const { page, fetched } = await open(element('width="30"'));
    await untilComplete(page);
    await ofElement(page, (image) => image.setAttribute('width', '150'));
    await expect.poll(() => nameOf(page)).toBe('d4w16.onnx');
    await ofElement(page, (image) => image.setAttribute('width', '24'));
    await expect.poll(() => bitmapOf(page)).toEqual([24, 16]);
    await ofElement(page, (image) => {
      image.quality = 40;
    });
    await expect.poll(() => nameOf(page)).toBe('d5w16.onnx');
    expect(fetched).toEqual(['manifest.json', 'd3w16.onnx', 'd4w16.onnx', 'd5w16.onnx']);
  });

  test('says what is wrong with it', async () => {
    const { page } = await open('<neural-img src="broken.json" alt="A"></neural-img>');
    await untilComplete(page);
    expect(await page.locator('neural-img p').textContent()).toBe(
      'broken.json cannot be read: manifest.format is not 1.',
    );
  });
});

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

  test('that are isolated, of a picture from another site that allows it', async () => {
    const other = await serve(site, { headers: { 'Access-Control-Allow-Origin': '*' } });
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
    // What a foreign <img> would forbid.
    expect(
      await ofElement(page, (image) => image.shadowRoot?.querySelector('canvas')?.toDataURL().length ?? 0),
    ).toBeGreaterThan(1000);
  });

  test('but not with a picture from another site that does not allow it', async () => {
    const other = await serve(site);
    onTestFinished(other.close);
    const { page } = await open(`<neural-img src="${other.url}a.onnx" alt="A"></neural-img>`);
    await untilComplete(page);
    expect(await page.locator('neural-img p').isVisible()).toBe(true);
  });

  test('without JavaScript, as its child', async () => {
    const body = `<neural-img src="a.onnx" alt="A"><img src="random.png" loading="lazy" alt="A"></neural-img>`;
    const { page } = await open(body, { javaScriptEnabled: false });
    expect(await page.locator('img').boundingBox()).toMatchObject({ width: 150, height: 100 });
    const { page: scripted } = await open(body);
    await untilComplete(scripted);
    expect(await scripted.locator('img').isVisible()).toBe(false);
  });
});

test('axe has nothing to say', async () => {
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
