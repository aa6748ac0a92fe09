/**
 * `npm run download`: measures what a visitor’s browser fetches to show a picture, by part, and the size of either engine.
 * Writes ../bench/results/download.json, which the page and docs/results.md quote.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');

/** Parts of the page by the paths of their files, without what is fetched later. @type {[string, RegExp][]} */
const PARTS = [
  ['HTML', /^index\.html$/],
  ['style', /^assets\/.*\.css$/],
  ['page’s JavaScript, with the decoder’s WebAssembly', /^assets\/index-.*\.js$/],
  ['decoder’s worker', /^assets\/decoder\.worker-.*\.js$/],
];
/** Files that are fetched when ONNX Runtime Web is chosen. */
const ONNX = /^(assets\/onnx\.worker-.*\.js|ort\/.*)$/;

const files = readdirSync(dist, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => extname(file));

/** Reads the build's files whose paths match. @param {RegExp} pattern */
function contentsOf(pattern) {
  const contents = files.filter((file) => pattern.test(file)).map((file) => readFileSync(join(dist, file)));
  if (contents.length === 0)
    throw new Error(`The build has nothing like ${pattern}: run \`npm run build\` first.`);
  return contents;
}

/** @param {Buffer[]} contents @param {(content: Buffer) => { length: number }} compress */
function sum(contents, compress) {
  return contents.reduce((bytes, content) => bytes + compress(content).length, 0);
}

const parts = PARTS.map(([part, pattern]) => {
  const contents = contentsOf(pattern);
  return {
    part,
    bytes: sum(contents, (content) => content),
    gzip: sum(contents, gzipSync),
    brotli: sum(contents, brotliCompressSync),
  };
});
const engines = {
  light: sum([readFileSync(join(root, 'neural-img/dist/neural-img.js'))], brotliCompressSync),
  onnx: sum(contentsOf(ONNX), brotliCompressSync),
};
writeFileSync(
  join(root, '../bench/results/download.json'),
  `${JSON.stringify({ parts, engines }, null, 1)}\n`,
);
for (const { part, brotli } of parts) console.log(`${part}: ${brotli} bytes as Brotli`);
console.log(`Engines: light ${engines.light}, ONNX Runtime Web ${engines.onnx} bytes as Brotli`);
