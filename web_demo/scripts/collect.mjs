/**
 * Puts into public/ what the page serves but this folder does not hold: ONNX Runtime's WebAssembly and the samples.
 * The samples come from ../exported, or from the folder that ANIR_EXPORTED names.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const publicFolder = join(root, 'public');
const exported = resolve(process.env.ANIR_EXPORTED ?? join(root, '../exported'));

collectRuntime();
collectSamples();

function collectRuntime() {
  const ort = emptyFolder('ort');
  const resolveModule = createRequire(import.meta.url).resolve;
  for (const file of ['ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm']) {
    cpSync(resolveModule(`onnxruntime-web/${file}`), join(ort, file));
  }
}

function collectSamples() {
  const samples = emptyFolder('samples');
  const names = existsSync(exported) ? readdirSync(exported).sort() : [];
  const index = names.filter((name) => existsSync(join(exported, name, 'manifest.json')));
  for (const name of index) copySample(join(exported, name), join(samples, name));
  writeFileSync(
    join(samples, 'index.json'),
    JSON.stringify(index.map((name) => ({ name, title: titleOf(name) }))),
  );
  console.log(`Collected ${index.length} samples from ${exported}`);
}

/** @param {string} from @param {string} to */
function copySample(from, to) {
  const manifest = JSON.parse(readFileSync(join(from, 'manifest.json'), 'utf8'));
  const models = manifest.subnets.map((/** @type {{file: string}} */ subnet) => subnet.file);
  mkdirSync(to);
  for (const file of ['manifest.json', manifest.source.file, ...models])
    cpSync(join(from, file), join(to, file));
}

/** @param {string} name */
function titleOf(name) {
  const words = name.replace(/[-_]+/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** @param {string} name */
function emptyFolder(name) {
  const folder = join(publicFolder, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}
