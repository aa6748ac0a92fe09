/** Tests files that are loaded as far as they are needed, from fake hosts. */
import { afterEach, expect, test, vi } from 'vitest';
import { fileOpener, type Opener, Streamed, siteOpener } from '../../src/streamed.ts';

const FILE = Uint8Array.from({ length: 1000 }, (_, k) => k % 251);

afterEach(() => void vi.unstubAllGlobals());

/** A host that sends the file in chunks from the requested position, or always from the start; records the positions. */
function host({ chunk = 100, knowsRanges = true } = {}) {
  const asked: number[] = [];
  const given = { bytes: 0 };
  const open: Opener = async (from, end) => {
    asked.push(from);
    let at = knowsRanges ? from : 0;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          const until = Math.min(at + chunk, knowsRanges ? end : FILE.length, FILE.length);
          if (at >= until) return controller.close();
          controller.enqueue(FILE.slice(at, until));
          given.bytes += until - at;
          at = until;
        },
      },
      { highWaterMark: 0 },
    );
    return { body, at: knowsRanges ? from : 0 };
  };
  return { open, asked, given };
}

async function all(stream: Streamed, end: number): Promise<number[]> {
  const told: number[] = [];
  for await (const size of stream.until(end)) told.push(size);
  return told;
}

test('reports bytes as they arrive, and takes no more than wanted', async () => {
  const { open, asked, given } = host();
  const stream = new Streamed(open);
  const told = await all(stream, 250);
  expect(told.at(-1)).toBe(250);
  expect(told.every((size, k) => size > (told[k - 1] ?? 0))).toBe(true);
  expect(stream.prefix(250)).toEqual(FILE.subarray(0, 250));
  expect([asked, given.bytes, stream.size]).toEqual([[0], 250, 250]);
});

test('resumes where it was', async () => {
  const { open, asked } = host();
  const stream = new Streamed(open);
  await all(stream, 250);
  const told = await all(stream, 700);
  expect([told[0], told.at(-1)]).toEqual([250, 700]);
  expect(asked).toEqual([0, 250]);
  expect(stream.prefix(700)).toEqual(FILE.subarray(0, 700));
});

test('bytes that are there are not requested again', async () => {
  const { open, asked } = host();
  const stream = new Streamed(open, FILE.slice(0, 300));
  expect(await all(stream, 200)).toEqual([200]);
  expect(asked).toEqual([]);
  expect((await all(stream, 400)).at(-1)).toBe(400);
  expect(asked).toEqual([300]);
  expect(stream.prefix(400)).toEqual(FILE.subarray(0, 400));
});

test('a host that ignores ranges is read from the start', async () => {
  const { open, asked } = host({ chunk: 70, knowsRanges: false });
  const stream = new Streamed(open);
  await all(stream, 100);
  await all(stream, 600);
  expect(asked).toEqual([0, 140]);
  expect(stream.prefix(600)).toEqual(FILE.subarray(0, 600));
});

test('two readers of a file fetch no part twice', async () => {
  const { open, asked } = host();
  const stream = new Streamed(open);
  const [few, many] = await Promise.all([all(stream, 150), all(stream, 900)]);
  expect([few.at(-1), many.at(-1), asked]).toEqual([150, 900, [0, 150]]);
});

test('a file that is shorter than requested ends', async () => {
  const stream = new Streamed(host().open);
  expect((await all(stream, 5000)).at(-1)).toBe(1000);
  expect(await all(stream, 6000)).toEqual([1000]);
});

test('a request to a host that failed is repeated', async () => {
  const { open } = host();
  let fails = true;
  const stream = new Streamed((from, end, signal) =>
    fails ? Promise.reject(new Error('no such host')) : open(from, end, signal),
  );
  await expect(all(stream, 10)).rejects.toThrow('no such host');
  fails = false;
  expect(await all(stream, 10)).toEqual([10]);
});

test('a local file is read in parts', async () => {
  const stream = new Streamed(fileOpener(new Blob([FILE])));
  await all(stream, 10);
  await all(stream, 1000);
  expect(stream.prefix(1000)).toEqual(FILE);
});

test.each([
  [206, 40],
  [200, 0],
])('a site that answers %i begins at byte %i', async (status, expected) => {
  const fetched = vi.fn(async () => new Response('x', { status }));
  vi.stubGlobal('fetch', fetched);
  const { at } = await siteOpener(new URL('http://host/a.anir'))(40, 90, new AbortController().signal);
  expect(at).toBe(expected);
  expect(fetched).toHaveBeenCalledWith(
    expect.anything(),
    expect.objectContaining({ headers: { Range: 'bytes=40-89' } }),
  );
});

test('a site without the file is named', async () => {
  vi.stubGlobal('fetch', async () => new Response('', { status: 404 }));
  const opened = siteOpener(new URL('http://host/a.anir'))(0, 9, new AbortController().signal);
  await expect(opened).rejects.toThrow('a.anir answered 404.');
});
