/** The public API of neural-img: decodes adaptive neural images in workers, off the main thread. */
export type { Header, Level } from './anir_header.ts';
export { axis, type Span } from './coordinates.ts';
export { type DecodeOptions, Decoder, type DecoderOptions, type NeuralImage, type Tile } from './decoder.ts';
export { drawTile } from './draw_tile.ts';
export { NeuralImgElement } from './element.ts';
export type { Engine } from './lane.ts';
export { ModelError } from './model_error.ts';
export type { ModelInfo } from './network.ts';
export type { Refinement } from './prefix.ts';
export type { AnirStream } from './stream.ts';
