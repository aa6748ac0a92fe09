/** The element in WebKitGTK, which its own WebDriver drives on a display of its own, draws what Python decodes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { fixtures, good, read } from './fixtures.ts';
import { isSamePicture } from './page.ts';
import { drawnPixels, messageOfBroken, servePlainPage, streamedLevels } from './plain_page.ts';
import { findWebKit } from './preflight.mjs';
import { levelOf } from './stream_page.ts';

const webkit = findWebKit();

describe.skipIf(!webkit)('WebKitGTK', () => {
  const started: ChildProcess[] = [];
  let close: () => void;
  let driver: string;
  let session: string;

  beforeAll(async () => {
    const server = await servePlainPage();
    close = server.close;
    const port = await freePort();
    driver = `http://127.0.0.1:${port}`;
    // A display of its own; the sandbox needs rights that a container may not have.
    const display = `:${100 + (port % 900)}`;
    const env = { ...process.env, DISPLAY: display, WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1' };
    started.push(spawn(webkit?.display ?? '', [display, '-screen', '0', '1200x900x24'], { stdio: 'ignore' }));
    started.push(spawn(webkit?.driver ?? '', [`--port=${port}`], { stdio: 'ignore', env }));
    const options = { binary: webkit?.browser, args: ['--automation'] };
    const capabilities = { alwaysMatch: { 'webkitgtk:browserOptions': options } };
    await vi.waitFor(() => ask('/status'), { timeout: 20_000, interval: 200 });
    const { sessionId } = (await ask('/session', { capabilities })) as { sessionId: string };
    session = `/session/${sessionId}`;
    await ask(`${session}/timeouts`, { script: 30_000 });
    await ask(`${session}/url`, { url: server.url });
  }, 180_000);

  afterAll(async () => {
    await fetch(driver + session, { method: 'DELETE' }).catch(() => undefined);
    for (const process of started) process.kill();
    close?.();
  });

  async function ask(path: string, body?: object): Promise<unknown> {
    const request = body ? { method: 'POST', body: JSON.stringify(body) } : {};
    const { value } = await (await fetch(driver + path, request)).json();
    if (value?.error) throw new Error(`${path}: ${value.message}`);
    return value;
  }

  function run<T>(code: (id: string) => Promise<T>, id: string): Promise<T> {
    const script = `const done = arguments[1]; (${code})(arguments[0]).then(done, (error) => done(String(error)))`;
    return ask(`${session}/execute/async`, { script, args: [id] }) as Promise<T>;
  }

  test.each(fixtures)('draws $family', async ({ family, pixels }) => {
    expect(isSamePicture(Uint8Array.from(await run(drawnPixels, family)), read(pixels))).toBe(true);
  });

  test('shows as much of a stream as is asked for', async () => {
    expect(await run(streamedLevels, good.family)).toEqual([levelOf(34, 1), levelOf(40, 1)]);
  });

  test('says what is wrong with a file', async () => {
    expect(await run(messageOfBroken, good.family)).toContain('not an ONNX file');
  });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0));
    });
  });
}
