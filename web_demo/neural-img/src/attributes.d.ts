/** Attributes and event handlers of `<neural-img>` in markup, for JSX, Vue and Svelte. */
import type { NeuralImgElement } from './element.js';
import type { Refinement } from './prefix.js';

export interface NeuralImgAttributes {
  src?: string;
  alt?: string;
  width?: number | string;
  height?: number | string;
  loading?: 'eager' | 'lazy';
  quality?: 'low' | 'auto' | 'high' | number | `${number}`;
  id?: string;
  class?: string;
  className?: string;
  slot?: string;
  style?: unknown;
  onload?: (event: Event) => void;
  onerror?: (event: ErrorEvent) => void;
  onrefine?: (event: CustomEvent<Refinement>) => void;
  key?: string | number | null;
  ref?: ((element: NeuralImgElement | null) => void) | { current: NeuralImgElement | null } | null;
  children?: unknown;
}
