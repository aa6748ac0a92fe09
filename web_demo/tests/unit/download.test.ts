/** Tests downloads from a fake host. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Download } from '../../neural-img/src/download.ts';

const FILE = Uint8Array.from({ length: 100 }, (_, k) => k);

interface Asked {
  headers: Record<string, string>;
  signal: AbortSignal;
}
type Host = (asked: Asked) => Response | Error;

let asked: Record<string, string>[];
let host: Host;

/** A response body in pieces, which ends, breaks off, or stays open. */
function body(pieces: Uint8Array[], end: 'whole' | 'broken' | 'open', signal: AbortSignal) {
  const left = [...pieces];
  return new ReadableStream({
    start: (controller) =>
      signal.addEventListener('abort', () => controller.error(new DOMException('', 'AbortError'))),
    pull(controller) {
      const piece = left.shift();
      if (piece) controller.enqueue(piece);
      else if (end === 'broken') controller.error(new TypeError('network error'));
      else if (end === 'whole') controller.close();
    },
  });
}

const inPieces = (bytes: Uint8Array, size = 30) =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, k) => bytes.slice(k * size, (k + 1) * size));

/** A host that supports ranges, of a file with an ETag. */
function good({ headers, signal }: Asked, tag: string | null = '"1"', file = FILE): Response {
  const [, from = '0', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(headers.Range ?? '') ?? [];
  const isPart = headers.Range !== undefined && (headers['If-Range'] ?? tag) === tag;
  const [start, end] = isPart ? [Number(from), to ? Number(to) + 1 : file.length] : [0, file.length];
  const own: Record<string, string> = tag === null ? {} : { ETag: tag };
  if (isPart) own['Content-Range'] = `bytes ${start}-${end - 1}/${file.length}`;
  return new Response(body(inPieces(file.slice(start, end)), 'whole', signal), {
    status: isPart ? 206 : 200,
    headers: own,
  });
}

beforeEach(() => {
  [asked, host] = [[], good];
  vi.stubGlobal('document', { baseURI: 'https://own.example/page' });
  vi.stubGlobal('location', { origin: 'https://own.example' });
  vi.stubGlobal('fetch', async (_: string, { headers = {}, signal }: Partial<Asked>) => {
    asked.push(headers);
    const answer = host({ headers, signal: signal as AbortSignal });
    if (answer instanceof Error) throw answer;
    return answer;
  });
});

afterEach(() => vi.unstubAllGlobals());

/** A download that was stopped after 30 bytes. */
async function halfDone(address = 'photo.anir'): Promise<Download> {
  const download = new Download(address, 'photo.anir');
  expect(await download.next(20)).toEqual({ bytes: FILE.slice(0, 30), isFirst: true });
  download.stop();
  return download;
}

/** Reads up to a position: how many times the file began anew, and the bytes since then. */
async function upTo(download: Download, end: number, from = 30): Promise<[number, number[]]> {
  let [begun, bytes] = [0, [...FILE.slice(0, from)]];
  while (bytes.length < end) {
    const part = await download.next(end);
    if (!part) break;
    if (part.isFirst) [begun, bytes] = [begun + 1, []];
    bytes.push(...part.bytes);
  }
  return [begun, bytes];
}

test('gives the parts of a file, then nothing', async () => {
  const download = new Download('photo.anir', 'photo.anir');
  expect(await upTo(download, 100, 0)).toEqual([1, [...FILE]]);
  expect(await download.next()).toBeUndefined();
  expect([asked, download.taken]).toEqual([[{}], 100]);
});

test('gives the rest of a file at once', async () => {
  const download = new Download('photo.anir', 'photo.anir');
  const first = await download.next();
  expect(await download.rest(first?.bytes)).toEqual(FILE);
});

test('resumes with requests for no more than is wanted', async () => {
  const download = await halfDone();
  expect(await upTo(download, 45)).toEqual([0, [...FILE.slice(0, 45)]]);
  expect(await upTo(download, 90, 45)).toEqual([0, [...FILE.slice(0, 90)]]);
  expect(asked).toEqual([
    {},
    { Range: 'bytes=30-44', 'If-Range': '"1"' },
    { Range: 'bytes=45-89', 'If-Range': '"1"' },
  ]);
  expect(download.taken).toBe(90);
});

test('sends another site no header that requires its permission', async () => {
  const download = await halfDone('https://other.example/photo.anir');
  expect((await upTo(download, 60))[1].length).toBe(60);
  expect(asked[1]).toEqual({ Range: 'bytes=30-59' });
});

describe('from a host that', () => {
  test.each<[string, Host, number]>([
    ['ignores ranges, skips what is known', ({ signal }) => good({ headers: {}, signal }), 0],
    ['ignores ranges and sends no ETag, begins anew', ({ signal }) => good({ headers: {}, signal }, null), 1],
    ['has replaced the file, begins anew', (one) => good(one, '"2"'), 1],
    [
      'sends a part of another file, begins anew',
      (one) => good({ ...one, headers: one.headers.Range ? { Range: one.headers.Range } : {} }, '"2"'),
      1,
    ],
    [
      'sends another part, skips what is known',
      ({ headers, signal }) => good({ headers: headers.Range ? { Range: 'bytes=0-9' } : {}, signal }),
      0,
    ],
    [
      'refuses ranges, skips what is known',
      (one) => (one.headers.Range ? new Response(null, { status: 416 }) : good(one)),
      0,
    ],
    [
      'fails at ranges, skips what is known',
      (one) => (one.headers.Range ? new TypeError('Failed to fetch') : good(one)),
      0,
    ],
  ])('%s', async (_, next, begun) => {
    const download = await halfDone();
    host = next;
    expect(await upTo(download, 100)).toEqual([begun, [...FILE]]);
  });

  test('sends no ETag but supports ranges, resumes', async () => {
    host = (one) => good(one, null);
    const download = await halfDone();
    expect(await upTo(download, 60)).toEqual([0, [...FILE.slice(0, 60)]]);
  });

  test('does not have the file, fails', async () => {
    host = () => new Response(null, { status: 404 });
    await expect(new Download('x', 'photo.anir').next()).rejects.toThrow('photo.anir answered 404.');
  });

  test('no longer has the file, fails', async () => {
    const download = await halfDone();
    host = () => new Response(null, { status: 410 });
    await expect(download.next()).rejects.toThrow('photo.anir answered 410.');
  });

  test('breaks off, fails and resumes later', async () => {
    host = ({ signal }) =>
      new Response(body(inPieces(FILE.slice(0, 60)), 'broken', signal), { headers: { ETag: '"1"' } });
    const download = new Download('photo.anir', 'photo.anir');
    expect((await download.next())?.bytes.length).toBe(30);
    expect((await download.next())?.bytes.length).toBe(30);
    await expect(download.next()).rejects.toThrow('photo.anir broke off after 60 bytes.');
    host = good;
    expect(await upTo(download, 80, 60)).toEqual([0, [...FILE.slice(0, 80)]]);
    expect(asked[1]).toMatchObject({ Range: 'bytes=60-79' });
  });

  test('ends the file too early, gives nothing more', async () => {
    host = (one) => good(one, '"1"', FILE.subarray(0, 50));
    const download = await halfDone();
    expect((await upTo(download, 80))[1].length).toBe(50);
    expect(await download.next(80)).toBeUndefined();
  });
});

test('a pending read is aborted when the download is stopped', async () => {
  host = ({ signal }) => new Response(body([FILE.slice(0, 30)], 'open', signal));
  const download = new Download('photo.anir', 'photo.anir');
  await download.next();
  const waiting = download.next();
  download.stop();
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
});
