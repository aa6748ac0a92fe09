/** Types of `<neural-img>` in JSX: `/// <reference types="neural-img/jsx" />`. */
import type { NeuralImgAttributes } from './attributes.js';

declare global {
  namespace JSX {
    interface IntrinsicElements {
      'neural-img': NeuralImgAttributes;
    }
  }
}

declare module 'react' {
  namespace JSX {
    interface IntrinsicElements {
      'neural-img': NeuralImgAttributes;
    }
  }
}
