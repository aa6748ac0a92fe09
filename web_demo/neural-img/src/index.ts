/** Decodes adaptive neural images, off the main thread. */
export { axis, type Span } from './coordinates.ts';
export { type DecodeOptions, Decoder, type NeuralImage, type Tile } from './decoder.ts';
export { drawTile } from './draw_tile.ts';
export { NeuralImgElement } from './element.ts';
export { ModelError, type ModelInfo, readModelInfo } from './onnx_metadata.ts';
