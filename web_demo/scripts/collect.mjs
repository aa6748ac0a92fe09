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
  const found = names.filter((name) => existsSync(join(exported, name, 'manifest.json')));
  const index = found.map((name) => ({
    name,
    title: titleOf(name),
    twins: copySample(join(exported, name), join(samples, name)),
  }));
  writeFileSync(join(samples, 'index.json'), JSON.stringify(index));
  console.log(`Collected ${index.length} samples from ${exported}`);
}

/**
 * Says whether there are codec files of the subnets' sizes, too.
 * @param {string} from @param {string} to
 */
function copySample(from, to) {
  const { source, subnets } = JSON.parse(readFileSync(join(from, 'manifest.json'), 'utf8'));
  const models = subnets.map((/** @type {{file: string}} */ subnet) => subnet.file);
  mkdirSync(to);
  for (const file of ['manifest.json', source.file, ...models]) cpSync(join(from, file), join(to, file));
  if (!hasTwins(from, subnets)) {
    console.warn(
      `${from}: no codec files of these sizes; \`python -m bench.page_codecs ${from}\` makes them`,
    );
    return false;
  }
  cpSync(join(from, 'codecs'), join(to, 'codecs'), { recursive: true });
  return true;
}

/**
 * Whether the codec files were made for these very subnets.
 * @param {string} folder @param {{name: string, bytes: number}[]} subnets
 */
function hasTwins(folder, subnets) {
  const list = join(folder, 'codecs/codecs.json');
  if (!existsSync(list)) return false;
  const rows = JSON.parse(readFileSync(list, 'utf8'));
  return subnets.every(({ name, bytes }) => rows[name]?.subnet_bytes === bytes);
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
