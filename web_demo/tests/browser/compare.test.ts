import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { CODEC_NAMES, CODECS, type Encoded } from '../../src/codecs.ts';
import { verdict } from '../../src/verdict.ts';
import { bytesOf, good, views } from './fixtures.ts';
import {
  chooseRival,
  DIST,
  difference,
  hashOf,
  openFile,
  type Pixels,
  pixelsOf,
  placesOf,
  resizeStage,
  samePixels,
  untilCompared,
  untilDrawn,
  visit,
} from './page.ts';

// A wide picture, whose networks range from very small to large.
const sample = views.find(({ picture }) => picture === 'coffee');
const hash = `#picture=${sample?.picture}&subnet=${sample?.subnet}&against=jpeg`;
let page: Page;

beforeAll(async () => {
  ({ page } = await visit({ hash }));
  await untilCompared(page);
});

beforeEach(async ({ skip }) => {
  if (!sample) skip('no samples were exported');
});

const splitOf = () => page.getAttribute('#split', 'aria-valuenow').then(Number);

async function stagePoint(x: number, y = 0.3) {
  const box = await page.locator('#stage').boundingBox();
  if (!box) throw new Error('The stage is not on the page.');
  return [box.x + x * box.width, box.y + y * box.height] as const;
}

async function drag(from: readonly [number, number], to: readonly [number, number]): Promise<void> {
  await page.mouse.move(...from);
  await page.mouse.down();
  await page.mouse.move(...to, { steps: 5 });
  await page.mouse.up();
}

/** A screenshot of the stage without its round corners and without what lies on top of the pictures. */
async function shoot() {
  const set = (opacity: string, radius: string) =>
    page.evaluate(
      (values) => {
        // Transparent, as hiding would take the focus away from the split.
        for (const one of document.querySelectorAll<HTMLElement>('.split, .chip, .zooms, .progress'))
          one.style.opacity = values.opacity;
        document.querySelector<HTMLElement>('#stage')?.style.setProperty('border-radius', values.radius);
      },
      { opacity, radius },
    );
  await set('0', '0');
  const png = await page.locator('#stage').screenshot();
  await set('', '');
  return pixelsOf(page, { png });
}

const largest = ({ pixels }: { pixels: Uint8Array }) => pixels.reduce((a, b) => Math.max(a, b), 0);

test('the split can be dragged, and the right side begins there', async () => {
  await drag(await stagePoint(0.5, 0.5), await stagePoint(0.25, 0.5));
  expect(await splitOf()).toBe(25);
  const both = await shoot();
  await page.focus('#split');
  await page.keyboard.press('Home');
  const right = await shoot();
  await page.keyboard.press('End');
  const left = await shoot();
  const at = Math.round(both.width / 4);
  expect(sameColumns(both, left, 0, at - 2)).toBe(true);
  expect(sameColumns(both, right, at + 2, both.width)).toBe(true);
  expect(sameColumns(left, right, at + 2, both.width)).toBe(false);
});

/** Whether the middle row of both pictures is the same in the columns from `from` to `to`. */
function sameColumns(a: Pixels, b: Pixels, from: number, to: number): boolean {
  const start = Math.floor(a.height / 2) * a.width;
  const cut = ({ pixels }: Pixels) => Buffer.from(pixels.subarray(3 * (start + from), 3 * (start + to)));
  return cut(a).equals(cut(b));
}

test('the keyboard moves the split in steps and to both ends', async () => {
  await page.focus('#split');
  await page.keyboard.press('End');
  expect(await splitOf()).toBe(100);
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('PageDown');
  expect(await splitOf()).toBe(90);
  await page.keyboard.press('Home');
  expect(await splitOf()).toBe(0);
  expect(await page.getAttribute('#split', 'aria-valuetext')).toBe('0 % neural');
});

test.each(CODECS)('shows the %s file that the build encoded, with its bytes and quality', async (codec) => {
  await chooseRival(page, codec);
  const folder = join(DIST, 'samples', sample?.picture ?? '');
  const twins = JSON.parse(readFileSync(join(folder, 'codecs/codecs.json'), 'utf8'))[sample?.subnet ?? ''];
  const encoded: Encoded = twins[codec];
  expect(readFileSync(join(folder, 'codecs', encoded.file))).toHaveLength(encoded.bytes);
  const source = await pixelsOf(page, { png: readFileSync(join(folder, `${sample?.picture}.png`)) });
  const shown = await pixelsOf(page, '#other');
  expect(difference(shown.pixels, source.pixels).psnr).toBeCloseTo(encoded.psnr, 0);
  expect(await page.textContent('#right-name')).toContain(`${encoded.psnr.toFixed(1)} dB`);
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
  const subnet = manifest.subnets.find(({ name }: { name: string }) => name === sample?.subnet);
  expect(await page.textContent('#verdict')).toBe(verdict(subnet, CODEC_NAMES[codec], encoded));
});

test('both sides can show their difference from the original', async () => {
  await resizeStage(page, { width: 300, height: 200 });
  await chooseRival(page, 'jpeg');
  await page.focus('#split');
  await page.keyboard.press('Home');
  await page.click('#difference');
  await untilCompared(page);
  const jpeg = await shoot();
  expect(largest(jpeg)).toBeGreaterThan(100);
  await chooseRival(page, 'original');
  expect(largest(await shoot())).toBe(0);
  await page.focus('#split');
  await page.keyboard.press('End');
  const neural = await shoot();
  expect(largest(neural)).toBeGreaterThan(40);
  await page.click('#difference');
  expect(samePixels(await shoot(), neural)).toBe(false);
});

test('the difference is computed at the picture’s own pixels, whatever the size of the stage', async () => {
  await page.click('#difference');
  await chooseRival(page, 'jpeg');
  await untilDrawn(page);
  const maps: Pixels[] = [];
  for (const width of [280, 210]) {
    await resizeStage(page, { width, height: 200 });
    maps.push(await pixelsOf(page, '#left-map'), await pixelsOf(page, '#right-map'));
  }
  const { width, height } = await pixelsOf(page, '#other');
  for (const map of maps) expect([map.width, map.height]).toEqual([width, height]);
  expect(maps.slice(0, 2).map((map, k) => samePixels(map, maps[k + 2] as Pixels))).toEqual([true, true]);
  const [neural, original, jpeg] = [
    await pixelsOf(page, '#finest'),
    await sourceOf(page),
    await pixelsOf(page, '#other'),
  ];
  for (const [k, side] of [neural, jpeg].entries()) {
    const expected = side.pixels.map((value, at) => Math.abs(value - (original.pixels[at] ?? 0)));
    expect(Buffer.compare(Buffer.from(maps[k]?.pixels ?? []), Buffer.from(expected))).toBe(0);
  }
  await page.click('#difference');
});

/** The pixels of the original. */
async function sourceOf(tab: Page): Promise<Pixels> {
  const file = join(DIST, 'samples', sample?.picture ?? '', `${sample?.picture}.png`);
  return pixelsOf(tab, { png: readFileSync(file) });
}

test('the codec’s pixels can be shown without smoothing', async () => {
  const rendering = () => page.locator('#other').evaluate((image) => getComputedStyle(image).imageRendering);
  expect(await rendering()).toBe('auto');
  await page.click('#crisp');
  expect([await rendering(), await page.getAttribute('#crisp', 'aria-pressed')]).toEqual([
    'pixelated',
    'true',
  ]);
  await page.click('#crisp');
  expect(await rendering()).toBe('auto');
});

test('without a rival, the picture is ranked among all codecs', async () => {
  await chooseRival(page, 'nothing');
  expect(await page.isVisible('#split')).toBe(false);
  expect(await page.textContent('#verdict')).toMatch(/AVIF/);
  expect(await page.isDisabled('#crisp')).toBe(true);
  await chooseRival(page, 'jpeg');
});

test('zooming and panning by keys, wheel, buttons and mouse moves both sides alike', async () => {
  const seen = new Set<string>();
  const expectMoved = async () => {
    const [left, right] = await placesOf(page);
    expect(left).toBe(right);
    expect(seen.has(left ?? '')).toBe(false);
    seen.add(left ?? '');
  };
  await page.focus('#stage');
  await page.keyboard.press('+');
  await expectMoved();
  await page.keyboard.press('ArrowRight');
  await expectMoved();
  await page.click('#zoom-in');
  await expectMoved();
  await drag(await stagePoint(0.4), await stagePoint(0.2));
  await expectMoved();
  const [x, y] = await stagePoint(0.7);
  await page.mouse.dblclick(x, y);
  await expectMoved();
  await page.keyboard.down('Control');
  await page.mouse.wheel(0, -100);
  await page.keyboard.up('Control');
  await page.waitForTimeout(100);
  await expectMoved();
  await untilDrawn(page);
  await page.waitForFunction(() => location.hash.includes('zoom='));
  expect(Number(hashOf(page).get('zoom'))).toBeGreaterThan(4);
  await page.click('#fit');
  await untilDrawn(page);
});

test('a wheel without Ctrl scrolls the page', async () => {
  const before = await placesOf(page);
  await page.mouse.move(...(await stagePoint(0.5)));
  await page.mouse.wheel(0, 200);
  await page.waitForFunction(() => scrollY > 0);
  expect(await placesOf(page)).toEqual(before);
  await page.evaluate(() => scrollTo(0, 0));
});

test('a file without an original is shown without comparison', async () => {
  await openFile(page, 'mine.onnx', bytesOf(good));
  expect(await page.isVisible('#split')).toBe(false);
  expect(await page.isVisible('#other')).toBe(false);
  expect(await page.locator('#rivals input:enabled').count()).toBe(1);
  expect(await page.isDisabled('#difference')).toBe(true);
  expect(await page.isVisible('#adapt')).toBe(false);
});

test('a file that cannot be fetched leaves no other one under its name', async () => {
  const { page } = await visit({ hash, serviceWorkers: 'block' });
  await untilCompared(page);
  await page.route('**/*.avif', (route) => route.abort());
  await page.locator('#rivals input[value="avif"]').check({ force: true });
  await expect.poll(() => page.textContent('#alert')).toMatch(/\.avif could not be fetched\.$/);
  expect(await page.isChecked('#rivals input[value="nothing"]')).toBe(true);
  expect(await page.getAttribute('#other', 'src')).toBeNull();
  expect(await page.textContent('#right-chip')).toBe('');
});

test('an original that cannot be fetched ends the difference view alone', async () => {
  const { page } = await visit({ hash, serviceWorkers: 'block' });
  await untilCompared(page);
  await page.route('**/*.png', (route) => route.abort());
  await page.click('#difference');
  await expect.poll(() => page.textContent('#alert')).toMatch(/\.png could not be fetched\.$/);
  expect(await page.getAttribute('#difference', 'aria-pressed')).toBe('false');
  expect(await page.isChecked('#rivals input[value="jpeg"]')).toBe(true);
  await untilCompared(page);
  expect(await page.textContent('#right-chip')).toBe('JPEG');
});
