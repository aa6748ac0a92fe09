/**
 * `node bench/mean_colours.mjs < paths.json`: what headless Chromium shows of pictures, for bench/chromium.py. Prints, in
 * the order of the paths, each one's size and its mean of red, green and blue on black and of alpha, in levels; null where
 * Chromium shows none.
 */
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { chromium } from 'playwright-core';
import { findChromium } from '../tests/browser/preflight.mjs';

const TYPES = { '.svg': 'image/svg+xml', '.jpg': 'image/jpeg' };

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

/** In the page. */
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
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const sums = [0, 0, 0, 0];
  for (let i = 0; i < data.length; i += 4) {
    const alpha = data[i + 3];
    for (let c = 0; c < 3; c++) sums[c] += (data[i + c] * alpha) / 255;
    sums[3] += alpha;
  }
  return { size: [width, height], mean: sums.map((sum) => sum / (width * height)) };
}
