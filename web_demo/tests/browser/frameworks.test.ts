/** Tests the npm package in small applications of React, Vue and Svelte, built with Vite from the packed tarball. */
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import vue from '@vitejs/plugin-vue';
import { build, type PluginOption } from 'vite';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { serve } from '../../scripts/serve.mjs';
import { good, pathOf } from './fixtures.ts';
import { startBrowser } from './page.ts';
import { makeProject } from './project.ts';

const MODULES = join(import.meta.dirname, '../../node_modules');

interface Framework {
  name: string;
  packages: string[];
  plugins: PluginOption[];
  /** An application that shows a.onnx at a width of 60 and, after a click, a.onnx?b at 90; it counts `load` events. */
  files: Record<string, string>;
}

const frameworks: Framework[] = [
  {
    name: 'React',
    packages: ['react', 'react-dom', 'scheduler'],
    plugins: [],
    files: {
      'main.jsx': `
        import React, { useState } from 'react';
        import { createRoot } from 'react-dom/client';
        import 'neural-img/define';
        function App() {
          const [src, setSrc] = useState('a.onnx');
          const [loads, setLoads] = useState(0);
          const width = src === 'a.onnx' ? 60 : 90;
          return <>
            <neural-img src={src} width={width} alt="A" loading="eager" onload={() => setLoads(loads + 1)} />
            <button onClick={() => setSrc('a.onnx?b')}>{loads} loads</button>
          </>;
        }
        createRoot(document.querySelector('#app')).render(<App />);`,
    },
  },
  {
    name: 'Vue',
    packages: ['vue', '@vue'],
    plugins: [vue({ template: { compilerOptions: { isCustomElement: (tag) => tag === 'neural-img' } } })],
    files: {
      'main.jsx': `
        import { createApp } from 'vue';
        import App from './App.vue';
        createApp(App).mount('#app');`,
      'App.vue': `
        <script setup>
        import { ref } from 'vue';
        import 'neural-img/define';
        const src = ref('a.onnx');
        const loads = ref(0);
        </script>
        <template>
          <neural-img :src="src" :width="src === 'a.onnx' ? 60 : 90" alt="A" loading="eager" @load="loads++" />
          <button @click="src = 'a.onnx?b'">{{ loads }} loads</button>
        </template>`,
    },
  },
  {
    name: 'Svelte',
    packages: ['svelte', 'esm-env', 'clsx'],
    plugins: [svelte({ configFile: false })],
    files: {
      'main.jsx': `
        import { mount } from 'svelte';
        import App from './App.svelte';
        mount(App, { target: document.querySelector('#app') });`,
      'App.svelte': `
        <script>
          import 'neural-img/define';
          let src = $state('a.onnx');
          let loads = $state(0);
        </script>
        <neural-img {src} width={src === 'a.onnx' ? 60 : 90} alt="A" loading="eager" onload={() => loads++}></neural-img>
        <button onclick={() => (src = 'a.onnx?b')}>{loads} loads</button>`,
    },
  },
];

let project: string;

beforeAll(() => {
  project = makeProject();
}, 120_000);

afterAll(() => rmSync(project, { recursive: true, force: true }));

async function buildApp({ name, packages, plugins, files }: Framework): Promise<string> {
  const root = join(project, name);
  mkdirSync(join(root, 'public'), { recursive: true });
  cpSync(pathOf(good), join(root, 'public/a.onnx'));
  for (const each of packages) symlinkSync(join(MODULES, each), join(project, 'node_modules', each));
  for (const [file, text] of Object.entries(files)) writeFileSync(join(root, file), text);
  writeFileSync(
    join(root, 'index.html'),
    `<!doctype html><html lang="en"><title>t</title><link rel="icon" href="data:,">
    <div id="app"></div><script type="module" src="main.jsx"></script></html>`,
  );
  await build({ root, base: './', configFile: false, logLevel: 'error', plugins });
  return join(root, 'dist');
}

test.each(frameworks)(
  '$name sets and changes attributes of the element, and receives its events',
  async (framework) => {
    const server = await serve(await buildApp(framework));
    const page = await (await startBrowser()).newPage();
    onTestFinished(() => page.close());
    onTestFinished(server.close);
    const trouble: string[] = [];
    page.on('pageerror', (error) => trouble.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && trouble.push(message.text()));
    await page.goto(server.url);
    const shown = () =>
      page.locator('neural-img').evaluate((element) => {
        const image = element as HTMLElementTagNameMap['neural-img'];
        const canvas = image.shadowRoot?.querySelector('canvas');
        return [image.currentSrc.split('/').at(-1), image.width, canvas?.width, canvas?.height];
      });
    await page.getByText('1 loads').waitFor();
    expect(await shown()).toEqual(['a.onnx', 60, 60, 40]);
    await page.click('button');
    await page.getByText('2 loads').waitFor();
    expect(await shown()).toEqual(['a.onnx?b', 90, 90, 60]);
    expect(trouble).toEqual([]);
  },
);
