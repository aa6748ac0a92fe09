/** The kernel that evaluates networks and decodes the latents of `.onnx` files (AssemblyScript): its module's exports. */
export { coefficients, normalize, pixels, see, sines, waves } from './kernel';
export { multiply } from './products';
export { decode, spread } from './rans';
