/** Tests streams with a fake worker. */
import { beforeEach, expect, test } from 'vitest';
import type { Header } from '../../neural-img/src/anir_header.ts';
import { Decoder } from '../../neural-img/src/decoder.ts';
import type { Answer, Engine, Piece, Request } from '../../neural-img/src/lane.ts';

const INFO = { family: 'siren', name: 'd2w6', width: 40, height: 30 };
const LEVELS = [{ end: 50 }, { end: 90 }] as Header['levels'];

class FakeWorker extends EventTarget {
  postMessage(request: Request): void {
    if (request.piece) pieces.push(request.piece);
    else others.push(request);
    queueMicrotask(() =>
      this.dispatchEvent(new MessageEvent('message', { data: { id: request.id, ...answerTo(request) } })),
    );
  }

  terminate(): void {}
}

const engine: Engine = { start: async () => new FakeWorker() as unknown as Worker };
let pieces: Piece[];
let others: Request[];
let fed: number;
let answerTo: (request: Request) => Omit<Answer, 'id'>;

beforeEach(() => {
  [pieces, others, fed] = [[], [], 0];
  answerTo = ({ piece, grid }) => {
    if (grid) return { pixels: new Uint8ClampedArray(grid.x.length * grid.y.length * 4) };
    if (piece?.level !== undefined) return { info: INFO, plan: `level ${piece.level}` };
    fed += piece?.bytes?.length ?? 0;
    const available = LEVELS.filter(({ end }) => end <= fed).length;
    return fed < 20 ? { available } : { available, header: { levels: LEVELS } as Header };
  };
});

test('has the header and the levels as they arrive', async () => {
  const stream = new Decoder({ engine, threads: 1 }).stream();
  const told = [];
  for (const size of [10, 10, 29, 1, 50]) {
    await stream.feed(new Uint8Array(size));
    told.push([stream.bytes, stream.header?.levels.length, stream.available]);
  }
  expect(told).toEqual([
    [10, undefined, 0],
    [20, 2, 0],
    [49, 2, 0],
    [50, 2, 1],
    [100, 2, 2],
  ]);
  expect(pieces.map(({ at }) => at)).toEqual([0, 10, 20, 49, 50]);
});

test('does not detach the chunk, and sends no more of its buffer', async () => {
  const chunk = Uint8Array.of(1, 2, 3, 4).subarray(1, 3);
  await new Decoder({ engine, threads: 1 }).stream().feed(chunk);
  expect([...chunk]).toEqual([2, 3]);
  expect([...new Uint8Array(pieces[0]?.bytes?.buffer ?? new ArrayBuffer())]).toEqual([2, 3]);
});

test('gives pictures of levels, which are drawn from the plans of the worker', async () => {
  const stream = new Decoder({ engine, threads: 1 }).stream();
  await stream.feed(new Uint8Array(95));
  const images = [await stream.image(0), await stream.image(), await stream.refined()];
  expect(images.map(({ bytes }) => bytes)).toEqual([50, 90, 95]);
  expect(pieces.slice(1).map(({ level }) => level)).toEqual([0, 1, 'refined']);
  for await (const tile of images[0]?.decode() ?? []) expect(tile.width).toBe(40);
  expect(others.map(({ plan }) => plan)).toEqual(['level 0']);
});

test('a preview has the bytes that were there when it was asked for', async () => {
  const stream = new Decoder({ engine, threads: 1 }).stream();
  await stream.feed(new Uint8Array(30));
  const preview = stream.preview();
  await stream.feed(new Uint8Array(5));
  expect((await preview)?.bytes).toBe(30);
});

test('several streams are distinguished, and closed one by one', async () => {
  const decoder = new Decoder({ engine, threads: 1 });
  const [a, b] = [decoder.stream(), decoder.stream()];
  await Promise.all([a.feed(new Uint8Array(3)), b.feed(new Uint8Array(4)), a.feed(new Uint8Array(5))]);
  b.close();
  await a.feed(new Uint8Array(1));
  const [first, second] = pieces;
  expect(first?.stream).not.toBe(second?.stream);
  const of = ({ stream }: Piece) => (stream === first?.stream ? 'a' : 'b');
  expect(pieces.map((piece) => [of(piece), piece.at, piece.close])).toEqual([
    ['a', 0, undefined],
    ['b', 0, undefined],
    ['a', 3, undefined],
    ['b', 4, true],
    ['a', 8, undefined],
  ]);
});

test('an engine that does not read .anir files is an error', async () => {
  answerTo = () => ({});
  const stream = new Decoder({ engine, threads: 1 }).stream();
  await expect(stream.feed(new Uint8Array(9))).rejects.toThrow('does not read .anir');
});

test('errors in a file reach the caller of feed', async () => {
  answerTo = () => ({ error: 'This is not an .anir file.', fatal: false });
  const stream = new Decoder({ engine, threads: 1 }).stream();
  await expect(stream.feed(new Uint8Array(9))).rejects.toThrow('not an .anir file');
});
