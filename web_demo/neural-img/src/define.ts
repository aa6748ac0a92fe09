/** Importing this makes `<neural-img>` known to the page. */
import { NeuralImgElement } from './element.ts';

// A server that renders pages has no elements.
if (globalThis.customElements && !customElements.get('neural-img'))
  customElements.define('neural-img', NeuralImgElement);

export { NeuralImgElement };
