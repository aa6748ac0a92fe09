/** The kernel that evaluates networks and decodes the latents of `.onnx` files (AssemblyScript): its module's exports. */
export { multiply, subtract } from './products';
export { decode, fillSlots } from './rans';
export { coefficients, inputs, normalize, pixels, sines, waves } from './steps';
