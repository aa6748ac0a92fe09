import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultClientConditions, type Plugin } from 'vite';
import { defineConfig } from 'vitest/config';
import { packSource } from './scripts/source.mjs';
import { formatBytes } from './src/format.ts';

/** Builds the page's service worker, and inserts the list of all files into it once they are written. */
function worksOffline(): Plugin {
  let source = '';
  let folder = '';
  return {
    name: 'works-offline',
    apply: 'build',
    configResolved: ({ root, build }) => {
      source = join(root, 'src/service_worker/sw.ts');
      folder = resolve(root, build.outDir);
    },
    buildStart() {
      // Other pages that are built with this configuration, such as the benchmark's, have none.
      if (existsSync(source)) this.emitFile({ type: 'chunk', id: source, fileName: 'sw.js' });
    },
    closeBundle: () => {
      const worker = join(folder, 'sw.js');
      if (!existsSync(worker)) return;
      const files = readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name !== 'sw.js')
        .map((entry) => join(entry.parentPath, entry.name))
        .sort()
        .map((file) => [relative(folder, file).replaceAll('\\', '/'), hashOf(file)])
        // The source archive need not work offline, and its changes alone make no new version of the page.
        .filter(([path]) => !path?.startsWith('source/'));
      const code = readFileSync(worker, 'utf8');
      writeFileSync(worker, code.replace('__FILES__', JSON.stringify(Object.fromEntries(files))));
    },
  };
}

/** Leaves the worker's source text out of the page's JavaScript, of which it is a third: the page's policy allows workers from files only. */
function runsWorkersFromFiles(): Plugin {
  return {
    name: 'runs-workers-from-files',
    enforce: 'pre',
    load: (id) => (/neural-img\/src\/generated\/worker\.ts$/.test(id) ? "export const WORKER = '';" : null),
  };
}

/**
 * Embeds in the page what it would request first: the list of samples with the beginning of the first one (scripts/collect.mjs
 * makes it), and a prefetch of the decoder's worker.
 */
function startsAtOnce(): Plugin {
  return {
    name: 'starts-at-once',
    transformIndexHtml: {
      order: 'post',
      handler(_, { filename, bundle }) {
        if (filename !== fileURLToPath(new URL('index.html', import.meta.url))) return [];
        const list = readFileSync(new URL('public/samples/index.json', import.meta.url), 'utf8');
        const children = list.replaceAll('<', '\\u003c');
        const worker = Object.keys(bundle ?? {}).find((file) => /decoder\.worker-.*\.js$/.test(file));
        const early = { rel: 'prefetch', as: 'script', href: `./${worker}` };
        return [
          ...(worker ? [{ tag: 'link', attrs: early }] : []),
          { tag: 'script', attrs: { type: 'application/json', id: 'samples-index' }, children },
        ];
      },
    },
  };
}

/** Puts the project's source beside the page, and a link to it where the page has a place for one. */
function carriesItsSource(): Plugin {
  return {
    name: 'carries-its-source',
    apply: 'build',
    writeBundle: ({ dir = '' }) => {
      const page = join(dir, 'index.html');
      const html = existsSync(page) ? readFileSync(page, 'utf8') : '';
      if (html.includes('<!-- source -->'))
        writeFileSync(page, html.replace('<!-- source -->', sourceIn(join(dir, 'source'))));
    },
  };
}

/** Puts the source into a folder, and gives a link to it. */
function sourceIn(folder: string): string {
  mkdirSync(folder, { recursive: true });
  const { file, bytes, isLicence } = packSource(fileURLToPath(new URL('..', import.meta.url)), folder);
  const text = isLicence ? 'Licence: Apache-2.0' : `Source, Apache-2.0, ${formatBytes(bytes)}`;
  return `<a id="source" href="./source/${file}">${text}</a>.`;
}

const hashOf = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 16);

/** Bytes, as Brotli, of what each engine fetches, as measured by `npm run download`. */
function engineBytes(): Record<string, number> {
  const file = new URL('../bench/results/download.json', import.meta.url);
  const { engines } = JSON.parse(readFileSync(file, 'utf8'));
  return engines;
}

export default defineConfig({
  // Relative addresses, so that the built folder works under any path of any static host.
  base: './',
  plugins: [runsWorkersFromFiles(), startsAtOnce(), carriesItsSource(), worksOffline()],
  define: { __ENGINE_BYTES__: JSON.stringify(engineBytes()) },
  resolve: {
    // ONNX Runtime loads its WebAssembly from ort/ (scripts/collect.mjs puts it there) instead of a bundled second copy.
    conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions],
  },
  optimizeDeps: { exclude: ['onnxruntime-web'] },
  worker: { format: 'es' },
  build: { target: 'es2022' },
  // One browser at a time: they would only slow each other down.
  test: { testTimeout: 60_000, hookTimeout: 60_000, fileParallelism: false },
});
