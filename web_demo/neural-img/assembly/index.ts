/** What the package runs as WebAssembly. */
export { multiply, normalize, pixels, sines, waves } from './kernel';
export { decode, spread } from './rans';
