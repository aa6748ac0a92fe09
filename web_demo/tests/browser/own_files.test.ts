import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { externalGraph, METADATA, modelBytes } from '../onnx_bytes.ts';
import { type AnirCase, anirCases } from '../vectors.ts';
import { bytesOf, folder, good, pathOf, read } from './fixtures.ts';
import {
  alertOf,
  chooseSubnet,
  isSamePicture,
  openFile,
  pixelsOf,
  resizeStage,
  samePixels,
  startBrowser,
  startServer,
  untilDrawn,
  type Visit,
  visit,
} from './page.ts';
import { endOf, FILE, levelOf } from './stream_page.ts';

const scratch = join(tmpdir(), `anir-own-files-${process.pid}`);
let seen: Visit;
let page: Page;

beforeAll(async () => {
  seen = await visit();
  page = seen.page;
  await resizeStage(page, good);
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A file of the fuzzer's corpus. */
const hostile = (name: string) =>
  readFileSync(new URL(`../../../tests/fuzz/corpus/anir/${name}.anir`, import.meta.url));

/** Drops files, or a text, on the headline, by the events of a real drop. */
async function drop(paths: string[], text?: string): Promise<void> {
  const client = await page.context().newCDPSession(page);
  const items = text === undefined ? [] : [{ mimeType: 'text/plain', data: text }];
  const data = { items, files: paths, dragOperationsMask: 1 };
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await client.send('Input.dispatchDragEvent', { type, x: 200, y: 80, data });
  await page.waitForSelector('#drop', { state: 'hidden' });
}

/** An `.anir` file whose header does not match its checksum. */
function damagedStream(): Buffer {
  const bytes = Buffer.from((anirCases()[0] as AnirCase).file);
  bytes[9] = (bytes[9] ?? 0) ^ 1;
  return bytes;
}

const drawn = async () => (await pixelsOf(page, '#finest')).pixels;

test('a dropped file is shown', async () => {
  await drop([pathOf(good)]);
  await page.waitForSelector('.world canvas#finest');
  await untilDrawn(page);
  expect(isSamePicture(await drawn(), read(good.pixels))).toBe(true);
  expect(await page.isDisabled('#copy')).toBe(true);
});

test('a dropped folder is shown with all its networks and its original', async () => {
  await drop([folder]);
  await page.waitForFunction(() => document.querySelectorAll('#grid input').length === 16);
  await untilDrawn(page);
  expect(await alertOf(page)).toBe('');
  // The original is read at the same time, and may arrive after the picture.
  await expect.poll(() => page.isEnabled('#rivals input[value="original"]')).toBe(true);
  expect(await page.isDisabled('#rivals input[value="jpeg"]')).toBe(true);
});

test('a text that is dragged over the page and dropped is ignored', async () => {
  await page.evaluate(() => {
    const veil = document.querySelector('#drop') as HTMLElement;
    new MutationObserver(() => veil.setAttribute('data-seen', '')).observe(veil, {
      attributeFilter: ['hidden'],
    });
  });
  await drop([], 'a text');
  expect(await page.getAttribute('#drop', 'data-seen')).toBeNull();
  expect(await alertOf(page)).toBe('');
});

test('an .anir file is shown', async () => {
  const own = anirCases().find(({ family }) => family === 'lapped') as AnirCase;
  const before = await drawn();
  await openFile(page, 'pattern.anir', own.file);
  expect(await alertOf(page)).toBe('');
  expect(Buffer.compare(Buffer.from(await drawn()), Buffer.from(before))).not.toBe(0);
  expect(await page.getAttribute('#neural', 'aria-label')).toContain('pattern.anir');
});

test('the name of an opened file is shown, with a way back to the samples', async () => {
  await openFile(page, 'a <b>name</b>.onnx', bytesOf(good));
  expect(await page.textContent('#own-name')).toBe('a <b>name</b>.onnx');
  await page.click('#back');
  await untilDrawn(page);
  expect(await page.isVisible('#own')).toBe(false);
  expect(await page.locator('#thumbs input:checked').count()).toBe(1);
});

test('a truncated .anir file is shown as far as it goes, with a message', async () => {
  const own = anirCases().find(({ family }) => family === 'lapped') as AnirCase;
  const end = own.levels[2]?.end ?? 0;
  await openFile(page, 'cut.anir', own.file.subarray(0, end - 1));
  await expect.poll(() => alertOf(page)).toMatch(/^This file ends early, after [\d.]+ k?B; that is as far/);
  await page.focus('#cut');
  await page.keyboard.press('End');
  await untilDrawn(page);
  expect(await alertOf(page)).toMatch(/^This file ends early/);
  expect(await page.textContent('#cut-note')).toBe('picture 2 of 4');
});

test('a truncated .anir file is drawn once, though less of it is shown than was chosen automatically', async () => {
  await page.waitForSelector('#time-budget:enabled', { state: 'attached' });
  await page.locator('#auto').evaluate((button) => (button as HTMLElement).click());
  await openFile(page, 'cut.anir', FILE.subarray(0, endOf(4)));
  await expect.poll(() => alertOf(page)).toMatch(/^This file ends early/);
  await untilDrawn(page);
  const changes = await page.evaluate(async () => {
    let changes = 0;
    const observer = new MutationObserver(() => changes++);
    observer.observe(document.querySelector('#stage') as Element, { attributeFilter: ['aria-busy'] });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    return changes;
  });
  expect(changes).toBe(0);
  expect(await alertOf(page)).toMatch(/^This file ends early/);
});

test('a message is closed by a click on it, by its button, or by Escape', async () => {
  const press = () => page.getByRole('button', { name: 'Close the message' }).press('Enter');
  for (const close of [() => page.click('#alert'), press, () => page.keyboard.press('Escape')]) {
    await openFile(page, 'broken.onnx', Buffer.from('no picture'));
    await page.waitForSelector('#alert:not(:empty)');
    await close();
    expect(await alertOf(page)).toBe('');
    if (close === press) expect(await page.evaluate(() => document.activeElement?.id)).toBe('stage');
  }
});

test('the screens for which a truncated file is too short are left out', async () => {
  await openFile(page, 'cut.anir', FILE.subarray(0, endOf(levelOf(31, 0))));
  await page.locator('#screens').scrollIntoViewIfNeeded();
  await page.waitForSelector('#screen-row[data-drawn="true"]');
  expect(await page.locator('#screen-row h3').allTextContents()).toEqual([
    expect.stringContaining('Watch'),
    expect.stringContaining('Phone'),
  ]);
  expect(await alertOf(page)).toMatch(/^This file ends early/);
});

test('an .anir file that ends within its first level is shown as a preview', async () => {
  await openFile(page, 'cut.anir', hostile('cut-before-a-level-lapped'));
  await expect.poll(() => alertOf(page)).toMatch(/^This file ends early/);
  expect(await page.textContent('#cut-note')).toBe('preview');
  expect(new Set((await pixelsOf(page, '#finest')).pixels).size).toBeGreaterThan(50);
});

test('for a photograph the page shows the command that encodes it, which can be copied', async () => {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  const before = await page.getAttribute('#neural', 'aria-label');
  await page.setInputFiles('#file', { name: 'my cat.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('x') });
  await page.waitForSelector('#photo-dialog[open]');
  expect(await page.textContent('#photo-title')).toContain('my cat.jpg');
  await page.click('#photo-copy');
  await page.waitForFunction(() => document.querySelector('#photo-copy')?.textContent === 'Copied');
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(
    "anir-train 'my cat.jpg' -o 'my cat.anir'",
  );
  await page.click('#photo-close');
  expect(await page.getAttribute('#neural', 'aria-label')).toBe(before);
});

test('an opened folder is shown, and each of its networks can be chosen', async () => {
  await page.setInputFiles('#folder', folder);
  await untilDrawn(page);
  const pictures: Buffer[] = [];
  for (const name of ['d2w16', 'd5w48']) {
    await chooseSubnet(page, name);
    pictures.push(Buffer.from(await drawn()));
  }
  expect(pictures[0]?.equals(pictures[1] ?? Buffer.alloc(0))).toBe(false);
  expect(await alertOf(page)).toBe('');
});

describe('an error is reported in one line, and the picture stays, for', () => {
  const start = Buffer.from(bytesOf(good).subarray(0, 900));
  beforeEach(() => openFile(page, 'good.onnx', bytesOf(good)));

  test.each([
    ['a truncated file', start, 'damaged'],
    ['a text', Buffer.from('not a picture at all'), 'not an ONNX file'],
    ['an empty file', Buffer.alloc(0), 'empty'],
    ['a model with external data', modelBytes(METADATA, externalGraph()), 'another file'],
    ['a model of an unknown family', modelBytes({ ...METADATA, family: 'other' }), 'family “other”'],
    ['a model without tensors', modelBytes(METADATA), 'no tensor'],
    ['a text named .anir', Buffer.from('not a picture at all'), 'not an .anir file', 'broken.anir'],
    ['an empty .anir file', Buffer.alloc(0), 'ends within its header', 'broken.anir'],
    ['a damaged .anir file', damagedStream(), 'damaged', 'broken.anir'],
    ['a file of millions of decisions', hostile('bomb-decisions'), 'damaged in its level 1', 'broken.anir'],
    ['a file that declares 268 megapixels', hostile('size-16384x16384'), 'so few bytes', 'broken.anir'],
    [
      'an .anir file without a complete level',
      hostile('cut-before-a-level-siren'),
      'before its first',
      'broken.anir',
    ],
    ['an .anir file with a damaged header', hostile('count-levels-17'), 'damaged', 'broken.anir'],
  ])('%s', async (_name, bytes, message, name = 'broken.onnx') => {
    const before = await pixelsOf(page, '#finest');
    await openFile(page, name, bytes);
    expect(await alertOf(page)).toMatch(/^[^\n]{10,250}$/);
    expect(await alertOf(page)).toContain(message);
    expect(samePixels(await pixelsOf(page, '#finest'), before)).toBe(true);
    await openFile(page, 'good.onnx', bytesOf(good));
    expect(await alertOf(page)).toBe('');
  });

  test.each([
    ['a folder without networks', { 'a.txt': 'x', 'b.txt': 'y' }, 'no neural image'],
    ['a folder with a damaged manifest', { 'manifest.json': '{"format": 1' }, 'it is not JSON'],
    ['a manifest of something else', { 'manifest.json': '{"name": "app"}' }, 'manifest.format is not 1'],
    [
      'networks without a manifest',
      { 'a.onnx': 'x', 'b.onnx': 'y' },
      'open one of them, or an exported folder',
    ],
  ])('%s', async (name, files, message) => {
    const path = join(scratch, name.replaceAll(' ', '_'));
    mkdirSync(path, { recursive: true });
    for (const [file, content] of Object.entries(files)) writeFileSync(join(path, file), content);
    await page.setInputFiles('#folder', path);
    await untilDrawn(page);
    expect(await alertOf(page)).toContain(message);
    expect(isSamePicture(await drawn(), read(good.pixels))).toBe(true);
  });
});

test('a name that is markup is shown as text', async () => {
  const name = '<img src=x onerror="document.title=1">.onnx';
  const title = await page.title();
  await openFile(page, name, bytesOf(good));
  expect(await page.getAttribute('#neural', 'aria-label')).toContain(name);
  await openFile(page, name, Buffer.from('no picture'));
  expect(await alertOf(page)).toContain('not an ONNX file');
  expect(await page.locator('img[src="x"]').count()).toBe(0);
  expect(await page.title()).toBe(title);
});

test('a file dropped while the first sample loads is not overtaken by it', async () => {
  const { url } = await startServer();
  const early = await (await startBrowser()).newPage();
  const held: (() => void)[] = [];
  // The samples are held back until the visitor's file is open.
  await early.route('**/*.anir', async (route) => {
    await new Promise<void>((resolve) => held.push(resolve));
    await route.continue();
  });
  await early.goto(url);
  await openFile(early, 'mine.onnx', bytesOf(good));
  await resizeStage(early, good);
  for (const release of held) release();
  await early.waitForFunction(() => document.querySelectorAll('#thumbs input').length > 0);
  await early.waitForTimeout(500);
  await untilDrawn(early);
  expect(isSamePicture((await pixelsOf(early, '#finest')).pixels, read(good.pixels))).toBe(true);
  expect(await early.getAttribute('#neural', 'aria-label')).toContain('mine.onnx');
});

test('no request of these tests left the host, and there were no errors', () => {
  const elsewhere = seen.requests.filter((url) => !/^(blob|data):/.test(url) && !url.startsWith(seen.url));
  expect(elsewhere).toEqual([]);
  expect(seen.trouble).toEqual([]);
});
