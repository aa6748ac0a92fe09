/** What the package runs as WebAssembly. */
export { coefficients, normalize, pixels, see, sines, waves } from './kernel';
export { multiply } from './products';
export { decode, spread } from './rans';
