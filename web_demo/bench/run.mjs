/**
 * `npm run bench`: times subnets of each family in headless Chromium against the obvious graph (bench/obvious.py), with one thread
 * on a plain host and with two on a cross-origin isolated one. Writes ../bench/results/decode_web.json, which docs/results.md quotes.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { build } from 'vite';
import { serve } from '../scripts/serve.mjs';
import { findChromium } from '../tests/browser/preflight.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, '../..');
const FOLDER = join(ROOT, 'build/bench_web');
const RESULT = join(ROOT, 'bench/results/decode_web.json');
const USUAL = ['d2w64', 'd3w64', 'd2w128', 'd5w128'];
const SUBNETS = { siren: USUAL, fourier: USUAL, gabor: USUAL, lapped: ['d2w20', 'd3w24', 'd5w32'] };
const SIZE = [768, 512];
/** Number of runs in one page, of which the first is a cold one. */
const RUNS = { ours: 24, obvious: 3 };
/** Number of further pages, for one cold run each. */
const COLD = { ours: 4, obvious: 0 };

const resolve = createRequire(import.meta.url).resolve;

await prepare();
const hosts = { 1: await serve(FOLDER), 2: await serve(FOLDER, { isolated: true }) };
const browser = await chromium.launch({
  executablePath: findChromium() ?? '',
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  const decodes = [];
  const coarse = [];
  const whole = [];
  for (const [family, names] of Object.entries(SUBNETS)) {
    for (const name of names) decodes.push(await measure(family, name));
    const [name] = names;
    coarse.push({ family, name, ms: (await times('coarse', family, `${name}.onnx`, 2)).warm_ms });
    if (family !== 'lapped') continue;
    // Of a `lapped` file, decoding the codes takes much of the time.
    for (const name of names) {
      whole.push({ family, name, ...(await times('whole', family, `${name}.onnx`, 1)) });
      console.log(`${family} ${name}, from bytes to the last pixel: ${whole.at(-1)?.warm_ms} ms`);
    }
  }
  writeFileSync(
    RESULT,
    `${JSON.stringify({ machine: machine(), size: SIZE, decodes, coarse, whole }, null, 1)}\n`,
  );
} finally {
  await browser.close();
  for (const host of Object.values(hosts)) host.close();
}

/** Makes the folder to serve: the page, ONNX Runtime and the models. */
async function prepare() {
  await build({
    root: HERE,
    configFile: join(HERE, '../vite.config.ts'),
    publicDir: false,
    logLevel: 'error',
    build: { outDir: FOLDER, emptyOutDir: true },
  });
  mkdirSync(join(FOLDER, 'ort'));
  for (const file of ['ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'])
    cpSync(resolve(`onnxruntime-web/${file}`), join(FOLDER, 'ort', file));
  const python = process.env.ANIR_PYTHON ?? join(ROOT, '.venv/bin/python');
  if (!existsSync(python)) throw new Error('No Python environment: run `make demo` or set ANIR_PYTHON.');
  execFileSync(python, ['-m', 'bench.obvious', join(FOLDER, 'models')], { cwd: ROOT, stdio: 'inherit' });
}

/** Times a subnet with one and with two threads. @param {string} family @param {string} name */
async function measure(family, name) {
  /** @type {Record<string, unknown>} */
  const row = { family, name };
  for (const threads of [1, 2]) {
    const ours = await times('decode', family, `${name}.onnx`, threads);
    const obvious = await times('obvious', family, `${name}.obvious.onnx`, threads);
    row[`threads_${threads}`] = { ours, obvious, ratio: round(obvious.warm_ms / ours.warm_ms) };
    console.log(`${family} ${name}, threads ${threads}: ${ours.warm_ms} ms, obvious ${obvious.warm_ms} ms`);
  }
  return row;
}

/** Calls a function of page.ts in a fresh page; returns its milliseconds. @returns {Promise<number[]>} */
async function inPage(
  /** @type {'decode' | 'obvious' | 'coarse' | 'whole'} */ what,
  /** @type {string} */ family,
  /** @type {string} */ file,
  /** @type {1 | 2 | number} */ threads,
  /** @type {number} */ runs,
) {
  const page = await browser.newPage();
  try {
    await page.goto(hosts[threads === 1 ? 1 : 2].url);
    await page.waitForFunction((what) => what in window, what);
    return await page.evaluate(
      (/** @type {any} */ [what, ...args]) => /** @type {any} */ (window)[what](...args),
      [what, `models/${family}/${file}`, ...SIZE, threads, runs],
    );
  } finally {
    await page.close();
  }
}

/** Returns the medians of cold and of warm runs. The first run in a page is cold: it starts the workers, or ONNX Runtime, and opens the model. */
async function times(
  /** @type {'decode' | 'obvious' | 'coarse' | 'whole'} */ what,
  /** @type {string} */ family,
  /** @type {string} */ file,
  /** @type {number} */ threads,
) {
  const engine = what === 'obvious' ? 'obvious' : 'ours';
  const [first = 0, ...warm] = await inPage(what, family, file, threads, RUNS[engine]);
  const cold = [first];
  for (let page = 0; page < COLD[engine]; page++)
    cold.push(...(await inPage(what, family, file, threads, 1)));
  return { cold_ms: round(median(cold)), warm_ms: round(median(warm)) };
}

/** @param {number[]} values */
function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** @param {number} value */
function round(value) {
  return Number(value.toPrecision(3));
}

function machine() {
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: cpus()[0]?.model.trim(),
    cores: cpus().length,
    chromium: browser.version(),
    'onnxruntime-web': JSON.parse(
      readFileSync(
        join(dirname(resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm')), '../package.json'),
        'utf8',
      ),
    ).version,
  };
}
