/** Opens plain pages with `<neural-img>` from the installed package. */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import type { NeuralImgElement } from '../../neural-img/src/index.ts';
import { serve } from '../../scripts/serve.mjs';
import { folder, good, pathOf } from './fixtures.ts';
import { startBrowser } from './page.ts';
import { makeProject } from './project.ts';

export const SCRIPT = '<script type="module" src="neural-img.js" blocking="render"></script>';
/** Subnets of the manifest from worst to best; their PSNR is made up. */
const LEVELS = [22, 28, 34, 40].map((psnr, at) => ({ psnr, name: `d${at + 2}w16` }));

export interface Site {
  /** Folder with the package, a.onnx, and a manifest.json of four subnets. */
  folder: string;
  remove(): void;
}

export function makeSite(): Site {
  const project = makeProject();
  const site = join(project, 'node_modules/neural-img/dist');
  cpSync(pathOf(good), join(site, 'a.onnx'));
  cpSync(folder, site, { recursive: true });
  const manifest = JSON.parse(readFileSync(join(site, 'manifest.json'), 'utf8'));
  const subnets = LEVELS.map(({ psnr, name }) => ({
    ...manifest.subnets.find((subnet: { name: string }) => subnet.name === name),
    psnr,
  }));
  writeFileSync(join(site, 'manifest.json'), JSON.stringify({ ...manifest, subnets }));
  writeFileSync(join(site, 'broken.json'), '{"format": 7}');
  return { folder: site, remove: () => rmSync(project, { recursive: true, force: true }) };
}

export interface Opened {
  page: Page;
  /** Names of the neural images and manifests that were requested. */
  fetched: string[];
  trouble: string[];
}

export interface PageOptions extends BrowserContextOptions {
  headers?: Record<string, string>;
  head?: string;
}

/** Opens a page of a site with this body, in standards mode; it is closed when the test ends. */
export async function openPage(site: Site, body: string, options: PageOptions = {}): Promise<Opened> {
  const { headers = {}, head = SCRIPT, ...others } = options;
  const context = await (await startBrowser()).newContext(others);
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const fetched: string[] = [];
  const trouble: string[] = [];
  page.on('request', (request) => {
    if (/\.(onnx|json)/.test(request.url())) fetched.push(request.url().split('/').at(-1) ?? '');
  });
  page.on('pageerror', (error) => trouble.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') trouble.push(message.text());
  });
  const html = `<!doctype html><html lang="en"><head><title>t</title><link rel="icon" href="data:,">${head}</head>
    <body><main>${body}</main></body></html>`;
  writeFileSync(join(site.folder, 'page.html'), html);
  const server = await serve(site.folder, { headers });
  onTestFinished(server.close);
  await page.goto(`${server.url}page.html`);
  return { page, fetched, trouble };
}

/** Calls `ask` in the page with its first `<neural-img>`. */
export const ofElement = <T>(page: Page, ask: (element: NeuralImgElement) => T | Promise<T>): Promise<T> =>
  page
    .locator('neural-img')
    .first()
    .evaluate(ask as unknown as (element: Element) => T) as Promise<T>;

export const bitmapOf = (page: Page) =>
  ofElement(page, (element) => {
    const { width = 0, height = 0 } = element.shadowRoot?.querySelector('canvas') ?? {};
    return [width, height];
  });

export const untilComplete = (page: Page) =>
  page.waitForFunction(() =>
    [...document.querySelectorAll('neural-img')].every((element) => element.complete),
  );
