/** Types of `<neural-img>` in Vue's templates: `/// <reference types="neural-img/vue" />`. */
import type { DefineComponent } from 'vue';
import type { NeuralImgAttributes } from './attributes.js';

declare module 'vue' {
  interface GlobalComponents {
    'neural-img': DefineComponent<NeuralImgAttributes>;
  }
}
