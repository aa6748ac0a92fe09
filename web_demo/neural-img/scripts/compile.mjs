/** Compiles modules of assembly/ (AssemblyScript) to WebAssembly. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Compiles a module of assembly/, whose initial memory is `pages` × 64 KiB.
 * @param {string} source @param {string} pages @param {string[]} flags
 */
export async function compile(source, pages, ...flags) {
  /** @type {Uint8Array | undefined} */
  let module;
  const options = ['--noAssert', '--runtime', 'stub', '--initialMemory', pages, ...flags];
  const { error, stderr } = await asc.main([`assembly/${source}`, ...options, '-o', 'out.wasm'], {
    readFile: (name, folder) => read(join(root, folder, name)),
    writeFile: (_, content) => {
      if (typeof content !== 'string') module = content;
    },
  });
  if (error || !module) throw new Error(stderr.toString());
  return module;
}

/**
 * Compiles the coder, or a variant of it. The module has no imports, so that Python can run it, too.
 * @param {string} source @param {string[]} flags
 */
export const compileCoder = (source = 'index.ts', ...flags) =>
  compile(`coder/${source}`, '2', '-O3', '--enable', 'simd', '--use', 'abort=', ...flags);

/** Reads a source file; returns null if there is none. The table x.bin is imported as a module './x.bin'. @param {string} file */
function read(file) {
  try {
    if (!file.endsWith('.bin.ts')) return readFileSync(file, 'utf8');
    const weights = new Int8Array(readFileSync(file.slice(0, -'.ts'.length)));
    return `export const WEIGHTS: StaticArray<i8> = [${weights}];`;
  } catch {
    return null;
  }
}
