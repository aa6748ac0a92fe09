/** What the package runs as WebAssembly. */
export { multiply, normalize, pixels, sines, subtract, waves } from './kernel';
export { decode, spread } from './rans';
