/** Makes projects that use the npm package: packed, and installed from the tarball. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PACKAGE = join(dirname(fileURLToPath(import.meta.url)), '../../neural-img');

/** Makes a project, and returns its folder, which the caller removes. */
export function makeProject(): string {
  const project = mkdtempSync(join(tmpdir(), 'neural-img-'));
  const npm = (...args: string[]) => execFileSync('npm', args, { cwd: project, stdio: 'pipe' }).toString();
  npm('pack', '--silent', '--pack-destination', project, PACKAGE);
  const tarball = readdirSync(project).find((name) => name.endsWith('.tgz'));
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({ private: true, type: 'module', dependencies: { 'neural-img': `file:${tarball}` } }),
  );
  npm('install', '--silent', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts');
  return project;
}
