import { defaultClientConditions } from 'vite';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Relative addresses, so that the built folder works under any path of any static host.
  base: './',
  resolve: {
    // ONNX Runtime loads its WebAssembly from ort/ (scripts/collect.mjs puts it there) instead of a bundled second copy.
    conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions],
  },
  optimizeDeps: { exclude: ['onnxruntime-web'] },
  worker: { format: 'es' },
  build: { target: 'es2022' },
  test: { testTimeout: 30_000, hookTimeout: 60_000 },
});
