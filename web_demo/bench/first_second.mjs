/**
 * `npm run first-second [-- --pictures FOLDER]`: measures first visits to the page over slow links, in each browser that this machine
 * has, with the viewports of a phone and of a desktop. Writes ../bench/results/first_second.json, which docs/results.md quotes; with
 * `--pictures`, instead writes screenshots of the first seconds into a folder, and measures nothing, as taking them takes time.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { serve } from '../scripts/serve.mjs';
import { startBrowsers } from './browsers.mjs';
import { slow } from './slow_link.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const DIST = join(HERE, '../dist');
const RESULT = join(HERE, '../../bench/results/first_second.json');
const LINKS = [
  { megabits: 1.6, latency: 150 },
  { megabits: 10, latency: 40 },
];
const VIEWPORTS = [
  { name: 'phone', width: 390, height: 844, density: 2 },
  { name: 'desktop', width: 1440, height: 900, density: 1 },
];
const RUNS = 3;
/** Milliseconds for which screenshots are taken. */
const PICTURES = 2500;
/** Milliseconds after which a visit counts as failed. */
const LIMIT = 60_000;
/** Evaluates to the marks that src/viewer.ts has set: when the preview, the first level and all that Auto chose were drawn. */
const MARKS = `({ origin: performance.timeOrigin, marks: performance.getEntriesByType('mark').map(
  ({ name, startTime, detail }) => ({ name, at: startTime, bytes: detail })) })`;

const { values: options } = parseArgs({ options: { pictures: { type: 'string' } } });
const browsers = await startBrowsers();
try {
  if (options.pictures) await takePictures(options.pictures);
  else await measureAll();
} finally {
  for (const browser of browsers) await browser.close();
}

async function measureAll() {
  const rows = [];
  for (const browser of browsers)
    for (const viewport of VIEWPORTS)
      for (const link of LINKS) {
        const visits = [];
        for (let run = 0; run < RUNS; run++) visits.push(await measure(browser, viewport, link));
        rows.push({ browser: browser.name, viewport: viewport.name, ...link, ...medians(visits) });
        console.log(JSON.stringify(rows.at(-1)));
      }
  const machine = {
    date: new Date().toISOString().slice(0, 10),
    processor: cpus()[0]?.model.trim(),
    cores: cpus().length,
    load: Number(loadavg()[0]?.toFixed(1)),
    browsers: Object.fromEntries(browsers.map(({ name, version }) => [name, version])),
  };
  writeFileSync(RESULT, `${JSON.stringify({ machine, runs: RUNS, viewports: VIEWPORTS, rows }, null, 1)}\n`);
}

/**
 * Opens the page from a host of its own, so that nothing of it is cached, and calls `use` with it.
 * @template T
 * @param {import('./browsers.mjs').Browser} browser @param {import('./browsers.mjs').Viewport} viewport
 * @param {import('./slow_link.mjs').Link} link
 * @param {(page: import('./browsers.mjs').Page, line: ReturnType<typeof slow>) => Promise<T>} use
 */
async function visit(browser, viewport, link, use) {
  const line = slow(link);
  const { url, close } = await serve(DIST, { through: line.through });
  const page = await browser.page(viewport);
  try {
    await page.open(url);
    return await use(page, line);
  } finally {
    await page.close();
    close();
  }
}

/**
 * @param {import('./browsers.mjs').Browser} browser @param {import('./browsers.mjs').Viewport} viewport
 * @param {import('./slow_link.mjs').Link} link
 */
function measure(browser, viewport, link) {
  return visit(browser, viewport, link, async (page, line) => {
    for (const end = Date.now() + LIMIT; Date.now() < end; await sleep(200)) {
      const { origin, marks } = await page.evaluate(MARKS).catch(() => ({ marks: [] }));
      const drawn = marks.find((/** @type {{ name: string }} */ { name }) => name === 'drawn');
      if (!drawn) continue;
      const [preview, level] = ['preview', 'level'].map((name) =>
        marks.find((/** @type {{ name: string }} */ mark) => mark.name === name),
      );
      return {
        preview_ms: preview.at,
        preview_bytes: preview.bytes,
        level_ms: level.at,
        auto_ms: drawn.at,
        auto_bytes: drawn.bytes,
        wire_bytes: line.bytesAt(origin + drawn.at),
      };
    }
    throw new Error(`${browser.name} has not drawn the page's picture after ${LIMIT / 1000} s.`);
  });
}

/** @param {string} folder */
async function takePictures(folder) {
  mkdirSync(folder, { recursive: true });
  for (const browser of browsers)
    for (const viewport of VIEWPORTS)
      for (const link of LINKS)
        await visit(browser, viewport, link, async (page) => {
          const start = Date.now();
          while (Date.now() < start + PICTURES) {
            const at = String(Date.now() - start).padStart(4, '0');
            const name = `${browser.name}-${viewport.name}-${link.megabits}-${at}.png`;
            const picture = await page.picture().catch(() => undefined);
            if (picture) writeFileSync(join(folder, name), picture);
          }
        });
}

/** @param {Record<string, number>[]} visits */
function medians(visits) {
  const median = (/** @type {string} */ key) =>
    visits.map((visit) => visit[key] ?? 0).sort((a, b) => a - b)[Math.floor(visits.length / 2)] ?? 0;
  return Object.fromEntries(Object.keys(visits[0] ?? {}).map((key) => [key, Math.round(median(key))]));
}
