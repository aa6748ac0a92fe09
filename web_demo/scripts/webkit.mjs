/** Starts WebKitGTK, controlled by its WebDriver, on a virtual display of its own. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** How often the driver is asked whether it has started. */
const TRIES = 100;
/** Milliseconds between these requests. */
const PAUSE = 200;

/**
 * Starts the browser and a session of WebDriver.
 * @param {{ driver: string, display: string, browser: string }} paths
 * @param {'normal' | 'none'} [waits] whether commands wait for pages to be loaded
 */
export async function startWebKit({ driver, display, browser }, waits = 'normal') {
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const screen = `:${100 + (port % 900)}`;
  // The sandbox needs rights that a container may not have.
  const env = { ...process.env, DISPLAY: screen, WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1' };
  const started = [
    spawn(display, [screen, '-screen', '0', '1600x1200x24'], { stdio: 'ignore' }),
    spawn(driver, [`--port=${port}`], { stdio: 'ignore', env }),
  ];
  await answering(address);
  const options = { binary: browser, args: ['--automation'] };
  const capabilities = { alwaysMatch: { pageLoadStrategy: waits, 'webkitgtk:browserOptions': options } };
  const { sessionId, capabilities: own } = await ask('/session', { capabilities });
  const session = `/session/${sessionId}`;

  /** @param {string} path @param {object} [body] @returns {Promise<any>} */
  async function ask(path, body) {
    const request = body ? { method: 'POST', body: JSON.stringify(body) } : {};
    const { value } = await (await fetch(address + path, request)).json();
    if (value?.error) throw new Error(`${path}: ${value.message}`);
    return value;
  }

  return {
    /** @type {string} */
    version: own.browserVersion,
    /** Sends a command of WebDriver, such as `/url`. @param {string} command @param {object} [body] */
    ask: (command, body) => ask(session + command, body),
    async close() {
      await fetch(address + session, { method: 'DELETE' }).catch(() => undefined);
      for (const process of started) process.kill();
    },
  };
}

/** Waits until the driver answers. @param {string} address */
async function answering(address) {
  for (let tries = 0; tries < TRIES; tries++) {
    const response = await fetch(`${address}/status`).catch(() => undefined);
    if (response?.ok) return;
    await sleep(PAUSE);
  }
  throw new Error('WebKitGTK’s driver did not start.');
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0));
    });
  });
}
