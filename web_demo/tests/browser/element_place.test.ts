/** Tests that `<neural-img>` is laid out like an `<img>`. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
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

describe('is laid out like an <img> of 150 × 100 pixels', () => {
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
  ])('with style sheet %d and %s in %d pixels', async (sheet, attributes, room) => {
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

test('causes no layout shift if it has width and height', async () => {
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

test('keeps the aspect ratio under object-fit, and draws as many pixels as are shown', async () => {
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
