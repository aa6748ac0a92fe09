/** Tests prefixes of files with a fake decoder. */
import { beforeEach, expect, test } from 'vitest';
import { ModelError } from '../../neural-img/src/model_error.ts';
import { Prefix } from '../../neural-img/src/prefix.ts';
import { endOf, FakeStreams, FILE, levels, start } from '../streams.ts';

let streams: FakeStreams;

beforeEach(() => {
  streams = new FakeStreams();
});

function prefixOf(bytes: number): Prefix {
  const prefix = new Prefix(streams.decoder);
  prefix.add(FILE.subarray(0, bytes));
  return prefix;
}

test('has the header and the levels as they arrive', () => {
  const prefix = prefixOf(start - 1);
  expect([prefix.header, prefix.available, prefix.pixels]).toEqual([undefined, 0, 0]);
  prefix.add(FILE.subarray(start - 1, endOf(2)));
  expect([prefix.header?.levels.length, prefix.available, prefix.pixels]).toEqual([4, 2, 75 * 52]);
  prefix.add(FILE.subarray(endOf(2), endOf(3) - 1));
  expect([prefix.available, prefix.bytes]).toEqual([2, endOf(3) - 1]);
});

test('refuses bytes that begin no .anir file', () => {
  expect(() => new Prefix(streams.decoder).add(Uint8Array.of(1, 2, 3, 4, 5))).toThrow('not an .anir file');
});

test('continues one stream, which gets each byte once', async () => {
  const prefix = prefixOf(endOf(1));
  await prefix.improve(1);
  expect(prefix.best?.refinement).toEqual({ level: 1, bytes: endOf(1), psnr: levels[0]?.psnr[0] });
  prefix.add(FILE.subarray(endOf(1), endOf(3)));
  await prefix.improve(3);
  expect(prefix.best?.refinement?.level).toBe(3);
  await prefix.improve(2);
  expect(prefix.best?.refinement?.level).toBe(3);
  expect(streams.asked).toEqual([[`${endOf(1)} bytes`, 0, `${endOf(3)} bytes`, 2]]);
  prefix.close();
  prefix.add(FILE.subarray(endOf(3)));
  await prefix.improve(4);
  expect(streams.asked[1]).toEqual([`${FILE.length} bytes`, 3]);
  prefix.close();
});

test('has previews before the first level only, one for each quarter more of bytes', async () => {
  const prefix = prefixOf(start + 18);
  await prefix.preview();
  expect(prefix.best).toBeUndefined();
  prefix.add(FILE.subarray(start + 18, start + 19));
  for (let time = 0; time < 2; time++) await prefix.preview();
  expect(prefix.best?.refinement).toEqual({ level: 0, bytes: start + 19 });
  // Another preview is drawn when there is a quarter more.
  const next = Math.ceil(1.25 * (start + 19));
  prefix.add(FILE.subarray(start + 19, next - 1));
  await prefix.preview();
  expect(prefix.best?.refinement?.bytes).toBe(start + 19);
  prefix.add(FILE.subarray(next - 1, next));
  await prefix.preview();
  expect(prefix.best?.refinement?.bytes).toBe(next);
  prefix.add(FILE.subarray(next, endOf(1) - 1));
  await prefix.preview();
  expect(prefix.best?.refinement).toEqual({ level: 0, bytes: endOf(1) - 1 });
  prefix.add(FILE.subarray(endOf(1) - 1));
  await prefix.improve(1);
  await prefix.preview();
  expect(prefix.best?.refinement?.level).toBe(1);
  expect(streams.asked[0]?.filter((own) => own === 'preview').length).toBe(3);
  prefix.close();
});

test('a failing preview is damage, and is not tried again', async () => {
  streams.damaged = -1;
  const prefix = prefixOf(start + 30);
  await prefix.preview();
  expect([String(prefix.damage), prefix.limit]).toEqual(['ModelError: preview', 0]);
  await prefix.preview();
  expect(streams.asked).toEqual([[`${start + 30} bytes`, 'preview', 'closed']]);
});

test('has no level of a large picture before the minimum of bytes', async () => {
  const prefix = prefixOf(endOf(1));
  Object.assign(prefix.header as object, { size: [2048, 1024] });
  expect(prefix.available).toBe(0);
});

test('falls back to the last level before damage', async () => {
  streams.damaged = 2;
  const prefix = prefixOf(endOf(4));
  await prefix.improve(4);
  expect([prefix.best?.refinement?.level, prefix.limit]).toEqual([2, 2]);
  expect(String(prefix.damage)).toBe('ModelError: level 2');
  // Once more, as the worker may have failed because of another file.
  expect(streams.asked.map((own) => own.slice(1))).toEqual([
    [3, 'closed'],
    [3, 'closed'],
    [2, 'closed'],
    [1],
  ]);
  await prefix.improve(4);
  expect(streams.asked.length).toBe(4);
  prefix.close();
});

test('a call for fewer levels waits for one for more, and is no damage', async () => {
  const prefix = prefixOf(endOf(4));
  await Promise.all([4, 2, 3].map((level) => prefix.improve(level)));
  expect([prefix.best?.refinement?.level, prefix.damage]).toEqual([4, undefined]);
  expect(streams.asked).toEqual([[`${endOf(4)} bytes`, 3]]);
  prefix.close();
});

test('damage is known to all concurrent calls', async () => {
  streams.damaged = 2;
  const prefix = prefixOf(endOf(4));
  const limits = [1, 2].map(() => prefix.improve(4).then(() => [prefix.limit, prefix.level]));
  expect(await Promise.all(limits)).toEqual([
    [2, 2],
    [2, 2],
  ]);
  prefix.close();
});

test('a failure that does not repeat itself is no damage', async () => {
  streams.damaged = 2;
  const prefix = prefixOf(endOf(4));
  const improving = prefix.improve(4);
  while (streams.asked.length < 2) await Promise.resolve();
  streams.damaged = Number.POSITIVE_INFINITY;
  await improving;
  expect([prefix.best?.refinement?.level, prefix.damage]).toEqual([4, undefined]);
  prefix.close();
});

test('tries no other level after a fatal error of the decoder', async () => {
  Object.assign(streams, { damaged: 1, isFatal: true });
  const prefix = prefixOf(endOf(4));
  await prefix.improve(4);
  expect([prefix.best, prefix.limit, streams.asked.length]).toEqual([undefined, 0, 1]);
});

test('shows what a truncated file has of the next level', async () => {
  const prefix = prefixOf(endOf(2) + 9);
  await prefix.endHere(new ModelError('cut'));
  expect(prefix.best?.refinement).toEqual({ level: 2, bytes: endOf(2) + 9, psnr: levels[1]?.psnr[0] });
  expect([prefix.limit, String(prefix.damage)]).toEqual([2, 'ModelError: cut']);
  prefix.close();
});

test('shows a preview of a file cut within its first level, also again', async () => {
  const prefix = prefixOf(endOf(1) - 1);
  await prefix.endHere(new ModelError('cut'));
  expect(prefix.best?.refinement?.level).toBe(0);
  prefix.best = undefined;
  await prefix.preview();
  expect(prefix.best).toMatchObject({ refinement: { level: 0, bytes: endOf(1) - 1 } });
  prefix.close();
});

test('closing it while a level is decoded is no damage', async () => {
  streams.damaged = 0;
  const prefix = prefixOf(endOf(3));
  const improved = prefix.improve(3);
  while (streams.asked[0]?.at(-1) !== 2) await undefined;
  prefix.close();
  await improved;
  expect([prefix.best, prefix.damage, prefix.limit]).toEqual([
    undefined,
    undefined,
    Number.POSITIVE_INFINITY,
  ]);
  streams.damaged = 9;
  await prefix.improve(3);
  expect(prefix.best?.refinement?.level).toBe(3);
  prefix.close();
});

test('a prefix that is closed before its turn is not decoded', async () => {
  const prefix = prefixOf(endOf(3));
  const improved = prefix.improve(3);
  prefix.close();
  await improved;
  expect([prefix.best, streams.asked]).toEqual([undefined, [['closed']]]);
});

test('large prefixes are decoded one after the other, and streams are closed if there are too many', async () => {
  const large = Array.from({ length: 3 }, () => prefixOf(endOf(1)));
  for (const prefix of large) Object.defineProperty(prefix, 'pixels', { value: 3e6 });
  await Promise.all(large.map((prefix) => prefix.improve(1)));
  expect(streams.asked.map((own) => own.at(-1))).toEqual([0, 'closed', 'closed']);
  for (const prefix of large) prefix.close();
});
