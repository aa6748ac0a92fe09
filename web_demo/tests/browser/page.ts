/** Starts a browser on the built page, and does on it what a visitor does. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { serve } from '../../scripts/serve.mjs';
import { findChromium } from './preflight.mjs';

const DIST = join(dirname(fileURLToPath(import.meta.url)), '../../dist');

// Keeps Chromium from calling home, so that every request seen is the page's.
const QUIET = ['background-networking', 'component-update', 'sync', 'quic', 'gpu'].map(
  (what) => `--disable-${what}`,
);

/** A plain static host, with the page in a folder of it. */
export const startServer = (isolated: boolean) => serve(DIST, { base: '/some/sub/path/', isolated });

export function startBrowser(): Promise<Browser> {
  const executablePath = findChromium() ?? '';
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--no-first-run', ...QUIET] });
}

/** The page once its first sample is drawn; `trouble` collects all that a console shows in red. */
export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}) {
  const page = await browser.newPage(options);
  const requests: string[] = [];
  const trouble: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('pageerror', (error) => trouble.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && trouble.push(message.text()));
  await page.goto(url);
  await untilDrawn(page);
  return { page, requests, trouble };
}

/** Nothing is under way: `aria-busy` is true from the start and as soon as something new is asked for. */
export async function untilDrawn(page: Page): Promise<void> {
  await page.waitForSelector('#stage[aria-busy="false"]');
}

export async function openFile(page: Page, name: string, bytes: Uint8Array): Promise<void> {
  await page.setInputFiles('#file', {
    name,
    mimeType: 'application/octet-stream',
    buffer: Buffer.from(bytes),
  });
  await untilDrawn(page);
}

export async function chooseSubnet(page: Page, name: string): Promise<void> {
  await page.check(`input[value="${name}"]`, { force: true });
  await untilDrawn(page);
}

export const alertOf = (page: Page) => page.textContent('#alert');

interface Pixels {
  width: number;
  height: number;
  pixels: Uint8Array;
}

/** What a canvas or picture shows, as uint8[height, width, 3]. */
export async function pixelsOf(page: Page, source: string | { png: Buffer }): Promise<Pixels> {
  const address =
    typeof source === 'string' ? source : `data:image/png;base64,${source.png.toString('base64')}`;
  const { width, height, rgba } = await page.evaluate(readPixels, address);
  const pixels = Buffer.from(rgba, 'base64').filter((_, index) => index % 4 !== 3);
  return { width, height, pixels };
}

/** Runs in the page: reads the element `#id`, or the picture at an address. */
async function readPixels(source: string) {
  const canvas = document.createElement('canvas');
  let from: HTMLCanvasElement | HTMLImageElement;
  if (source.startsWith('#')) {
    from = document.querySelector<HTMLCanvasElement>(source) as HTMLCanvasElement;
  } else {
    from = new Image();
    from.src = source;
    await from.decode();
  }
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

/** How two pictures differ: the largest step between two values, and the share of values that differ. */
export function difference(a: Uint8Array, b: Uint8Array): { largest: number; share: number; psnr: number } {
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
