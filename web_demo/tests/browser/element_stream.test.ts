/** Tests `<neural-img src="photo.anir">`: it loads as much of the file as its size requires, and more when it is enlarged. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Refinement } from '../../neural-img/src/index.ts';
import { bitmapOf, makeSite, ofElement, type Site, untilComplete } from './element_page.ts';
import type { RangeHost } from './range_host.ts';
import {
  endOf,
  FILE,
  headerBytes,
  levelOf,
  levels,
  openStream,
  type StreamOptions,
  soon,
} from './stream_page.ts';

let site: Site;

beforeAll(() => {
  site = makeSite();
}, 120_000);

afterAll(() => site.remove());

const open = (attributes: string, options?: StreamOptions) => openStream(site, attributes, options);

test('draws what has arrived, and stops loading at the level that its size requires', async () => {
  const enough = levelOf(34, 1);
  const { host, page, told, level, bytes } = await open('width="240"', {
    prepare: (host) => {
      host.allowed = headerBytes;
      host.pause = 5;
    },
  });
  // The header suffices for the layout.
  await soon(() => ofElement(page, ({ naturalWidth, height }) => [naturalWidth, height])).toEqual([480, 160]);
  expect(await told()).toEqual([]);
  // A few more bytes give a preview.
  host.allowed = headerBytes + 300;
  await soon(level).toBe(0);
  expect(await bitmapOf(page)).toEqual([240, 160]);
  const colours = await ofElement(page, (element) => {
    const context = element.shadowRoot?.querySelector('canvas')?.getContext('2d');
    return new Set(new Uint32Array(context?.getImageData(0, 0, 240, 160).data.buffer ?? [])).size;
  });
  expect(colours).toBeGreaterThan(100);
  host.allowed = endOf(1);
  await soon(level).toBe(1);
  expect(await ofElement(page, ({ complete }) => complete)).toBe(false);
  expect(await bitmapOf(page)).toEqual([240, 160]);
  host.allowed = endOf(6) + 10;
  await soon(level).toBe(6);
  host.allowed = Number.POSITIVE_INFINITY;
  await untilComplete(page);
  const all = await told();
  expect(all.at(-1)?.[1]).toBe('load');
  const refinements = all.slice(0, -1).map(([, , detail]) => detail as Refinement);
  const bytesTold = refinements.map(({ bytes }) => bytes);
  expect(bytesTold).toEqual([...new Set(bytesTold)].sort((a, b) => a - b));
  const details = refinements.filter(({ level }) => level > 0);
  expect(refinements[0]).toEqual({ level: 0, bytes: expect.any(Number) });
  expect(details.at(-1)).toEqual({ level: enough, bytes: endOf(enough), psnr: levels[enough - 1]?.psnr[0] });
  details.forEach(({ level, bytes, psnr }, k) => {
    expect([bytes, psnr]).toEqual([endOf(level), levels[level - 1]?.psnr[0]]);
    expect(level).toBeGreaterThan(details[k - 1]?.level ?? 0);
  });
  await soon(() => host.asked.map(({ isGivenUp }) => isGivenUp)).toEqual([true]);
  expect(await bytes()).toBeGreaterThanOrEqual(endOf(enough));
  expect(await bytes()).toBeLessThan(endOf(enough) + 3000);
  expect(host.asked[0]?.sent).toBeLessThan(FILE.length);
});

describe('loads', () => {
  test.each([
    ['width="480"', 1, false, levelOf(34, 0)],
    ['width="120"', 1, false, levelOf(34, 2)],
    ['width="120"', 2, false, levelOf(34, 1)],
    ['width="120" quality="low"', 1, false, levelOf(28, 2)],
    ['width="240" quality="high"', 1, false, levelOf(40, 1)],
    ['width="240"', 1, true, levelOf(28, 1)],
    ['width="60" quality="37"', 1, true, levelOf(37, 0)],
    ['width="240" quality="99"', 1, false, 16],
  ])(
    'with %s at a density of %d, saving data: %s, level %d',
    async (attributes, deviceScaleFactor, saveData, wanted) => {
      const head = `<script>Object.defineProperty(navigator, 'connection', { value: { saveData: ${saveData} } })</script>`;
      const { page, level } = await open(attributes, { deviceScaleFactor, head });
      await untilComplete(page);
      expect(await level()).toBe(wanted);
    },
  );
});

/** Gives the page's element the picture's native width, and waits until it shows a level. */
async function enlarge({ page, level }: Awaited<ReturnType<typeof open>>, wanted: number): Promise<void> {
  await ofElement(page, (element) => element.setAttribute('width', '480'));
  await soon(level).toBe(wanted);
}

describe('loads more when it is enlarged', () => {
  const [small, large] = [levelOf(34, 2), levelOf(34, 0)];
  const start = async (prepare?: (host: RangeHost) => void) => {
    const opened = await open('width="120"', {
      prepare: (host) => {
        host.allowed = endOf(small) + 200;
        prepare?.(host);
      },
    });
    await untilComplete(opened.page);
    expect(await opened.level()).toBe(small);
    opened.host.allowed = Number.POSITIVE_INFINITY;
    return { ...opened, before: await opened.bytes() };
  };

  test('by a Range request', async () => {
    const opened = await start();
    await enlarge(opened, large);
    expect(opened.host.asked[1]).toEqual({
      range: `bytes=${opened.before}-${endOf(large) - 1}`,
      ifRange: undefined,
      sent: endOf(large) - opened.before,
      isGivenUp: false,
    });
    expect(await opened.bytes()).toBe(endOf(large));
    expect((await opened.told()).filter(([, type]) => type === 'load').length).toBe(1);
  });

  test('or a higher quality is set, and never goes back', async () => {
    const opened = await start();
    await ofElement(opened.page, (element) => {
      element.quality = 'high';
    });
    await soon(opened.level).toBe(levelOf(40, 2));
    await ofElement(opened.page, (element) => {
      element.quality = 'low';
      element.width = 60;
    });
    await soon(() => bitmapOf(opened.page)).toEqual([60, 40]);
    expect(await opened.level()).toBe(levelOf(40, 2));
    expect(opened.host.asked.length).toBe(2);
  });

  test('and while it changes its size, which is no error', async () => {
    const opened = await start();
    for (const [width, wait] of [
      [480, 60],
      [130, 200],
      [480, 0],
    ] as const) {
      await ofElement(opened.page, (element) => element.setAttribute('width', '480'));
      await ofElement(opened.page, (element) => element.setAttribute('width', '130'));
      await opened.page.waitForTimeout(wait);
      await opened.page
        .locator('neural-img')
        .evaluate((element, own) => element.setAttribute('width', String(own)), width);
      await opened.page.waitForTimeout(wait);
    }
    await soon(opened.level).toBe(large);
    expect(await opened.errors()).toEqual([]);
  });

  test('as `decode` waits for it', async () => {
    const opened = await start();
    const bitmap = await ofElement(opened.page, async (element) => {
      element.setAttribute('width', '480');
      await element.decode();
      return element.shadowRoot?.querySelector('canvas')?.width;
    });
    expect([bitmap, await opened.level()]).toEqual([480, large]);
  });

  test('skipping what it has if the host ignores Range but the file is the same', async () => {
    const opened = await start();
    opened.host.ranges = 'ignored';
    await enlarge(opened, large);
    expect(opened.host.asked[1]?.range).toMatch(`bytes=${opened.before}-`);
    expect(await opened.bytes()).toBeGreaterThanOrEqual(opened.before + endOf(large));
  });

  test('from the start if the host ignores Range and nothing shows that the file is the same', async () => {
    const opened = await start((host) => {
      host.etag = undefined;
    });
    opened.host.ranges = 'ignored';
    await enlarge(opened, large);
    expect(opened.trouble).toEqual([]);
  });

  test('from the start if the host refuses Range', async () => {
    const opened = await start();
    opened.host.ranges = 'refused';
    await enlarge(opened, large);
    expect(opened.host.asked.map(({ range }) => range !== undefined)).toEqual([false, true, false]);
  });

  test('from the start if the file was replaced', async () => {
    const opened = await start();
    opened.host.file = Buffer.from(FILE);
    opened.host.etag = '"2"';
    await enlarge(opened, large);
    expect(opened.host.asked.map(({ range }) => range !== undefined)).toEqual([false, true, false]);
    expect(await opened.bytes()).toBeGreaterThanOrEqual(opened.before + endOf(large));
  });
});
