/** What the package runs as WebAssembly. */
export { multiply, pixels, sines, waves } from './kernel';
export { decode, spread } from './rans';
