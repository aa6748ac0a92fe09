/**
 * `node bench/mean_colours.mjs < paths.json`: how headless Chromium decodes pictures, for bench/chromium.py. Prints, for each path
 * in order, the picture's size and its means of red, green and blue (on black) and of alpha, from 0 to 255; null if Chromium cannot
 * decode it.
 */
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { chromium } from 'playwright-core';
import { findChromium } from '../tests/browser/preflight.mjs';

/** @type {Record<string, string>} */
const TYPES = { '.jpg': 'image/jpeg' };

const paths = JSON.parse(readFileSync(0, 'utf8'));
const browser = await chromium.launch({
  executablePath: findChromium() ?? '',
  args: ['--no-sandbox', '--disable-gpu', '--force-color-profile=srgb'],
});
try {
  const page = await browser.newPage();
  const shown = [];
  for (const path of paths) {
    const ending = extname(path).toLowerCase();
    const type = TYPES[ending] ?? `image/${ending.slice(1)}`;
    shown.push(await page.evaluate(meanOf, `data:${type};base64,${readFileSync(path, 'base64')}`));
  }
  process.stdout.write(JSON.stringify(shown));
} finally {
  await browser.close();
}

/**
 * Decodes a picture; runs in the page.
 *
 * @param {string} url
 */
async function meanOf(url) {
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
  } catch {
    return null;
  }
  const { naturalWidth: width, naturalHeight: height } = image;
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (!context) return null;
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  let [red, green, blue, opaque] = [0, 0, 0, 0];
  for (let i = 0; i < data.length; i += 4) {
    const [r = 0, g = 0, b = 0, alpha = 0] = data.subarray(i, i + 4);
    red += (r * alpha) / 255;
    green += (g * alpha) / 255;
    blue += (b * alpha) / 255;
    opaque += alpha;
  }
  const mean = [red, green, blue, opaque].map((sum) => sum / (width * height));
  return { size: [width, height], mean };
}
