/** Importing this module defines the element `<neural-img>`. */
import { NeuralImgElement } from './element.ts';

// There are no custom elements in server-side rendering.
if (globalThis.customElements && !customElements.get('neural-img'))
  customElements.define('neural-img', NeuralImgElement);

export { NeuralImgElement };
