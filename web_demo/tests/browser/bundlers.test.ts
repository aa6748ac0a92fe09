/** Tests the npm package in other pages: without a bundler, from another site, under a strict policy, and bundled. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { build as esbuild } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import webpack from 'webpack';
import { serve } from '../../scripts/serve.mjs';
import { good, pathOf, read } from './fixtures.ts';
import { isSamePicture, startBrowser } from './page.ts';
import { POLICY } from './plain_page.ts';
import { makeProject } from './project.ts';

const MAIN = "import 'neural-img/define';\n";

let project: string;
const closeAll: (() => void)[] = [];

beforeAll(() => {
  project = makeProject();
  writeFileSync(join(project, 'main.js'), MAIN);
}, 120_000);

afterAll(() => {
  for (const close of closeAll) close();
  rmSync(project, { recursive: true, force: true });
});

/** Makes a folder with a page that loads a script and shows a picture. */
function makeSite(name: string, script: string): string {
  const site = join(project, name);
  mkdirSync(site, { recursive: true });
  cpSync(pathOf(good), join(site, good.file));
  const { file, width, height } = good;
  const element = `<neural-img src="${file}" width="${width}" height="${height}" alt="A picture"></neural-img>`;
  const page = `<!doctype html><html lang="en"><title>t</title><link rel="icon" href="data:,">
    <script type="module" src="${script}"></script>${element}</html>`;
  writeFileSync(join(site, 'index.html'), page);
  return site;
}

async function host(site: string, headers: Record<string, string> = {}): Promise<string> {
  const { url, close } = await serve(site, { headers });
  closeAll.push(close);
  return url;
}

/** The element's pixels (RGB), and all errors of the page and its console. */
async function visit(url: string): Promise<{ rgb: Uint8Array; trouble: string[] }> {
  const page = await (await startBrowser()).newPage();
  const trouble: string[] = [];
  page.on('pageerror', (error) => trouble.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') trouble.push(message.text());
  });
  await page.addInitScript(() => {
    document.addEventListener(
      'load',
      ({ target }) => (target as Element).setAttribute?.('data-drawn', ''),
      true,
    );
  });
  await page.goto(url);
  await page.waitForSelector('neural-img[data-drawn]', { timeout: 20_000 });
  const rgb = await page.evaluate(() => {
    const canvas = document.querySelector('neural-img')?.shadowRoot?.querySelector('canvas');
    const data = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
    return Array.from(data).filter((_, at) => at % 4 !== 3);
  });
  await page.close();
  return { rgb: Uint8Array.from(rgb), trouble };
}

const inPackage = (file: string) => join(project, 'node_modules/neural-img/dist', file);

describe('a plain page', () => {
  test('needs only one script and its worker, even under a strict policy', async () => {
    const site = makeSite('plain', 'neural-img.js');
    for (const file of ['neural-img.js', 'decoder.worker.js']) cpSync(inPackage(file), join(site, file));
    const { rgb, trouble } = await visit(await host(site, { 'Content-Security-Policy': POLICY }));
    expect(isSamePicture(rgb, read(good.pixels))).toBe(true);
    expect(trouble).toEqual([]);
  });

  test('works with the script alone', async () => {
    const site = makeSite('alone', 'neural-img.js');
    cpSync(inPackage('neural-img.js'), join(site, 'neural-img.js'));
    const { rgb, trouble } = await visit(await host(site));
    expect(isSamePicture(rgb, read(good.pixels))).toBe(true);
    // The script first tries to load the worker from its file.
    expect(trouble.filter((line) => !line.includes('404'))).toEqual([]);
  });

  test('can load the script from another site', async () => {
    const other = await host(inPackage('.'), { 'Access-Control-Allow-Origin': '*' });
    const site = makeSite('cross', `${other}neural-img.js`);
    const url = (await host(site)).replace('localhost', '127.0.0.1');
    const { rgb, trouble } = await visit(url);
    expect(isSamePicture(rgb, read(good.pixels))).toBe(true);
    expect(trouble).toEqual([]);
  });
});

test('the element works in a page bundled by webpack', async () => {
  const site = makeSite('webpack', 'main.js');
  const compiler = webpack({
    context: project,
    mode: 'production',
    entry: './main.js',
    output: { path: site, filename: 'main.js', publicPath: 'auto' },
    experiments: { outputModule: true },
  });
  const warnings = await new Promise((resolve, reject) =>
    compiler?.run((error, stats) =>
      error || stats?.hasErrors()
        ? reject(error ?? new Error(stats?.toString()))
        : resolve(stats?.toJson().warnings),
    ),
  );
  expect(warnings).toEqual([]);
  const { rgb, trouble } = await visit(await host(site, { 'Content-Security-Policy': POLICY }));
  expect(isSamePicture(rgb, read(good.pixels))).toBe(true);
  expect(trouble).toEqual([]);
});

test('the element works in a page bundled by esbuild', async () => {
  const site = makeSite('esbuild', 'main.js');
  const entryPoints = [join(project, 'main.js')];
  await esbuild({ entryPoints, bundle: true, format: 'esm', minify: true, outdir: site, logLevel: 'error' });
  const { rgb } = await visit(await host(site));
  expect(isSamePicture(rgb, read(good.pixels))).toBe(true);
});

describe('in Node, which has no DOM', () => {
  test.each(['neural-img', 'neural-img/define', 'neural-img/onnx', 'neural-img/neural-img.js'])(
    '%s can be imported',
    (name) => {
      const code = `import(${JSON.stringify(name)}).then((all) => console.log(Object.keys(all).sort().join()))`;
      const names = execFileSync(process.execPath, ['-e', code], { cwd: project }).toString();
      expect(names.trim().length).toBeGreaterThan(5);
    },
  );
});

test('the element has types for TypeScript, React, Vue and Svelte', () => {
  const modules = join(import.meta.dirname, '../../node_modules');
  mkdirSync(join(project, 'node_modules/@types'), { recursive: true });
  for (const name of ['@types/react', 'csstype', 'vue', 'svelte'])
    symlinkSync(join(modules, name), join(project, 'node_modules', name));
  const source = `/// <reference types="neural-img/jsx" />
    /// <reference types="neural-img/vue" />
    /// <reference types="neural-img/svelte" />
    import type { JSX as ReactJSX } from 'react';
    import type { SvelteHTMLElements } from 'svelte/elements';
    import type { GlobalComponents } from 'vue';
    import { Decoder, type Tile } from 'neural-img';
    import 'neural-img/define';
    const element = document.createElement('neural-img');
    element.src = 'a.onnx';
    const width: number = element.naturalWidth;
    declare const props: JSX.IntrinsicElements['neural-img'];
    const alt: string | undefined = props.alt;
    // @ts-expect-error: there is no such attribute
    props.source;
    export const react: ReactJSX.IntrinsicElements['neural-img'] = { src: 'a.onnx', width: '50%', key: 1 };
    // @ts-expect-error: it has no such value
    react.quality = 'best';
    export const svelte: SvelteHTMLElements['neural-img'] = { src: 'a.onnx', quality: 'low', 'data-x': 1 };
    // @ts-expect-error: it has no such value
    svelte.loading = 'soon';
    declare const vue: InstanceType<GlobalComponents['neural-img']>;
    // @ts-expect-error: it is a text
    const src: number = vue.$props.src;
    element.width = '50%';
    element.addEventListener('refine', ({ detail }) => detail.level.toFixed());
    // @ts-expect-error: it tells no such thing
    element.addEventListener('refine', ({ detail }) => detail.subnet);
    react.onrefine = ({ detail }) => detail.psnr?.toFixed();
    export const all: [Decoder?, Tile?, number?, string?] = [undefined, undefined, width, alt];`;
  writeFileSync(join(project, 'types.ts'), source);
  const options = [
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--target',
    'es2022',
    '--module',
    'esnext',
    '--moduleResolution',
    'bundler',
  ];
  const tsc = join(modules, 'typescript/bin/tsc');
  const check = () =>
    execFileSync(process.execPath, [tsc, ...options, '--types', '', 'types.ts'], { cwd: project }).toString();
  expect(check).not.toThrow();
});

test('the whole package takes less than 40 kB, and comes with its licence', () => {
  expect(readFileSync(inPackage('../LICENSE'), 'utf8')).toContain('Apache License');
  const wire = brotliCompressSync(readFileSync(inPackage('neural-img.js'))).length;
  expect(wire).toBeLessThan(40_000);
});
