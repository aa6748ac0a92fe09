/** Types of `<neural-img>` in JSX: `/// <reference types="neural-img/jsx" />`. */
import type { NeuralImgElement } from './element.js';

interface NeuralImgAttributes {
  src?: string;
  alt?: string;
  width?: number | string;
  height?: number | string;
  id?: string;
  class?: string;
  className?: string;
  slot?: string;
  style?: unknown;
  key?: string | number | null;
  ref?: ((element: NeuralImgElement | null) => void) | { current: NeuralImgElement | null } | null;
  children?: unknown;
}

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
