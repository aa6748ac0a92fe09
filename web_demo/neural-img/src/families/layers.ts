/** Hidden layers and the head, as the kernel multiplies them. */
import { type Kernel, type Matrix, PANEL } from '../kernel.ts';
import { channelsOf, coloursOf, type Network, valuesOf } from '../network.ts';

export interface Layer {
  /** [outputs, inputs], both filled up to a multiple of 4 with some that are zero. */
  weights: Matrix;
  /** Of the inputs the first so many are multiplied. */
  inputs: number;
  /** The address of one number for each output. */
  bias: number;
  /** The largest norm of an output's weights, as they are in the network: how much it enlarges, as if signs were random. */
  gain: number;
}

/** Hidden layers, whose weights and biases are multiplied by `unit`. */
export function hiddenLayers(kernel: Kernel, network: Network, unit: number): Layer[] {
  const size = channelsOf(network);
  const [codes, steps] = [valuesOf(network, 'weights'), valuesOf(network, 'steps')];
  const biases = network.tensors.biases ? valuesOf(network, 'biases') : new Float32Array(steps.length * size);
  const count = codes.length / size ** 2;
  // Learned step sizes are of each output or of a whole matrix.
  const each = steps.length / count;
  return Array.from({ length: count }, (_, layer) => {
    const weight = (output: number, input: number) =>
      (codes[(layer * size + input) * size + output] as number) *
      (steps[layer * each + (output % each)] as number);
    return makeLayer(kernel, size, size, unit, weight, (output) => biases[layer * size + output] as number);
  });
}

/** From the last layer's channels to levels of red, green, blue and alpha, which is opaque where a picture has none. */
export function headOf(kernel: Kernel, network: Network): Layer {
  const biases = valuesOf(network, 'head.bias');
  const bias = (output: number) => biases[colourOf(network, output)] ?? 1;
  return makeLayer(kernel, 4, channelsOf(network), 255, headWeights(network), bias);
}

/** The head's weight from an input to red, green, blue or alpha: 0 to what the picture does not have. */
export function headWeights(network: Network): (output: number, input: number) => number {
  const [size, head] = [channelsOf(network), valuesOf(network, 'head')];
  return (output, input) => head[colourOf(network, output) * size + input] ?? 0;
}

/** Which of the picture's colours is red, green, blue or alpha: grey is all but the last. */
const colourOf = (network: Network, output: number) => (coloursOf(network) === 1 && output < 3 ? 0 : output);

/** From weights and biases, both multiplied by `unit`. */
export function makeLayer(
  kernel: Kernel,
  outputs: number,
  inputs: number,
  unit: number,
  weight: (output: number, input: number) => number,
  bias: (output: number) => number,
): Layer {
  const [rows, columns] = [Math.ceil(outputs / 4) * 4, Math.ceil(inputs / 4) * 4];
  const norms = new Float64Array(rows);
  const weights = kernel.matrix(rows, columns, (output, input) => {
    if (output >= outputs || input >= inputs) return 0;
    norms[output] = (norms[output] as number) + weight(output, input) ** 2;
    return unit * weight(output, input);
  });
  const biases = Float32Array.from({ length: rows }, (_, output) =>
    output < outputs ? unit * bias(output) : 0,
  );
  return { weights, inputs, bias: kernel.put(biases), gain: Math.sqrt(Math.max(...norms)) };
}

/** Multiplies panels of points, [columns][8] each, and writes [rows][8]. */
export function apply(kernel: Kernel, layer: Layer, from: number, to: number, panels: number): void {
  const { weights, inputs, bias } = layer;
  const { at, rows, columns } = weights;
  const step = columns * PANEL;
  kernel.run.multiply(from, at, bias, to, inputs, rows, panels, step, step, PANEL, rows * PANEL);
}
