/** Types of `<neural-img>` in Svelte's markup: `/// <reference types="neural-img/svelte" />`. */
import type { NeuralImgAttributes } from './attributes.js';
import 'svelte/elements';

declare module 'svelte/elements' {
  interface SvelteHTMLElements {
    'neural-img': NeuralImgAttributes & { [name: string]: unknown };
  }
}
