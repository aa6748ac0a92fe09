/** Tests AnirSource with a fake download and a fake decoder. */
import { beforeEach, expect, test } from 'vitest';
import { AnirSource } from '../../neural-img/src/anir_source.ts';
import type { Download, Part } from '../../neural-img/src/download.ts';
import { endOf, FakeStreams, FILE, levels, start } from '../streams.ts';

/** A download that gives bytes as far as a test allows. */
class FakeDownload {
  at = 10;
  allowed = 10;
  stops = 0;
  /** The ends up to which bytes were requested. */
  ends: number[] = [];
  #isEnded = false;
  #waiting: (() => void) | undefined;
  #stop: (() => void) | undefined;

  async next(end: number): Promise<Part | undefined> {
    this.ends.push(end);
    while (this.at >= this.allowed && !this.#isEnded)
      await new Promise<void>((resolve, reject) => {
        this.#waiting = resolve;
        this.#stop = () => reject(new DOMException('', 'AbortError'));
      });
    const bytes = FILE.slice(this.at, this.allowed);
    if (bytes.length === 0) return undefined;
    this.at = this.allowed;
    return { bytes, isFirst: false };
  }

  stop(): void {
    this.stops++;
    this.#stop?.();
  }

  end(): void {
    this.#isEnded = true;
    this.#waiting?.();
  }

  allow(bytes: number): void {
    this.allowed = bytes;
    this.#waiting?.();
  }
}

let streams: FakeStreams;
let download: FakeDownload;
let source: AnirSource;
const level = (number: number) => () => number - 1;
const never = new AbortController().signal;
/** Waits long enough for everything that needs no timer. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 10));

beforeEach(() => {
  [streams, download] = [new FakeStreams(), new FakeDownload()];
  const first = FILE.slice(0, download.at);
  source = new AnirSource(download as unknown as Download, first, streams.decoder, 'photo.anir');
});

async function levelsOf(wanted: number, signal = never): Promise<number[]> {
  const told: number[] = [];
  for await (const { refinement } of source.pictures(level(wanted), signal))
    told.push(refinement?.level ?? 0);
  return told;
}

test('gives the size from the header, and fetches no more until pictures are requested', async () => {
  const size = source.size(never);
  download.allow(start);
  expect(await size).toEqual({ width: 75, height: 52 });
  await settled();
  expect([download.ends, download.stops]).toEqual([[Number.POSITIVE_INFINITY], 0]);
});

test('fetches up to the chosen level and stops', async () => {
  download.allow(endOf(3));
  expect(await levelsOf(2)).toEqual([2]);
  expect(download.ends).toEqual([Number.POSITIVE_INFINITY]);
  expect(download.stops).toBeGreaterThan(0);
  expect(streams.asked[0]?.at(-1)).toBe('closed');
});

test('skips levels that arrive while a picture is drawn', async () => {
  download.allow(endOf(1));
  const told: number[] = [];
  for await (const { refinement } of source.pictures(level(4), never)) {
    told.push(refinement?.level ?? 0);
    if (told.length > 1) continue;
    for (const bytes of [endOf(2), endOf(2) + 3, endOf(3)]) {
      download.allow(bytes);
      await settled();
    }
    setTimeout(() => download.allow(endOf(4)), 30);
  }
  expect(told).toEqual([1, 3, 4]);
  // Once the header is there, no more is requested than is wanted.
  expect(new Set(download.ends)).toEqual(new Set([Number.POSITIVE_INFINITY, endOf(4)]));
});

test('resumes where it was, and gives no worse picture than before', async () => {
  download.allow(endOf(2));
  expect(await levelsOf(2)).toEqual([2]);
  expect(await levelsOf(1)).toEqual([2]);
  download.allow(endOf(4));
  expect(await levelsOf(4)).toEqual([2, 4]);
  expect(streams.asked.map((own) => own.filter(Number.isInteger))).toEqual([[1], [3]]);
});

test('another call continues without a new request', async () => {
  download.allow(endOf(1));
  const turn = new AbortController();
  const first = levelsOf(3, turn.signal).catch((error) => error.name);
  await settled();
  turn.abort();
  const second = levelsOf(4);
  expect(await first).toBe('AbortError');
  expect(download.stops).toBe(0);
  download.allow(endOf(4));
  expect(await second).toEqual([1, 4]);
  expect(streams.asked.length).toBe(1);
});

test('after a rest, pictures are decoded again from the bytes that have arrived', async () => {
  download.allow(endOf(2));
  expect(await levelsOf(2)).toEqual([2]);
  source.rest();
  expect(await levelsOf(2)).toEqual([2]);
  expect(streams.asked.map((own) => own[0])).toEqual([`${endOf(2)} bytes`, `${endOf(2)} bytes`]);
  expect(download.ends.length).toBe(1);
});

test('a pause while bytes arrive is no failure', async () => {
  download.allow(endOf(1));
  const turn = new AbortController();
  const told = levelsOf(3, turn.signal).catch((error) => error.name);
  await settled();
  turn.abort();
  source.pause();
  expect(await told).toBe('AbortError');
  download.allow(endOf(3));
  expect(await levelsOf(3)).toEqual([1, 3]);
});

test('damage is reported by each call with the same error, after the best picture before it', async () => {
  streams.damaged = 2;
  download.allow(endOf(4));
  const told: unknown[] = [];
  const ask = async () => {
    for await (const { refinement } of source.pictures(level(4), never)) told.push(refinement?.level);
  };
  const errors = [await ask().catch((error) => error), await ask().catch((error) => error)];
  expect(told).toEqual([2, 2]);
  expect(errors[0].message).toBe('level 2');
  expect(errors[1]).toBe(errors[0]);
});

test('a truncated file is reported after what there is of the next level', async () => {
  const cut = endOf(3) - 1;
  download.allow(cut);
  const told: unknown[] = [];
  const ask = async () => {
    for await (const { refinement } of source.pictures(level(4), never))
      told.push([refinement?.level, refinement?.bytes]);
  };
  const asked = ask().catch((error) => told.push(error.message));
  await settled();
  download.end();
  await asked;
  const last = [2, cut];
  const message = `photo.anir was cut: it ends after ${cut} bytes.`;
  await expect(ask()).rejects.toThrow(message);
  expect(told).toEqual([[2, endOf(2)], last, message, last]);
});

test('within the first level, previews show all that has arrived', async () => {
  download.allow(start + 18);
  const told: unknown[] = [];
  const asked = (async () => {
    for await (const { refinement } of source.pictures(level(1), never)) told.push(refinement);
  })();
  await settled();
  expect(told).toEqual([]);
  for (const bytes of [start + 19, endOf(1) - 1]) {
    download.allow(bytes);
    await settled();
    expect(told.at(-1)).toEqual({ level: 0, bytes });
  }
  download.allow(endOf(2));
  await asked;
  expect(told.length).toBe(3);
  expect(told.at(-1)).toEqual({ level: 1, bytes: endOf(1), psnr: levels[0]?.psnr[0] });
});

test('a file that is truncated within its first level keeps its preview', async () => {
  const cut = endOf(1) - 1;
  download.allow(cut);
  const told: unknown[] = [];
  const asked = (async () => {
    for await (const { refinement } of source.pictures(level(4), never)) told.push(refinement);
  })().catch((error) => told.push(error.message));
  await settled();
  download.end();
  await asked;
  expect(told).toEqual([{ level: 0, bytes: cut }, `photo.anir was cut: it ends after ${cut} bytes.`]);
});

test.each([10, start - 1, start + 18])('a file that ends after %d bytes has no picture', async (cut) => {
  download.allow(cut);
  const asked = levelsOf(4).catch((error) => error.message);
  await settled();
  download.end();
  expect(await asked).toBe(`photo.anir was cut: it ends after ${cut} bytes.`);
});
