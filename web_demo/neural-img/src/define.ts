/** Importing this makes `<neural-img>` known to the page. */
import { NeuralImgElement } from './element.ts';

if (!customElements.get('neural-img')) customElements.define('neural-img', NeuralImgElement);

export { NeuralImgElement };
