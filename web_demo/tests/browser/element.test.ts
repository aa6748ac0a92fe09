/** Tests that `<neural-img>` behaves as a developer expects of an image: what it loads, when, and what it reports. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NeuralImgElement } from '../../neural-img/src/index.ts';
import {
  bitmapOf,
  makeSite,
  ofElement,
  openPage,
  type PageOptions,
  SCRIPT,
  type Site,
  untilComplete,
} from './element_page.ts';

let site: Site;

beforeAll(() => {
  site = makeSite();
}, 120_000);

afterAll(() => site.remove());

const open = (body: string, options?: PageOptions) => openPage(site, body, options);

test('has the properties and events of an <img>, and is empty without src', async () => {
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

test('properties that were set before the element is defined take effect', async () => {
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

test('what the page tells assistive technology is kept', async () => {
  const { page } = await open(
    `<neural-img role="button" alt="A"></neural-img><neural-img aria-label="Own" alt="A"></neural-img>
      <neural-img aria-label="B"></neural-img><neural-img role="presentation"></neural-img>`,
  );
  const told = await page.evaluate(async () => {
    const elements = [...document.querySelectorAll('neural-img')];
    for (const element of elements.slice(0, 2)) element.alt = 'B';
    const clone = elements[0]?.cloneNode() as (typeof elements)[number];
    clone.role = null;
    clone.alt = 'C';
    document.body.append(clone);
    return [...elements, clone].map((element) => [element.role, element.ariaLabel]);
  });
  expect(told).toEqual([
    ['button', 'B'],
    ['img', 'Own'],
    ['img', 'B'],
    ['presentation', null],
    ['img', 'C'],
  ]);
});

test('the clone of an element that failed has a label of its own', async () => {
  const { page } = await open('<neural-img src="nowhere.onnx" alt="A"></neural-img>');
  await untilComplete(page);
  const told = await page.evaluate(() => {
    const element = document.querySelector('neural-img') as HTMLElement;
    const clone = element.cloneNode() as typeof element;
    clone.removeAttribute('src');
    document.body.append(clone);
    return [element.ariaLabel, clone.ariaLabel];
  });
  expect(told).toEqual(['A: nowhere.onnx answered 404.', 'A']);
});

test('outside a document it is loaded, and drawn once it is inserted', async () => {
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

test('in the document of another window it keeps its layout, and draws', async () => {
  const { page } = await open('<neural-img src="a.onnx" width="60" alt="A"></neural-img>');
  await untilComplete(page);
  const sizes = await ofElement(page, async (element) => {
    const frame = document.body.appendChild(document.createElement('iframe'));
    frame.contentDocument?.body.append(element);
    const { width, height } = element;
    element.setAttribute('width', '90');
    const canvas = element.shadowRoot?.querySelector('canvas');
    while (canvas?.width !== 90) await new Promise((resolve) => setTimeout(resolve, 20));
    return [width, height, element.width, element.height, getComputedStyle(element).display];
  });
  expect(sizes).toEqual([60, 40, 90, 60, 'inline-block']);
});

test('of a hundred elements only those near the viewport load, and they release their memory', async () => {
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

describe('with a manifest', () => {
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
  ])(
    '%s at a density of %d, saving data: %s, loads %s',
    async (attributes, deviceScaleFactor, saveData, name) => {
      const head = `<script>Object.defineProperty(navigator, 'connection', { value: { saveData: ${saveData} } })</script>`;
      const { page, fetched } = await open(element(attributes), { deviceScaleFactor, head: head + SCRIPT });
      await untilComplete(page);
      expect(await nameOf(page)).toBe(`${name}.onnx`);
      expect(fetched).toEqual(['manifest.json', `${name}.onnx`]);
      const sizes = ['manifest.json', `${name}.onnx`].map(
        (file) => readFileSync(join(site.folder, file)).length,
      );
      expect(await ofElement(page, ({ bytesLoaded }) => bytesLoaded)).toBe((sizes[0] ?? 0) + (sizes[1] ?? 0));
    },
  );

  test('takes a better subnet when it grows or a higher quality is asked for, never a worse one', async () => {
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

  test('keeps a picture if a better one fails, and asks for that again', async () => {
    const { page } = await open(element('quality="low"'));
    await untilComplete(page);
    await page.route('**/d5w16.onnx', (route) => route.fulfill({ status: 503 }));
    const decoded = () => ofElement(page, (image) => image.decode().then(String, String));
    await ofElement(page, (image) => {
      image.quality = 'high';
    });
    expect(await decoded()).toMatch(/EncodingError: d5w16\.onnx answered 503\./);
    expect(await nameOf(page)).toBe('d3w16.onnx');
    await page.evaluate(() => {
      document.body.style.paddingTop = '5000px';
    });
    await expect.poll(() => bitmapOf(page)).toEqual([0, 0]);
    expect(await decoded()).toMatch(/503/);
    expect(await bitmapOf(page)).toEqual([150, 100]);
    expect(await page.isHidden('neural-img p')).toBe(true);
    await page.unroute('**/d5w16.onnx');
    await page.route('**/d5w16.onnx', (route) => route.fulfill({ body: 'no picture' }));
    expect(await decoded()).toMatch(/EncodingError: This is not an ONNX file/);
    expect(await bitmapOf(page)).toEqual([150, 100]);
    await page.unroute('**/d5w16.onnx');
    expect(await decoded()).toBe('undefined');
    expect(await nameOf(page)).toBe('d5w16.onnx');
  });

  test('shows what is wrong with the manifest', async () => {
    const { page } = await open('<neural-img src="broken.json" alt="A"></neural-img>');
    await untilComplete(page);
    expect(await page.locator('neural-img p').textContent()).toBe(
      'broken.json cannot be read: manifest.format is not 1.',
    );
  });
});
