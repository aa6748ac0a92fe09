/** What the benchmark runs in the browser: `run.mjs` calls these. */
import { axis, Decoder } from '../neural-img/src/index.ts';
import type { Task } from './obvious.worker.ts';

const RUNTIME = new URL('ort/', document.baseURI);

Object.assign(window, { decode, obvious });

interface Measured {
  /** Milliseconds of each whole decode, the first with the model's opening. */
  times: number[];
}

/** Decodes a picture of width × height `runs` times. */
async function decode(url: string, width: number, height: number, threads: number, runs: number): Promise<Measured> {
  const file = await fetchBytes(url);
  const decoder = new Decoder(RUNTIME, threads);
  const [x, y] = [axis(width), axis(height)];
  const times: number[] = [];
  let start = performance.now();
  const image = await decoder.open(file);
  for (let run = 0; run < runs; run++) {
    for await (const _ of image.decode({ x, y }));
    times.push(performance.now() - start);
    start = performance.now();
  }
  return { times };
}

/** The same picture from the obvious graph. */
async function obvious(url: string, width: number, height: number, threads: number, runs: number): Promise<Measured> {
  const worker = new Worker(new URL('./obvious.worker.ts', import.meta.url), { type: 'module' });
  const task: Task = {
    runtime: RUNTIME.href,
    threads,
    model: await fetchBytes(url),
    x: axis(width),
    y: axis(height),
    runs,
  };
  const times = new Promise<number[]>((resolve, reject) => {
    worker.addEventListener('message', ({ data }) => resolve(data));
    worker.addEventListener('error', ({ message }) => reject(new Error(message)));
  });
  worker.postMessage(task);
  return { times: await times.finally(() => worker.terminate()) };
}

async function fetchBytes(url: string): Promise<Uint8Array> {
  return new Uint8Array(await (await fetch(url)).arrayBuffer());
}
