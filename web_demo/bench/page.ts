/** The benchmark's functions in the browser, which `run.mjs` calls. All times are in milliseconds. */
import { axis, Decoder } from '../neural-img/src/index.ts';
import type { Task } from './obvious.worker.ts';

/** Milliseconds within which a decoder has started. */
const STARTING = 500;
const RUNTIME = new URL('ort/', document.baseURI);

Object.assign(window, { decode, obvious, coarse, whole });

type Measure = (
  url: string,
  width: number,
  height: number,
  threads: number,
  runs: number,
) => Promise<number[]>;

/** Times of decoding the whole picture; the first includes starting the workers and opening the picture. */
async function decode(...[url, width, height, threads, runs]: Parameters<Measure>): Promise<number[]> {
  const file = await fetchBytes(url);
  const grid = { x: axis(width), y: axis(height) };
  const decoder = new Decoder({ threads });
  const times: number[] = [];
  let start = performance.now();
  const image = await decoder.open(file);
  for (let run = 0; run < runs; run++) {
    for await (const _ of image.decode(grid));
    times.push(performance.now() - start);
    start = performance.now();
  }
  return times;
}

/** Times from a file that is new to the decoder to the coarse picture. */
async function coarse(...[url, width, height, threads, runs]: Parameters<Measure>): Promise<number[]> {
  const grid = { x: axis(width), y: axis(height), coarse: true };
  const decoder = new Decoder({ threads });
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const file = await fetchBytes(url);
    const start = performance.now();
    const image = await decoder.open(file);
    for await (const { scale } of image.decode(grid)) if (scale > 1) times.push(performance.now() - start);
  }
  return times;
}

/** Times from a file that is new to the decoder to the last pixel. The decoder starts before, as in a page while the file is on its way. */
async function whole(...[url, width, height, threads, runs]: Parameters<Measure>): Promise<number[]> {
  const grid = { x: axis(width), y: axis(height) };
  const decoder = new Decoder({ threads });
  decoder.start();
  await new Promise((done) => setTimeout(done, STARTING));
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const file = await fetchBytes(url);
    const start = performance.now();
    const image = await decoder.open(file);
    for await (const _ of image.decode(grid));
    times.push(performance.now() - start);
  }
  return times;
}

/** Times of drawing the same picture with the obvious graph; the first includes opening the model. */
async function obvious(...[url, width, height, threads, runs]: Parameters<Measure>): Promise<number[]> {
  const worker = new Worker(new URL('./obvious.worker.ts', import.meta.url), { type: 'module' });
  const model = await fetchBytes(url);
  const task: Task = { runtime: RUNTIME.href, threads, model, x: axis(width), y: axis(height), runs };
  const times = new Promise<number[]>((resolve, reject) => {
    worker.addEventListener('message', ({ data }) => resolve(data));
    worker.addEventListener('error', ({ message }) => reject(new Error(message)));
  });
  worker.postMessage(task);
  return times.finally(() => worker.terminate());
}

async function fetchBytes(url: string): Promise<Uint8Array> {
  return new Uint8Array(await (await fetch(url)).arrayBuffer());
}
