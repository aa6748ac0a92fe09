/**
 * Copies into public/ the files of the page that come from elsewhere: ONNX Runtime's WebAssembly and the samples.
 * The samples come from ../exported, or from the folder named by ANIR_EXPORTED.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const publicFolder = join(root, 'public');
const exported = resolve(process.env.ANIR_EXPORTED ?? join(root, '../exported'));

/** Bytes of the first sample that are embedded in the page: enough for its first picture. */
const HEAD_BYTES = 1024;

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
  const found = names.filter((name) => existsSync(join(exported, name, 'manifest.json')));
  const index = found.map((name) => ({
    name,
    title: titleOf(name),
    ...copySample(join(exported, name), join(samples, name)),
  }));
  const [first] = index;
  if (first?.anir) {
    const file = readFileSync(join(samples, first.name, first.anir));
    Object.assign(first, { head: file.subarray(0, HEAD_BYTES).toString('base64') });
  }
  writeFileSync(join(samples, 'index.json'), JSON.stringify(index));
  console.log(`Collected ${index.length} samples from ${exported}`);
}

/**
 * Copies a sample, as its `.anir` file if there is one, else as `.onnx` files with their manifest. Returns its entry in the index.
 * @param {string} from @param {string} to
 */
function copySample(from, to) {
  const { source, subnets } = JSON.parse(readFileSync(join(from, 'manifest.json'), 'utf8'));
  const anir = readdirSync(from).find((name) => name.endsWith('.anir'));
  const models = subnets.map((/** @type {{file: string}} */ subnet) => subnet.file);
  mkdirSync(to);
  for (const file of [source.file, ...(anir ? [anir] : ['manifest.json', ...models])])
    cpSync(join(from, file), join(to, file));
  const sizes = subnets.map((/** @type {{bytes: number}} */ { bytes }) => bytes);
  const twins = hasTwins(from, anir ? statSync(join(from, anir)).size : Math.max(...sizes));
  if (twins) cpSync(join(from, 'codecs'), join(to, 'codecs'), { recursive: true });
  else
    console.warn(
      `${from}: no codec files of these sizes; \`python -m bench.page_codecs ${from}\` makes them`,
    );
  return { source: source.file, twins, ...(anir && { anir }) };
}

/**
 * Whether there are codec files that were made for a largest subnet of `largest` bytes.
 * @param {string} folder @param {number} largest
 */
function hasTwins(folder, largest) {
  const list = join(folder, 'codecs/codecs.json');
  if (!existsSync(list)) return false;
  /** @type {{subnet_bytes: number}[]} */
  const rows = Object.values(JSON.parse(readFileSync(list, 'utf8')));
  return Math.max(...rows.map((row) => row.subnet_bytes)) === largest;
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
