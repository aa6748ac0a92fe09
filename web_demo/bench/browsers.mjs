/** Starts the browsers that this machine has, each through its own automation protocol, behind one interface. */
import { chromium } from 'playwright-core';
import { launch } from 'puppeteer-core';
import { startWebKit } from '../scripts/webkit.mjs';
import { findChromium, findFirefox, findWebKit } from '../tests/browser/preflight.mjs';

/**
 * @typedef {{ name: string, width: number, height: number, density: number }} Viewport
 * @typedef {object} Page
 * @property {(url: string) => Promise<void>} open Starts loading a URL, without waiting until it is loaded.
 * @property {(script: string) => Promise<any>} evaluate Returns the value of a JavaScript expression, which has to be representable as JSON.
 * @property {() => Promise<Buffer>} picture Returns a screenshot as PNG.
 * @property {() => Promise<void>} close
 * @typedef {object} Browser
 * @property {string} name
 * @property {string} version
 * @property {(viewport: Viewport) => Promise<Page>} page Opens a page that shares no storage with earlier ones; in WebKitGTK it may.
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
        // With WebDriver BiDi, `goto` resolves when the page has loaded, which is not awaited.
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
 * A session has a single window, whose pixel density is the display's.
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
