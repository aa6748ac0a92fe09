/** Tests that the element draws the same as Python in WebKitGTK, which WebKitWebDriver drives on a virtual display. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startWebKit } from '../../scripts/webkit.mjs';
import { fixtures, good, read } from './fixtures.ts';
import { isSamePicture } from './page.ts';
import { drawnPixels, messageOfBroken, servePlainPage, sharesStrips, streamedLevels } from './plain_page.ts';
import { findWebKit } from './preflight.mjs';
import { levelOf } from './stream_page.ts';

const webkit = findWebKit();

describe.skipIf(!webkit)('WebKitGTK', () => {
  let close: () => void;
  let driven: Awaited<ReturnType<typeof startWebKit>>;

  beforeAll(async () => {
    const server = await servePlainPage();
    close = server.close;
    driven = await startWebKit(webkit as NonNullable<typeof webkit>);
    await driven.ask('/timeouts', { script: 30_000 });
    await driven.ask('/url', { url: server.url });
  }, 180_000);

  afterAll(async () => {
    await driven?.close();
    close?.();
  });

  function run<T>(code: (id: string) => Promise<T>, id: string): Promise<T> {
    const script = `const done = arguments[1]; (${code})(arguments[0]).then(done, (error) => done(String(error)))`;
    return driven.ask('/execute/async', { script, args: [id] }) as Promise<T>;
  }

  test.each(fixtures)('draws $family as Python does', async ({ family, pixels }) => {
    expect(isSamePicture(Uint8Array.from(await run(drawnPixels, family)), read(pixels))).toBe(true);
  });

  test('shows the level of a stream that size and quality require', async () => {
    expect(await run(streamedLevels, good.family)).toEqual([levelOf(34, 1), levelOf(40, 1)]);
  });

  test('decodes a large picture’s strips in several workers', async () => {
    expect(await run(sharesStrips, good.family)).toBe(true);
  });

  test('reports a file that is no ONNX file', async () => {
    expect(await run(messageOfBroken, good.family)).toContain('not an ONNX file');
  });
});
