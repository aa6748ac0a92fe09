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
    [0, 'style="height: 120px"', 390],
    [0, 'style="max-height: 80px"', 390],
    [0, 'style="min-height: 300px"', 390],
    [0, 'style="box-sizing: border-box; width: 100px; padding: 10px"', 390],
    [0, 'style="aspect-ratio: 1"', 390],
    [0, 'style="max-width: none"', 100],
    [0, 'width="600" height="400" style="max-width: 150%"', 390],
    [0, 'width="600" height="400" style="height: 120px"', 390],
    [0, 'width="100" style="height: 200px"', 390],
    [0, 'width="100" style="max-height: 30px"', 390],
    [0, 'width="75" height="50" style="box-sizing: border-box; padding: 10px"', 390],
    [0, 'width="100" style="box-sizing: border-box; border: 10px solid"', 390],
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

test.each([
  ['display: grid; grid-template-columns: 1fr 1fr; width: 400px', 'width="600" height="400"'],
  ['display: grid; width: 100px', ''],
  ['display: grid; width: 300px; justify-items: start', 'style="width: 100%"'],
  ['display: table; width: 300px', 'width="600" height="400"'],
  ['display: inline-block; max-width: 300px', 'width="600" height="400"'],
  ['float: left; max-width: 300px', 'width="600" height="400"'],
  ['width: fit-content; max-width: 300px', 'width="600" height="400"'],
  ['width: min-content', 'width="600" height="400"'],
  ['width: max-content', 'width="600" height="400"'],
  ['position: absolute; max-width: 300px', 'width="600" height="400"'],
  ['display: flex; width: 300px', 'width="600" height="400"'],
  ['display: flex; flex-direction: column; width: 300px', 'width="600" height="400"'],
  ['width: 390px; height: 200px', 'style="height: 100%"'],
  ['width: 390px; height: 200px', 'style="max-height: 80%"'],
  ['width: 390px; height: 200px', 'style="height: 100%; max-height: 80%; width: 100%; object-fit: contain"'],
  ['width: 390px; height: 200px', 'style="height: 100%; max-height: calc(100% - 40px)"'],
  ['width: 390px; height: 400px', 'width="600" height="400" style="max-height: 50%"'],
  ['width: 390px; display: flex', 'width="600" height="400" style="flex: none; max-width: none"'],
])('shrinks like an <img> in a parent with %s', async (parent, attributes) => {
  const place = (tag: string, src: string) =>
    `<section style="position: relative; overflow: hidden; height: 500px"><div style="${parent}"><${tag} ${attributes} alt="" src="${src}"></${tag}></div></section>`;
  const { page } = await open(
    `<style>img, neural-img { max-width: 100%; height: auto }</style>${place('img', 'random.png')}${place('neural-img', 'a.onnx')}`,
  );
  await ofElement(page, (element) => element.decode());
  const [image, neural] = await page.locator('section > div').evaluateAll((divs) =>
    divs.map((div) => {
      const [own, around] = [div.firstElementChild as HTMLElement, div as HTMLElement];
      return [own.offsetWidth, own.offsetHeight, around.offsetWidth, around.offsetHeight];
    }),
  );
  expect(neural).toEqual(image);
  const canvas = await page.locator('neural-img canvas').boundingBox();
  expect([canvas?.width, canvas?.height].map(Math.round as (n?: number) => number)).toEqual(
    neural?.slice(0, 2),
  );
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
