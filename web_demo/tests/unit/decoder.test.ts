/** Tests the decoder with fake workers. */
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { axis } from '../../neural-img/src/coordinates.ts';
import { Decoder, type Tile } from '../../neural-img/src/decoder.ts';
import type { Answer, Engine, Request } from '../../neural-img/src/lane.ts';

const INFO = { family: 'siren', name: 'd2w6', width: 40, height: 30 };
const FILE = Uint8Array.of(1, 2, 3);

class FakeWorker extends EventTarget {
  readonly requests: Request[] = [];
  readonly ports: Transferable[] = [];
  isTerminated = false;

  postMessage(request: Request, transfer: Transferable[] = []): void {
    this.ports.push(...transfer);
    this.requests.push(request);
    const answer = answerTo(request);
    if (answer) queueMicrotask(() => this.dispatchEvent(new MessageEvent('message', { data: answer })));
  }

  terminate(): void {
    this.isTerminated = true;
  }
}

let workers: FakeWorker[];
let answerTo: (request: Request) => Answer | undefined;

function good({ id, file, grid }: Request): Answer {
  const pixels = grid && new Uint8ClampedArray(grid.x.length * grid.y.length * 4).fill(id);
  return { id, ...(file && { info: INFO, plan: 'plan' }), ...(pixels && { pixels }) };
}

const engine: Engine = {
  async start() {
    const worker = new FakeWorker();
    workers.push(worker);
    return worker as unknown as Worker;
  },
};

beforeEach(() => {
  workers = [];
  answerTo = good;
});

async function tilesOf(tiles: AsyncIterable<Tile>): Promise<number[][]> {
  const all: number[][] = [];
  for await (const { scale, firstRow, width, height } of tiles) all.push([scale, firstRow, width, height]);
  return all;
}

test('every part gets the spacing of the samples of the whole', async () => {
  const image = await new Decoder({ threads: 1, engine }).open(FILE);
  const [x, y] = [axis(40, undefined, 8000), axis(30, undefined, 5)];
  await tilesOf(image.decode({ x, y, coarse: true }));
  const grids = workers[0]?.requests.flatMap(({ grid }) => grid ?? []) ?? [];
  expect(grids.slice(1).map(({ y }) => y.length)).toEqual([2, 2, 1]);
  const spacings = grids.map(({ spacing }) => spacing.map((pixels) => Math.round(pixels * 1e4) / 1e4));
  expect(spacings).toEqual([[0.04, 48], ...Array(3).fill([0.005, 6])]);
});

test('opens a file in one worker, and gives its plan to the others', async () => {
  const image = await new Decoder({ threads: 2, engine }).open(FILE);
  expect([image.info, image.bytes]).toEqual([INFO, 3]);
  expect(workers.length).toBe(1);
  await tilesOf(image.decode({ x: new Float32Array(4096), y: new Float32Array(64) }));
  const [first = [], second = []] = workers.map(({ requests }) => requests);
  expect(first.map(({ file }) => file)).toEqual([FILE, ...Array(first.length - 1).fill(undefined)]);
  expect(second[0]).toMatchObject({ plan: 'plan' });
  expect(second.some(({ file }) => file)).toBe(false);
});

test('gives a coarse picture first, then each row once', async () => {
  const image = await new Decoder({ threads: 1, engine }).open(FILE);
  const tiles = await tilesOf(
    image.decode({ x: new Float32Array(800), y: new Float32Array(50), coarse: true }),
  );
  expect(tiles).toEqual([
    [8, 0, 100, 7],
    [1, 0, 800, 16],
    [1, 16, 800, 16],
    [1, 32, 800, 16],
    [1, 48, 800, 2],
  ]);
});

test('draws fast networks in larger parts', async () => {
  answerTo = (request) => ({
    ...good(request),
    ...(request.file && { info: { ...INFO, macsPerPixel: 100 } }),
  });
  const image = await new Decoder({ threads: 1, engine }).open(FILE);
  const tiles = await tilesOf(image.decode({ x: new Float32Array(768), y: new Float32Array(100) }));
  expect(tiles.map(([, , , height]) => height)).toEqual([64, 36]);
});

test.each([
  [1, [256, 256]],
  [2, [128, 128, 128, 128]],
  [4, Array(8).fill(64)],
])('draws smooth pictures in two parts for each of %i workers', async (threads, heights) => {
  answerTo = (request) => ({ ...good(request), info: { ...INFO, isSmooth: true, macsPerPixel: 66_000 } });
  const image = await new Decoder({ threads, engine }).open(FILE);
  const tiles = await tilesOf(image.decode({ x: new Float32Array(768), y: new Float32Array(512) }));
  expect(tiles.map(([, , , height]) => height)).toEqual(heights);
});

test('draws slow networks in smaller parts', async () => {
  answerTo = (request) => ({
    ...good(request),
    ...(request.file && { info: { ...INFO, macsPerPixel: 1e6 } }),
  });
  const image = await new Decoder({ threads: 1, engine }).open(FILE);
  const tiles = await tilesOf(image.decode({ x: new Float32Array(800), y: new Float32Array(25) }));
  expect(tiles.map(([, , , height]) => height)).toEqual([10, 10, 5]);
});

test('a decode whose signal was aborted before it started rejects with the reason', async () => {
  const image = await new Decoder({ threads: 1, engine }).open(FILE);
  await expect(image.decode({ signal: AbortSignal.abort('enough') }).next()).rejects.toBe('enough');
});

test.each([FILE.buffer, new Blob([FILE])])('a file may be %s', async (content) => {
  const image = await new Decoder({ threads: 1, engine }).open(content);
  expect(image.bytes).toBe(3);
  expect(workers[0]?.requests[0]?.file).toEqual(FILE);
});

test('can be made where there is no browser', () => {
  vi.stubGlobal('navigator', undefined);
  expect(new Decoder({ engine }).threads).toBe(1);
  vi.unstubAllGlobals();
});

test('an aborted decode rejects with the reason', async () => {
  const image = await new Decoder({ threads: 1, engine }).open(FILE);
  const stop = new AbortController();
  const decode = tilesOf(
    image.decode({ x: new Float32Array(4096), y: new Float32Array(64), signal: stop.signal }),
  );
  stop.abort('enough');
  await expect(decode).rejects.toBe('enough');
  expect(await tilesOf(image.decode())).toHaveLength(1);
});

describe('a port that the first worker sends for another one', () => {
  /** Opens a file with two workers, and gives the second one a port. */
  async function give(own: Engine): Promise<{ here: MessagePort; there: MessagePort }> {
    await new Decoder({ threads: 2, engine: own }).open(FILE);
    const { port1: here, port2: there } = new MessageChannel();
    workers[0]?.dispatchEvent(new MessageEvent('message', { data: 1, ports: [there] }));
    return { here, there };
  }

  test('is given to another worker, which is started', async () => {
    const { there } = await give(engine);
    await vi.waitFor(() => expect(workers[1]?.ports).toEqual([there]));
    expect(workers[0]?.ports).toEqual([]);
  });

  test('reports that the other worker cannot start', async () => {
    const { here } = await give({
      start: (many) => (workers.length === 0 ? engine.start(many) : Promise.reject(new Error('no'))),
    });
    const said = await new Promise((resolve) => {
      here.onmessage = ({ data }) => resolve(data);
    });
    // Node turns undefined into null.
    expect(said ?? undefined).toBeUndefined();
  });

  test('is for one of as many workers as the engine is told', async () => {
    const start = vi.fn(engine.start);
    await new Decoder({ threads: 3, engine: { start } }).open(FILE);
    expect(start.mock.calls).toEqual([[3]]);
  });
});

describe('a worker', () => {
  test('that refuses a file can open the next', async () => {
    const decoder = new Decoder({ threads: 1, engine });
    answerTo = ({ id }) => ({ id, error: 'This is no picture.', fatal: false });
    await expect(decoder.open(FILE)).rejects.toThrow('This is no picture.');
    answerTo = good;
    expect((await decoder.open(FILE)).info).toEqual(INFO);
    expect(workers.length).toBe(1);
  });

  test('that cannot go on is replaced', async () => {
    const decoder = new Decoder({ threads: 1, engine });
    answerTo = ({ id }) => ({ id, error: 'No more memory.', fatal: true });
    await expect(decoder.open(FILE)).rejects.toThrow('No more memory.');
    answerTo = good;
    expect((await decoder.open(FILE)).info).toEqual(INFO);
    expect(workers.map(({ isTerminated }) => isTerminated)).toEqual([true, false]);
  });

  test('that stops is replaced', async () => {
    const decoder = new Decoder({ threads: 1, engine });
    answerTo = () => undefined;
    const opening = decoder.open(FILE);
    await vi.waitFor(() => expect(workers[0]?.requests.length).toBe(1));
    workers[0]?.dispatchEvent(new Event('error'));
    await expect(opening).rejects.toThrow('stopped');
    answerTo = good;
    expect((await decoder.open(FILE)).info).toEqual(INFO);
  });

  test('that hangs is terminated after 30 seconds', async () => {
    vi.useFakeTimers();
    const decoder = new Decoder({ threads: 1, engine });
    answerTo = () => undefined;
    const opening = decoder.open(FILE).catch(String);
    await vi.advanceTimersByTimeAsync(29_000);
    expect(workers[0]?.isTerminated).toBe(false);
    await vi.advanceTimersByTimeAsync(2_000);
    vi.useRealTimers();
    expect(await opening).toContain('took too long');
    expect(workers[0]?.isTerminated).toBe(true);
    answerTo = good;
    expect((await decoder.open(FILE)).info).toEqual(INFO);
  });

  test('has 30 seconds for each answer, however many wait', async () => {
    vi.useFakeTimers();
    const decoder = new Decoder({ threads: 1, engine });
    answerTo = () => undefined;
    const opening = [1, 2, 3].map(() => decoder.open(FILE));
    for (let at = 0; at < 3; at++) {
      await vi.advanceTimersByTimeAsync(20_000);
      const data = good(workers[0]?.requests[at] as Request);
      workers[0]?.dispatchEvent(new MessageEvent('message', { data }));
    }
    await vi.advanceTimersByTimeAsync(60_000);
    vi.useRealTimers();
    expect(await Promise.all(opening)).toHaveLength(3);
    expect(workers[0]?.isTerminated).toBe(false);
  });

  test('ends when the decoder is closed, and what waits for it fails', async () => {
    const decoder = new Decoder({ threads: 2, engine });
    await decoder.open(FILE);
    answerTo = () => undefined;
    const opening = decoder.open(FILE).catch(String);
    await vi.waitFor(() => expect(workers[0]?.requests.length).toBe(2));
    decoder.close();
    expect(await opening).toBe('ModelError: The decoder was closed.');
    await expect(decoder.open(FILE)).rejects.toThrow('The decoder was closed.');
    expect(workers.map(({ isTerminated }) => isTerminated)).toEqual([true]);
  });

  test('ends when the decoder is closed while it starts, or while a picture is drawn', async () => {
    const starting = new Decoder({ threads: 1, engine });
    const opening = starting.open(FILE).catch(String);
    starting.close();
    expect(await opening).toBe('ModelError: The decoder was closed.');
    const decoder = new Decoder({ threads: 1, engine });
    const image = await decoder.open(FILE);
    const tiles = image.decode({ x: new Float32Array(4096), y: new Float32Array(640) });
    await tiles.next();
    decoder.close();
    const rest = (async () => {
      for await (const _ of tiles);
    })();
    await expect(rest).rejects.toThrow('The decoder was closed.');
    expect(workers.every(({ isTerminated }) => isTerminated)).toBe(true);
  });

  test('that does not start is reported, and started again', async () => {
    let starts = 0;
    const broken: Engine = {
      start: () => (++starts === 1 ? Promise.reject(new Error('no')) : engine.start(1)),
    };
    const decoder = new Decoder({ threads: 1, engine: broken });
    await expect(decoder.open(FILE)).rejects.toThrow('no');
    expect((await decoder.open(FILE)).info).toEqual(INFO);
  });
});
