/** Tests the archive of the source code that the page links to. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { packSource } from '../../scripts/source.mjs';

let root: string;
let out: string;

function write(...files: string[]): void {
  for (const file of files) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), file);
  }
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'anir-'));
  out = join(root, 'out');
  mkdirSync(out);
  write('LICENSE', 'web_demo/package.json', 'exported/README.md', 'exported/cup/cup.anir');
  write('bench/results/kodak.json', 'bench/results/kodak.png');
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

test('has all committed files except samples and plots', () => {
  const git = (...words: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...words], {
      cwd: root,
      stdio: 'pipe',
    });
  git('init');
  git('add', '.');
  git('commit', '-m', 'All');
  write('not-committed');
  const { file, bytes, isLicence } = packSource(root, out);
  const listed = execFileSync('tar', ['-tzf', join(out, file)], { encoding: 'utf8' }).split('\n');
  expect(listed.filter((name) => name && !name.endsWith('/')).sort()).toEqual([
    'anir/LICENSE',
    'anir/bench/results/kodak.json',
    'anir/exported/README.md',
    'anir/web_demo/package.json',
  ]);
  expect([bytes, isLicence]).toEqual([readFileSync(join(out, file)).length, false]);
});

test('is the licence alone if there is no repository', () => {
  expect(packSource(root, out)).toEqual({ file: 'LICENSE.txt', bytes: 7, isLicence: true });
  expect(readFileSync(join(out, 'LICENSE.txt'), 'utf8')).toBe('LICENSE');
});
