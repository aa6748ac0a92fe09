/**
 * `npm run download`: what a visitor’s browser fetches to show a picture, by part.
 * Writes ../bench/results/download.json, which docs/results.md quotes.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');

/** What a file is to the page, by its path; what a visitor asks for later has no part. @type {[string, RegExp][]} */
const PARTS = [
  ['HTML', /^index\.html$/],
  ['style', /^assets\/.*\.css$/],
  ['page’s JavaScript', /^assets\/index-.*\.js$/],
  ['decoder’s worker, with onnxruntime-web’s JavaScript', /^assets\/decoder\.worker-.*\.js$/],
  ['onnxruntime-web’s loader', /^ort\/.*\.mjs$/],
  ['onnxruntime-web’s WebAssembly', /^ort\/.*\.wasm$/],
];

const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).map((file) =>
  file.replaceAll('\\', '/'),
);
const parts = PARTS.map(([part, pattern]) => {
  const contents = files
    .filter((file) => pattern.test(file) && extname(file))
    .map((file) => readFileSync(join(dist, file)));
  if (contents.length === 0) throw new Error(`The build has no ${part}: run \`npm run build\` first.`);
  const sum = (/** @type {(content: Buffer) => { length: number }} */ compress) =>
    contents.reduce((bytes, content) => bytes + compress(content).length, 0);
  return { part, bytes: sum((content) => content), gzip: sum(gzipSync), brotli: sum(brotliCompressSync) };
});
writeFileSync(join(root, '../bench/results/download.json'), `${JSON.stringify({ parts }, null, 1)}\n`);
for (const { part, brotli } of parts) console.log(`${part}: ${brotli} bytes as Brotli`);
