/** Packs the project's source, which the page offers for download. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Samples and plots, which `make demo`, the tests of the code and the page's build do not need. */
const LEFT_OUT = [':!exported/*/*', ':!bench/results/*.png'];

/**
 * Packs the project at `root`, as it is committed, into `folder`; if it is not a Git repository, copies its licence instead.
 * @param {string} root @param {string} folder @returns {{ file: string, bytes: number, isLicence: boolean }}
 */
export function packSource(root, folder) {
  const archive = join(folder, 'anir.tar.gz');
  const pack = ['archive', '--format=tar.gz', '--prefix=anir/', `--output=${archive}`, 'HEAD', '--', '.'];
  try {
    execFileSync('git', [...pack, ...LEFT_OUT], { cwd: root, stdio: 'pipe' });
    return { file: 'anir.tar.gz', bytes: statSync(archive).size, isLicence: false };
  } catch {
    const licence = join(folder, 'LICENSE.txt');
    copyFileSync(join(root, 'LICENSE'), licence);
    return { file: 'LICENSE.txt', bytes: statSync(licence).size, isLicence: true };
  }
}
