/** Serves the package's files in a plain page under a strict policy, with an element for each fixture. */
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type * as NeuralImg from '../../neural-img/src/index.ts';
import { serve } from '../../scripts/serve.mjs';
import { stripsCase } from '../vectors.ts';
import { fixtures, pathOf, read, stream } from './fixtures.ts';
import { makeProject } from './project.ts';

declare global {
  interface Window {
    neuralImg: typeof NeuralImg;
  }
}

export const POLICY =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src data:";

export async function servePlainPage(): Promise<{ url: string; close: () => void }> {
  const project = makeProject();
  const dist = join(project, 'node_modules/neural-img/dist');
  const elements = fixtures.map(
    ({ family, file, width, height }) =>
      `<neural-img id="${family}" src="${file}" width="${width}" height="${height}"></neural-img>`,
  );
  for (const fixture of fixtures) cpSync(pathOf(fixture), join(dist, fixture.file));
  writeFileSync(join(dist, 'stream.anir'), read(stream));
  writeFileSync(join(dist, 'strips.anir'), stripsCase().five);
  writeFileSync(join(dist, 'names.js'), "import * as all from './neural-img.js'; window.neuralImg = all;");
  writeFileSync(join(dist, 'broken.onnx'), 'not a picture at all');
  const page = `<!doctype html><html lang="en"><title>t</title><link rel="icon" href="data:,">
    <script type="module" src="neural-img.js"></script>
    <script type="module" src="names.js"></script>${elements.join('')}</html>`;
  writeFileSync(join(dist, 'index.html'), page);
  const server = await serve(dist, { headers: { 'Content-Security-Policy': POLICY } });
  const close = () => {
    server.close();
    rmSync(project, { recursive: true, force: true });
  };
  return { url: server.url, close };
}

/** Runs in the page: the RGB pixels of an element once it is completely drawn, after the coarse picture. */
export async function drawnPixels(id: string): Promise<number[]> {
  const element = document.getElementById(id) as NeuralImg.NeuralImgElement;
  await element.decode();
  const canvas = element.shadowRoot?.querySelector('canvas');
  const data = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
  return Array.from(data).filter((_, at) => at % 4 !== 3);
}

/** Runs in the page: the levels that an element of half the picture's width shows at default and at high quality. */
export async function streamedLevels(id: string): Promise<number[]> {
  const element = document.getElementById(id) as NeuralImg.NeuralImgElement;
  let level = 0;
  element.addEventListener('refine', ({ detail }) => {
    level = detail.level;
  });
  element.width = 240;
  element.height = 160;
  element.src = 'stream.anir';
  await element.decode();
  const levels = [level];
  element.quality = 'high';
  // Levels in between are reported, too: the last one is the one that stays for a second.
  for (let tries = 0, still = 0; tries < 200 && still < 20; tries++) {
    const before = level;
    await new Promise((resolve) => setTimeout(resolve, 50));
    still = level === before && level !== levels[0] ? still + 1 : 0;
  }
  return [...levels, level];
}

/** Runs in the page: whether three workers draw a large picture like one worker, before one would count as silent. */
export async function sharesStrips(): Promise<boolean> {
  const { axis, Decoder } = window.neuralImg;
  const file = new Uint8Array(await (await fetch('strips.anir')).arrayBuffer());
  const pictures: string[] = [];
  let start = 0;
  for (const threads of [1, 3]) {
    start = performance.now();
    const image = await new Decoder({ threads }).open(file);
    const grid = { x: axis(2048, undefined, 64), y: axis(2560, undefined, 80) };
    for await (const { pixels } of image.decode(grid)) pictures.push(pixels.join());
  }
  return pictures.length === 2 && pictures[0] === pictures[1] && performance.now() - start < 9000;
}

/** Runs in the page: the error message of an element whose file is no picture. */
export async function messageOfBroken(id: string): Promise<string> {
  const element = document.getElementById(id) as HTMLElement & { src: string };
  const failed = new Promise<string>((resolve) => {
    const listen = (event: Event) => resolve((event as ErrorEvent).message);
    element.addEventListener('error', listen, { once: true });
  });
  element.src = 'broken.onnx';
  return failed;
}
