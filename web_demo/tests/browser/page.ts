/** Opens the built page in a browser, and does there what a visitor does. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll } from 'vitest';
import { serve } from '../../scripts/serve.mjs';
import type { Size } from '../../src/view.ts';
import { findChromium } from './preflight.mjs';

export const DIST = join(dirname(fileURLToPath(import.meta.url)), '../../dist');

// Keeps Chromium from sending requests of its own, so that all recorded ones are the page's.
const QUIET = ['background-networking', 'component-update', 'sync', 'quic', 'gpu'].map(
  (what) => `--disable-${what}`,
);

let browser: Promise<Browser> | undefined;
const closeAll: (() => void)[] = [];

afterAll(async () => {
  await (await browser)?.close();
  for (const close of closeAll) close();
});

/** Starts a plain static host, which serves the page below a path. */
export async function startServer(isolated = false, dist = DIST) {
  const server = await serve(dist, { base: '/some/sub/path/', isolated });
  closeAll.push(server.close);
  return server;
}

export function startBrowser(): Promise<Browser> {
  browser ??= chromium.launch({
    executablePath: findChromium() ?? '',
    args: ['--no-sandbox', '--no-first-run', ...QUIET],
  });
  return browser;
}

export interface Visit {
  page: Page;
  url: string;
  requests: string[];
  /** All errors of the page and its console. */
  trouble: string[];
}

export interface VisitOptions extends BrowserContextOptions {
  url?: string;
  hash?: string;
  isolated?: boolean;
  /** What `navigator.connection` reports. */
  connection?: { downlink: number; saveData?: boolean } | 'unknown';
}

/** Opens the page, and waits until its first sample is drawn. */
export async function visit(options: VisitOptions = {}): Promise<Visit> {
  const { hash = '', isolated = false, connection, ...context } = options;
  const url = options.url ?? (await startServer(isolated)).url;
  const page = await (await (await startBrowser()).newContext(context)).newPage();
  const requests: string[] = [];
  const trouble: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('pageerror', (error) => trouble.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') trouble.push(`${message.text()} ${message.location().url}`.trim());
  });
  if (connection) {
    await page.addInitScript((value) => {
      const get = () => (value === 'unknown' ? undefined : value);
      Object.defineProperty(Navigator.prototype, 'connection', { get });
    }, connection);
  }
  await page.goto(url + hash);
  await untilDrawn(page);
  return { page, url, requests, trouble };
}

/** Waits until nothing is being drawn: `aria-busy` is true from the start, and as soon as something is requested. */
export async function untilDrawn(page: Page): Promise<void> {
  await page.waitForSelector('#stage[aria-busy="false"]');
}

export async function openFile(page: Page, name: string, bytes: Uint8Array): Promise<void> {
  const buffer = Buffer.from(bytes);
  await page.setInputFiles('#file', { name, mimeType: 'application/octet-stream', buffer });
  await untilDrawn(page);
}

export async function chooseSubnet(page: Page, name: string): Promise<void> {
  await page.locator(`#grid input[value="${name}"]`).evaluate((radio) => (radio as HTMLInputElement).click());
  await untilDrawn(page);
}

export async function chooseRival(page: Page, name: string): Promise<void> {
  await page.check(`#rivals input[value="${name}"]`, { force: true });
  await untilCompared(page);
}

/** Waits until the rival, with which the neural picture is compared, is loaded. */
export async function untilCompared(page: Page): Promise<void> {
  await page.waitForSelector('#right[aria-busy="false"]', { state: 'attached' });
}

/** Gives the stage a fixed position and size, so that its pixels do not depend on the layout around it. */
export async function resizeStage(page: Page, { width, height }: Size): Promise<void> {
  await page.evaluate(
    async ([w, h]) => {
      const stage = document.querySelector('#stage') as HTMLElement;
      // The page notices the new size in the next frame, and may have drawn it soon after.
      const isBusy = new Promise((resolve) => {
        const observer = new MutationObserver(
          () => stage.ariaBusy === 'true' && resolve(observer.disconnect()),
        );
        observer.observe(stage, { attributeFilter: ['aria-busy'] });
      });
      Object.assign(stage.style, { position: 'fixed', left: '0', top: '0', zIndex: '1', margin: '0' });
      Object.assign(stage.style, { width: `${w}px`, height: `${h}px` });
      await isBusy;
    },
    [width, height],
  );
  await untilDrawn(page);
}

export const selectedSubnet = (page: Page) => page.locator('#grid input:checked').inputValue();
export const alertOf = (page: Page) => page.textContent('#alert');
export const hashOf = (page: Page) => new URLSearchParams(new URL(page.url()).hash.slice(1));

/** The CSS transforms by which the page places the pictures of both sides. */
export const placesOf = (page: Page) =>
  page
    .locator('.world')
    .evaluateAll((worlds) => worlds.map((world) => (world as HTMLElement).style.transform));

export interface Pixels extends Size {
  pixels: Uint8Array;
}

/** The pixels of a canvas or an image, uint8[height, width, 3]. */
export async function pixelsOf(page: Page, source: string | { png: Buffer }): Promise<Pixels> {
  const { width, height, rgba } =
    typeof source === 'string'
      ? await page.locator(source).evaluate(readPixels)
      : await readPng(page, source.png);
  const pixels = Buffer.from(rgba, 'base64').filter((_, index) => index % 4 !== 3);
  return { width, height, pixels };
}

async function readPng(page: Page, png: Buffer) {
  const handle = await page.evaluateHandle(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const image = new Image();
    image.src = URL.createObjectURL(new Blob([bytes], { type: 'image/png' }));
    await image.decode();
    return image;
  }, png.toString('base64'));
  return handle.evaluate(readPixels);
}

/** Runs in the page. */
function readPixels(element: Element) {
  const from = element as HTMLCanvasElement | HTMLImageElement;
  const canvas = document.createElement('canvas');
  canvas.width = from instanceof HTMLImageElement ? from.naturalWidth : from.width;
  canvas.height = from instanceof HTMLImageElement ? from.naturalHeight : from.height;
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  context.drawImage(from, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  let binary = '';
  for (let at = 0; at < data.length; at += 8192)
    binary += String.fromCharCode(...data.subarray(at, at + 8192));
  return { width: canvas.width, height: canvas.height, rgba: btoa(binary) };
}

export const samePixels = (a: Pixels, b: Pixels) => Buffer.compare(a.pixels, b.pixels) === 0;

/** How two pictures differ: the largest difference of two values, the share of values that differ, and the PSNR in dB. */
export function difference(a: Uint8Array, b: Uint8Array): { largest: number; share: number; psnr: number } {
  if (a.length !== b.length) throw new Error(`The pictures have ${a.length} and ${b.length} values.`);
  let largest = 0;
  let differing = 0;
  let squares = 0;
  for (let index = 0; index < a.length; index++) {
    const step = Math.abs((a[index] ?? 0) - (b[index] ?? 0));
    largest = Math.max(largest, step);
    differing += Number(step > 0);
    squares += step * step;
  }
  return { largest, share: differing / a.length, psnr: 10 * Math.log10((255 * 255 * a.length) / squares) };
}

/** Whether pictures differ only by rounding: by at most 1, in at most one value of a thousand. */
export function isSamePicture(a: Uint8Array, b: Uint8Array): boolean {
  const { largest, share } = difference(a, b);
  return largest <= 1 && share <= 0.001;
}
