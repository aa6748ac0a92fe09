/** The browsers that a machine has, each driven in its own way, as one kind of thing. */
import { chromium } from 'playwright-core';
import { launch } from 'puppeteer-core';
import { startWebKit } from '../scripts/webkit.mjs';
import { findChromium, findFirefox, findWebKit } from '../tests/browser/preflight.mjs';

/**
 * @typedef {{ name: string, width: number, height: number, density: number }} Viewport
 * @typedef {object} Page
 * @property {(url: string) => Promise<void>} open Begins to load an address.
 * @property {(script: string) => Promise<any>} evaluate The value of an expression, as JSON has it.
 * @property {() => Promise<Buffer>} picture What is to be seen, as a PNG.
 * @property {() => Promise<void>} close
 * @typedef {object} Browser
 * @property {string} name
 * @property {string} version
 * @property {(viewport: Viewport) => Promise<Page>} page A page that knows nothing of those before.
 * @property {() => Promise<void>} close
 */

/** @returns {Promise<Browser[]>} */
export async function startBrowsers() {
  const [a, b, c] = [findChromium(), findFirefox(), findWebKit()];
  return Promise.all([
    ...(a ? [inChromium(a)] : []),
    ...(b ? [inFirefox(b)] : []),
    ...(c ? [inWebKit(c)] : []),
  ]);
}

/** @param {string} executablePath @returns {Promise<Browser>} */
async function inChromium(executablePath) {
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  return {
    name: 'Chromium',
    version: browser.version(),
    async page({ name, width, height, density }) {
      const isMobile = name === 'phone';
      const viewport = { width, height };
      const options = { viewport, deviceScaleFactor: density, isMobile, hasTouch: isMobile };
      const context = await browser.newContext(options);
      const page = await context.newPage();
      return {
        open: async (url) => void (await page.goto(url, { waitUntil: 'commit' })),
        evaluate: (script) => page.evaluate(script),
        picture: () => page.screenshot(),
        close: () => context.close(),
      };
    },
    close: () => browser.close(),
  };
}

/** @param {string} executablePath @returns {Promise<Browser>} */
async function inFirefox(executablePath) {
  const browser = await launch({ browser: 'firefox', executablePath, headless: true });
  return {
    name: 'Firefox',
    version: (await browser.version()).replace(/^\D*/, ''),
    async page({ width, height, density }) {
      const context = await browser.createBrowserContext();
      const page = await context.newPage();
      await page.setViewport({ width, height, deviceScaleFactor: density });
      return {
        // WebDriver BiDi tells when all is loaded; nobody waits for that.
        open: async (url) => void page.goto(url).catch(() => undefined),
        evaluate: (script) => page.evaluate(script),
        picture: async () => Buffer.from(await page.screenshot()),
        close: () => context.close(),
      };
    },
    close: () => browser.close(),
  };
}

/**
 * One session has one window, whose density is the display's.
 * @param {NonNullable<ReturnType<typeof findWebKit>>} paths @returns {Promise<Browser>}
 */
async function inWebKit(paths) {
  const { version, ask, close } = await startWebKit(paths);
  await ask('/timeouts', { script: 30_000, pageLoad: 60_000 });
  return {
    name: 'WebKitGTK',
    version,
    async page({ width, height }) {
      await ask('/url', { url: 'about:blank' });
      await ask('/window/rect', { width, height });
      return {
        open: (url) => ask('/url', { url }),
        evaluate: (script) => ask('/execute/sync', { script: `return ${script}`, args: [] }),
        picture: async () => Buffer.from(await ask('/screenshot'), 'base64'),
        close: async () => undefined,
      };
    },
    close,
  };
}
