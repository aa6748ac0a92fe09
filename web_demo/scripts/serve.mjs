/**
 * A static server, reachable from this machine only: node scripts/serve.mjs [folder] [--port 8000] [--base /some/path/] [--isolated]
 * `--isolated` sends the headers that make the page cross-origin isolated, so that it has shared memory, and with it threads.
 */
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { constants, createBrotliCompress, createGzip } from 'node:zlib';

/** @type {Record<string, string>} */
const TYPES = {
  '.avif': 'image/avif',
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.onnx': 'application/octet-stream',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.webp': 'image/webp',
};

// Quality 6 is fast, and nearly as small as the maximum. Without TLS, not all browsers accept Brotli.
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 6 } };
/** @type {[string, () => import('node:stream').Transform][]} */
const ENCODERS = [
  ['br', () => createBrotliCompress(BROTLI)],
  ['gzip', () => createGzip()],
];

const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/**
 * Serves `folder` under the path `base`; port 0 takes any free one. Contents are piped through the stream that `through` returns.
 * @typedef {(request: import('node:http').IncomingMessage) => import('node:stream').Transform} Through
 * @param {string} folder
 * @param {{ port?: number, base?: string, isolated?: boolean, headers?: Record<string, string>, through?: Through }} [options]
 * @returns {Promise<{ url: string, close: () => void }>}
 */
export function serve(folder, { port = 0, base = '/', isolated = false, headers = {}, through } = {}) {
  const server = createServer((request, response) => {
    const file = find(folder, base, request.url ?? '/');
    if (!file) return response.writeHead(404, { 'Content-Type': 'text/plain' }).end('Not found\n');
    const type = TYPES[extname(file)] ?? 'application/octet-stream';
    const { size } = statSync(file);
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const [start, end] = [Number(from ?? 0), Math.min(Number(to || size - 1), size - 1)];
    const isPart = from !== undefined && start <= end;
    const taken = String(request.headers['accept-encoding']).split(/[\s,;]+/);
    const isText = !isPart && /^text|json|javascript|svg|wasm/.test(type);
    const [encoding, encode] = (isText && ENCODERS.find(([name]) => taken.includes(name))) || [];
    response.writeHead(isPart ? 206 : 200, {
      'Content-Type': type,
      // Names in assets/ change with the files' content.
      'Cache-Control': file.includes(`${sep}assets${sep}`) ? 'max-age=31536000, immutable' : 'no-cache',
      ...(isPart ? { 'Content-Range': `bytes ${start}-${end}/${size}` } : {}),
      ...(encoding ? { 'Content-Encoding': encoding, Vary: 'Accept-Encoding' } : {}),
      ...(isolated ? ISOLATION : {}),
      ...headers,
    });
    const content = createReadStream(file, isPart ? { start, end } : {});
    const encoded = encode ? content.pipe(encode()) : content;
    return (through ? encoded.pipe(through(request)) : encoded).pipe(response);
  });
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      const actual = typeof address === 'object' && address ? address.port : port;
      const close = () => {
        server.close();
        server.closeAllConnections();
      };
      resolve({ url: `http://localhost:${actual}${base}`, close });
    });
  });
}

/**
 * The file for the path of a request; undefined if there is none, or if it lies outside the folder.
 * @param {string} folder
 * @param {string} base
 * @param {string} address
 */
function find(folder, base, address) {
  try {
    const path = decodeURIComponent(new URL(address, 'http://localhost').pathname);
    if (!path.startsWith(base)) return undefined;
    const root = normalize(folder + sep);
    const file = join(root, path.slice(base.length));
    if (!file.startsWith(root)) return undefined;
    const found = statSync(file).isDirectory() ? join(file, 'index.html') : file;
    return statSync(found).isFile() ? found : undefined;
  } catch {
    return undefined;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      port: { type: 'string', default: '8000' },
      base: { type: 'string', default: '/' },
      isolated: { type: 'boolean', default: false },
    },
  });
  const { url } = await serve(positionals[0] ?? 'dist', { ...values, port: Number(values.port) });
  console.log(`Serving at ${url} (Ctrl-C stops)`);
}
