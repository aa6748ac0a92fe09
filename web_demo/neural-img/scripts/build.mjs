/**
 * `node scripts/build.mjs` writes src/generated: the kernel's two modules, the coder, the common networks and the worker, as strings
 * in JavaScript modules. With `--package` it also writes dist, the whole package.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { minify } from 'terser';
import { compile, compileCoder } from './compile.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const inRoot = (/** @type {string} */ file) => join(root, file);

/** Converts bytes to the text that `fromCharacters` of src/bytes.ts reads, without characters that JavaScript escapes. @param {Uint8Array} bytes */
function toCharacters(bytes) {
  const codes = Array.from(bytes, (byte) => {
    const turned = (byte + 5) % 256;
    return turned + (turned < 0x39 ? 0x23 : turned < 0x5b ? 0x24 : 0x65);
  });
  return String.fromCharCode(...codes);
}

/** Bundles and minifies a module with all that it imports. @param {string} code @param {'esm' | 'iife'} format */
async function bundle(code, format) {
  const stdin = { contents: code, resolveDir: inRoot('src') };
  const options = { bundle: true, minify: true, target: 'es2022', charset: 'utf8', write: false };
  const { outputFiles } = await build({ ...options, format, stdin });
  // Numeric constants are inlined, but not those of `const [A, B] = [1, 2]`. Minified once more by terser, the text is a kilobyte
  // smaller when compressed.
  const { code: text = '' } = await minify(outputFiles[0].text, {
    toplevel: true,
    module: format === 'esm',
    compress: { passes: 2 },
  });
  return text;
}

/** Writes a module of src/generated that exports strings. @param {string} name @param {Record<string, string>} texts */
function writeTexts(name, texts) {
  const lines = Object.entries(texts).map(
    ([key, text]) => `export const ${key} = ${JSON.stringify(text)};\n`,
  );
  writeFileSync(join(inRoot('src/generated'), name), lines.join(''));
}

mkdirSync(inRoot('src/generated'), { recursive: true });
const common = readFileSync(inRoot('../../runtime_py/anir_runtime/common_networks.bin'));
writeTexts('common_networks.ts', { COMMON_NETWORKS: common.toString('hex').toUpperCase() });
const worker = await bundle("import './decoder.worker.ts';", 'iife');
// A file of its own as well: bundlers find it by its URL in light.ts.
writeFileSync(inRoot('src/decoder.worker.js'), worker);
writeTexts('worker.ts', { WORKER: worker });
// Without and with relaxed SIMD's fused multiply-add. Optimizing for size costs no speed here, but would make the coder slower.
const [plain, relaxed] = [
  await compile('kernel/index.ts', '1', '-O3s', '--enable', 'simd'),
  await compile('kernel/index.ts', '1', '-O3s', '--enable', 'simd,relaxed-simd'),
];
writeTexts('kernel.ts', { PLAIN: toCharacters(plain), RELAXED: toCharacters(relaxed) });
writeTexts('coder.ts', { CODER: toCharacters(await compileCoder()) });

if (process.argv.includes('--package')) {
  rmSync(inRoot('dist'), { recursive: true, force: true });
  const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
  execFileSync(process.execPath, [join(typescript, 'bin/tsc'), '-p', root], { stdio: 'inherit' });
  for (const name of ['attributes', 'jsx', 'svelte', 'vue'])
    copyFileSync(inRoot(`src/${name}.d.ts`), inRoot(`dist/${name}.d.ts`));
  // npm packs a file of this name.
  copyFileSync(inRoot('../../LICENSE'), inRoot('LICENSE'));
  // One file for the whole package, and one for its worker, for pages whose Content Security Policy forbids workers from blobs.
  const whole = await bundle("export * from './index.ts'; export * from './define.ts';", 'esm');
  writeFileSync(inRoot('dist/neural-img.js'), whole);
  writeFileSync(inRoot('dist/decoder.worker.js'), worker);
}
