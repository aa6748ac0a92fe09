/** Tests decoding the strips of a large picture with workers that help, fail, or stay silent. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { AnirFile } from '../../neural-img/src/anir_file.ts';
import { readHeader } from '../../neural-img/src/anir_header.ts';
import { help } from '../../neural-img/src/help.ts';
import type { Network } from '../../neural-img/src/network.ts';
import { type Connect, SharedStrips } from '../../neural-img/src/shared_strips.ts';
import { CODER_MODULE } from '../kernels.ts';
import { stripsCase } from '../vectors.ts';
import { connectTo } from '../workers.ts';

const { file, five } = stripsCase();
const ends = readHeader(five).levels.map(({ end }) => end) as [number, number, number];
/** Number of bytes up to the middle of the last level. */
const middle = Math.floor((ends[1] + ends[2]) / 2);

function fileOf(connect: Connect, ...parts: Uint8Array[]): AnirFile {
  const own = new AnirFile(CODER_MODULE, connect);
  for (const part of parts) own.feed(part);
  return own;
}

const alone = (...parts: Uint8Array[]) => fileOf(() => [], ...parts);

/** A network, with its nonzero codes only. */
function known({ latents, ...network }: Network) {
  const codes = [...(latents?.codes.entries() ?? [])].filter(([, code]) => code !== 0);
  return { ...network, latents: { ...latents, codes } };
}

/** The networks of a file that arrives: its first level, an incomplete last level, and the last level. */
async function shown(own: AnirFile) {
  own.feed(five.subarray(0, ends[0]));
  const networks = [await own.network()];
  own.feed(five.subarray(ends[0], middle));
  networks.push(await own.refined());
  own.feed(five.subarray(middle));
  return [...networks, await own.network()].map(known);
}

const expected = await shown(alone());

afterEach(() => {
  vi.useRealTimers();
});

describe.each([1, 3, 7])('with %i helping workers', (helpers) => {
  test('each level is decoded as without', async () => {
    const [own, other] = [alone(five), fileOf(connectTo(helpers), five)];
    for (const level of [0, 1, 2])
      expect(known(await other.network(level))).toEqual(known(await own.network(level)));
  });

  test('the last level is decoded as without, if the others are skipped', async () => {
    expect(known(await fileOf(connectTo(helpers), five).network())).toEqual(expected[2]);
  });

  test('an incomplete level and the next one are decoded as without', async () => {
    expect(await shown(fileOf(connectTo(helpers)))).toEqual(expected);
  });

  test('damage in any strip is reported in the same level', async () => {
    const told = async (own: AnirFile, level: number) => own.network(level).then(String, String);
    const messages = new Set();
    for (let place = ends[0] + 9; place < five.length; place += 211) {
      const changed = five.with(place, (five[place] as number) ^ 64);
      const message = await told(alone(changed), 2);
      messages.add(message);
      const other = fileOf(connectTo(helpers), changed);
      expect(await told(other, 2), `${place}`).toBe(message);
      // Reading again after damage reports the same.
      expect(await told(other, 2), `${place}`).toBe(message);
    }
    for (const level of [2, 3])
      expect(messages).toContain(`ModelError: This file is damaged in its level ${level}; fetch it again.`);
  });
});

test('a worker is requested for each strip but the first, and none in other families', () => {
  const asked: number[] = [];
  const connect = (most: number) => {
    asked.push(most);
    return [];
  };
  fileOf(connect, file);
  fileOf(connect, five);
  const header = { ...readHeader(file), size: [1024, 1024] as [number, number] };
  new SharedStrips(CODER_MODULE, header, new Uint8Array(99), connect);
  new SharedStrips(CODER_MODULE, { ...header, family: 'siren' }, new Uint8Array(99), connect);
  expect(asked).toEqual([1, 4, 0, 0]);
});

describe('a worker', () => {
  /** A worker that obeys an order once `before` has returned, and only if it returns true. */
  const after = (before: (name: string) => boolean | Promise<boolean>) => (port: MessagePort) => {
    help(port, CODER_MODULE);
    const { onmessage } = port;
    let turn = Promise.resolve();
    port.onmessage = (event) => {
      turn = turn.then(async () => {
        if (await before(event.data[0])) onmessage?.call(port, event);
      });
    };
  };
  const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

  test.each([0, 2, 9])('that is silent after %i orders is replaced after a while', async (most) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let [orders, isDone] = [0, false];
    const networks = shown(
      fileOf(
        connectTo(
          2,
          after(() => orders++ < most),
        ),
      ),
    ).finally(() => {
      isDone = true;
    });
    while (!isDone) {
      vi.advanceTimersByTime(500);
      await nextTurn();
    }
    expect(await networks).toEqual(expected);
  });

  test('that is slow is waited for while it makes progress', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const orders: string[] = [];
    const slow = after(async (name) => {
      orders.push(name);
      await nextTurn();
      await nextTurn();
      vi.advanceTimersByTime(9000);
      return true;
    });
    const first = five.subarray(0, ends[0]);
    expect(known(await fileOf(connectTo(1, slow), first).network())).toEqual(expected[0]);
    expect(orders).toEqual(['begin', 'level', 'check', 'known']);
  });

  test('that fails is replaced', async () => {
    const broken = (port: MessagePort) => help(port, {} as WebAssembly.Module);
    expect(await shown(fileOf(connectTo(2, broken)))).toEqual(expected);
  });

  test('that cannot start is replaced', async () => {
    const refused = (port: MessagePort) => port.postMessage(undefined);
    expect(await shown(fileOf(connectTo(2, refused)))).toEqual(expected);
  });

  test.each([
    ['the last level is known', (own: AnirFile) => own.network()],
    ['the file is closed', async (own: AnirFile) => own.network(0).then(() => own.close())],
  ])('is released when %s', async (_, end) => {
    const orders: string[] = [];
    const watched = after((name) => orders.push(name) > 0);
    await end(fileOf(connectTo(1, watched), five));
    await vi.waitFor(() => expect(orders.at(-1)).toBe('end'));
  });
});
