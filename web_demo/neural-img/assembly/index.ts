/** What the package runs as WebAssembly. */
export { coefficients, multiply, normalize, pixels, see, sines, waves } from './kernel';
export { decode, spread } from './rans';
