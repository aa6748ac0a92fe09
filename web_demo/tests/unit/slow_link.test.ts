/** Tests the slow link of the benchmark of the page's first second. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { slow } from '../../bench/slow_link.mjs';
import { serve } from '../../scripts/serve.mjs';

const FILE = Uint8Array.from({ length: 50_000 }, (_, k) => (k * k) % 251);
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'anir-'));
  writeFileSync(join(folder, 'a.bin'), FILE);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('delivers bytes no sooner than rate and latency allow, and counts them', async () => {
  const link = slow({ megabits: 4, latency: 20 });
  const { url, close } = await serve(folder, { through: link.through });
  const started = Date.now();
  try {
    const answers = await Promise.all(
      [1, 2].map(() => fetch(`${url}a.bin`).then((own) => own.arrayBuffer())),
    );
    for (const answer of answers) expect(new Uint8Array(answer)).toEqual(FILE);
  } finally {
    close();
  }
  // 100 kB at 500 bytes per millisecond, after connecting; timers may be some milliseconds early.
  expect(Date.now() - started).toBeGreaterThan(200 + 40 - 20);
  expect(link.bytesAt(started - 1)).toBe(0);
  expect(link.bytesAt(Date.now())).toBeGreaterThan(2 * FILE.length);
  expect(link.bytesAt(Date.now())).toBeLessThan(2.02 * FILE.length);
});
