/** Tests `<neural-img src="photo.anir">` when things go wrong or change while the file arrives, and many elements at once. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bitmapOf, makeSite, ofElement, type Site, untilComplete } from './element_page.ts';
import { endOf, FILE, headerBytes, levelOf, openStream, type StreamOptions, soon } from './stream_page.ts';

let site: Site;

beforeAll(() => {
  site = makeSite();
}, 120_000);

afterAll(() => site.remove());

const open = (attributes: string, options?: StreamOptions) => openStream(site, attributes, options);
/** Whether the first element's error message is visible. */
const messageOf = (page: Awaited<ReturnType<typeof open>>['page']) =>
  ofElement(page, ({ shadowRoot }) => shadowRoot?.querySelector('p')?.checkVisibility());
const wanted = levelOf(34, 1);

describe('shows the best picture so far and an error', () => {
  test.each([
    ['is truncated', FILE.subarray(0, endOf(5) + 400), 5, /^http\S+ was cut: it ends after \d+ bytes\.$/],
    ['is truncated within its first level', FILE.subarray(0, endOf(1) - 20), 0, /was cut/],
    ['is truncated within its header', FILE.subarray(0, headerBytes - 1), undefined, /was cut/],
    ['is damaged', damagedAt(endOf(7) + 20), 7, /^This file is damaged in its level 8; fetch it again\.$/],
    ['has a damaged header', damagedAt(40), undefined, /header of this \.anir file is damaged/],
  ])('if the file %s', async (_, file, shown, message) => {
    const opened = await open('width="240"', {
      prepare: (host) => {
        host.file = file;
      },
    });
    await untilComplete(opened.page);
    expect(await opened.errors()).toEqual([expect.stringMatching(message)]);
    await soon(opened.level).toBe(shown);
    const isShown = shown !== undefined;
    expect(await messageOf(opened.page)).toBe(!isShown);
    expect(await bitmapOf(opened.page)).toEqual(isShown ? [240, 160] : [0, 0]);
    expect((await opened.told()).some(([, type]) => type === 'load')).toBe(false);
    const decoded = await ofElement(opened.page, (element) => element.decode().then(String, String));
    expect(decoded).toMatch(/^EncodingError: /);
    // The file is not requested again, as it is known to be incomplete or damaged.
    const { length } = opened.host.asked;
    await ofElement(opened.page, (element) => element.setAttribute('width', '300'));
    if (isShown) await soon(() => bitmapOf(opened.page)).toEqual([300, 200]);
    expect([opened.host.asked.length, (await opened.errors()).length]).toEqual([length, 1]);
    expect(opened.trouble).toEqual([]);
  });

  test('if its first level is damaged, with a preview or nothing', async () => {
    const opened = await open('width="240"', {
      prepare: (host) => {
        host.file = damagedAt(endOf(1) - 20);
      },
    });
    await untilComplete(opened.page);
    expect(await opened.errors()).toEqual(['This file is damaged in its level 1; fetch it again.']);
    expect(await opened.level()).toBeOneOf([undefined, 0]);
    expect(await messageOf(opened.page)).toBe((await opened.level()) === undefined);
  });

  test('if the connection breaks, and resumes at the next resize', async () => {
    const opened = await open('width="240"', {
      prepare: (host) => {
        host.allowed = endOf(4) + 100;
      },
    });
    await soon(opened.level).toBe(4);
    opened.host.breaksAt = opened.host.allowed;
    await untilComplete(opened.page);
    expect(await opened.errors()).toEqual([expect.stringMatching(/ broke off after \d+ bytes\.$/)]);
    const before = await opened.bytes();
    opened.host.allowed = opened.host.breaksAt = Number.POSITIVE_INFINITY;
    await ofElement(opened.page, (element) => element.setAttribute('width', '230'));
    await soon(opened.level).toBe(wanted);
    // The picture is complete now.
    await soon(async () => (await opened.told()).at(-1)?.[1]).toBe('load');
    await ofElement(opened.page, (element) => element.decode());
    expect(opened.host.asked[1]?.range).toBe(`bytes=${before}-${endOf(wanted) - 1}`);
  });
});

/** The file with the byte at a position changed. */
function damagedAt(at: number): Buffer {
  const file = Buffer.from(FILE);
  file[at] = (file[at] ?? 0) ^ 0x55;
  return file;
}

test('ends the request once the header is known to be damaged', async () => {
  const opened = await open('width="240"', {
    prepare: (host) => {
      host.file = damagedAt(40);
      host.allowed = headerBytes + 100;
    },
  });
  await soon(() => opened.host.asked.map(({ isGivenUp }) => isGivenUp)).toEqual([true]);
  expect(await opened.errors()).toEqual([expect.stringMatching(/header of this \.anir file is damaged/)]);
});

describe('while a file arrives', () => {
  const openHalf = async () => {
    const opened = await open('width="240"', {
      prepare: (host) => {
        host.allowed = endOf(3) + 50;
      },
    });
    await soon(opened.level).toBe(3);
    return opened;
  };
  const givenUp = ({ host }: Awaited<ReturnType<typeof openHalf>>) => host.asked.map((one) => one.isGivenUp);

  test('another src ends the request', async () => {
    const opened = await openHalf();
    await ofElement(opened.page, (element) => {
      element.src = 'a.onnx';
    });
    await soon(() => givenUp(opened)).toEqual([true]);
    await untilComplete(opened.page);
    opened.host.allowed = Number.POSITIVE_INFINITY;
    expect(await ofElement(opened.page, ({ naturalWidth }) => naturalWidth)).toBe(150);
    expect((await opened.told()).map(([, type]) => type).filter((type) => type !== 'refine')).toEqual([
      'load',
    ]);
  });

  test('removing src ends the request and empties the element', async () => {
    const opened = await openHalf();
    await ofElement(opened.page, (element) => element.removeAttribute('src'));
    await soon(() => givenUp(opened)).toEqual([true]);
    expect(await bitmapOf(opened.page)).toEqual([0, 0]);
    expect(await opened.bytes()).toBe(0);
    expect(await opened.errors()).toEqual([]);
  });

  test('removing the element ends the request, and inserting it again resumes', async () => {
    const opened = await openHalf();
    await opened.page.evaluate(() => {
      const element = document.querySelector('neural-img') as HTMLElement;
      Object.assign(window, { element });
      element.remove();
    });
    await soon(() => givenUp(opened)).toEqual([true]);
    opened.host.allowed = Number.POSITIVE_INFINITY;
    await opened.page.evaluate(() =>
      document.body.append((window as unknown as { element: HTMLElement }).element),
    );
    await soon(opened.level).toBe(wanted);
    expect(opened.host.asked[1]?.range).toMatch(/^bytes=[1-9]/);
    expect((await opened.refined()).slice(0, 2)).not.toEqual([3, 3]);
  });

  test('moving the element neither ends nor repeats the request', async () => {
    const opened = await openHalf();
    await ofElement(opened.page, (element) =>
      document.body.append(document.body.appendChild(document.createElement('p')), element),
    );
    opened.host.allowed = Number.POSITIVE_INFINITY;
    await untilComplete(opened.page);
    expect(await opened.level()).toBe(wanted);
    expect(opened.host.asked.length).toBe(1);
  });

  test('another size does not end the request', async () => {
    const opened = await openHalf();
    await ofElement(opened.page, (element) => element.setAttribute('width', '241'));
    await soon(() => bitmapOf(opened.page)).toEqual([241, 161]);
    opened.host.allowed = Number.POSITIVE_INFINITY;
    // The larger size may require one more level.
    await soon(async () => Number(await opened.level()) - wanted).toBeOneOf([0, 1]);
    expect(opened.host.asked.length).toBe(1);
  });
});

describe('before anything has arrived', () => {
  const leave: [string, (page: Page) => Promise<unknown>, (page: Page) => Promise<unknown>][] = [
    [
      'removing the element',
      (page) =>
        page.evaluate(() => {
          const kept = document.querySelector('neural-img');
          kept?.remove();
          Object.assign(window, { kept });
        }),
      (page) => page.evaluate(() => document.body.prepend((window as unknown as { kept: Element }).kept)),
    ],
    [
      'scrolling away',
      (page) => page.evaluate(() => scrollTo(0, document.body.scrollHeight)),
      (page) => page.evaluate(() => scrollTo(0, 0)),
    ],
  ];
  test.each(leave)('%s ends the request, and coming back asks again', async (_, away, back) => {
    const opened = await open('', {
      body: (url) =>
        `<neural-img src="${url}" width="240" alt="A"></neural-img><p style="height: 9000px"></p>`,
      prepare: (host) => {
        host.allowed = 0;
      },
    });
    await soon(() => opened.host.asked.length).toBe(1);
    await away(opened.page);
    await soon(() => opened.host.asked.map(({ isGivenUp }) => isGivenUp)).toEqual([true]);
    opened.host.allowed = Number.POSITIVE_INFINITY;
    await back(opened.page);
    await soon(opened.level).toBe(wanted);
    expect(opened.host.asked.length).toBe(2);
    expect(await opened.errors()).toEqual([]);
  });
});

test.each([
  ['cannot be parsed', 'http://[', /URL/],
  ['leads nowhere', 'http://localhost:1/a.anir', /^http:\/\/localhost:1\/a\.anir could not be fetched\.$/],
])('an address that %s is an error', async (_, address, message) => {
  const opened = await open('', {
    body: () => `<neural-img src="${address}" width="240" alt="A"></neural-img>`,
  });
  await untilComplete(opened.page);
  expect(await opened.errors()).toEqual([expect.stringMatching(message)]);
  expect(await messageOf(opened.page)).toBe(true);
  expect(await ofElement(opened.page, (element) => element.decode().catch(String))).toMatch(/^EncodingError/);
});

test.each([
  ['width="150"', 150],
  ['', 20],
  ['style="width: 200px; height: 100px"', 200],
  ['width="60" height="40"', 60],
])('an error is visible in an element with %s', async (attributes, least) => {
  const opened = await open('', {
    body: () => `<neural-img src="http://[" ${attributes} alt="A"></neural-img>`,
  });
  await untilComplete(opened.page);
  const box = await opened.page.locator('neural-img p').boundingBox();
  expect(box?.width).toBeGreaterThanOrEqual(least);
  expect(box?.height).toBeGreaterThanOrEqual(20);
});

test('several elements show the same file, each at the level that its size requires', async () => {
  const opened = await open('', {
    body: (url) =>
      [120, 240, 480, 120]
        .map((width, at) => `<neural-img id="i${at}" src="${url}" width="${width}" alt="A"></neural-img>`)
        .join(''),
  });
  await untilComplete(opened.page);
  const last = new Map((await opened.told()).map(([id, type, detail]) => [`${id} ${type}`, detail]));
  const levels = [2, 1, 0, 2].map((halvings) => levelOf(34, halvings as 0 | 1 | 2));
  expect([0, 1, 2, 3].map((at) => last.get(`i${at} refine`))).toMatchObject(
    levels.map((level) => ({ level })),
  );
});

test('of a hundred elements only those near the viewport load, and they release their memory', async () => {
  const opened = await open('', {
    viewport: { width: 400, height: 800 },
    body: (url) =>
      Array.from(
        { length: 100 },
        (_, at) =>
          `<p><neural-img id="i${at}" src="${url}" width="300" height="200" alt="A"></neural-img></p>`,
      ).join(''),
  });
  const held = () =>
    opened.page
      .locator('neural-img')
      .evaluateAll((all) =>
        all.filter((element) => element.shadowRoot?.querySelector('canvas')?.width).map(({ id }) => id),
      );
  const near = ['i0', 'i1', 'i2', 'i3', 'i4', 'i5', 'i6'];
  const loaded = async () => (await opened.told()).filter(([, type]) => type === 'load').map(([id]) => id);
  await soon(async () => (await loaded()).sort()).toEqual(near);
  expect(await held()).toEqual(near);
  expect(opened.host.asked.length).toBe(7);
  await opened.page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await soon(async () => (await held())[0]).toMatch(/i9\d/);
  await soon(async () => (await loaded()).length - opened.host.asked.length).toBe(0);
  expect((await loaded()).at(-1)).toMatch(/i9\d/);
  const { length } = opened.host.asked;
  const tellings = (await opened.refined()).length;
  await opened.page.evaluate(() => scrollTo(0, 0));
  await soon(held).toEqual(near);
  // Nothing is fetched or reported again.
  await opened.page.waitForTimeout(300);
  expect([opened.host.asked.length, (await opened.refined()).length]).toEqual([length, tellings]);
});
