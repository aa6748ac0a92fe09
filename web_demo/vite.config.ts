import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultClientConditions, type Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/** Tells the service worker which files there are, once all of them are written. */
function listFilesForOffline(): Plugin {
  let folder = '';
  return {
    name: 'list-files-for-offline',
    configResolved: ({ build }) => {
      folder = build.outDir;
    },
    closeBundle: () => {
      const worker = join(folder, 'sw.js');
      const all = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
        entry.isFile(),
      );
      const paths = all.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).sort();
      const hashes = paths
        .filter((path) => path !== 'sw.js')
        .map((path) => [path.replaceAll('\\', '/'), hashOf(join(folder, path))]);
      const code = readFileSync(worker, 'utf8');
      writeFileSync(worker, code.replace('__FILES__', JSON.stringify(Object.fromEntries(hashes))));
    },
  };
}

const hashOf = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 16);

export default defineConfig({
  // Relative addresses, so that the built folder works under any path of any static host.
  base: './',
  plugins: [listFilesForOffline()],
  resolve: {
    // ONNX Runtime loads its WebAssembly from ort/ (scripts/collect.mjs puts it there) instead of a bundled second copy.
    conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions],
  },
  optimizeDeps: { exclude: ['onnxruntime-web'] },
  worker: { format: 'es' },
  build: {
    target: 'es2022',
    rolldownOptions: {
      input: { index: 'index.html', sw: 'src/service_worker/sw.ts' },
      output: { entryFileNames: ({ name }) => (name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js') },
    },
  },
  // One browser at a time: they would only slow each other down.
  test: { testTimeout: 60_000, hookTimeout: 60_000, fileParallelism: false },
});
