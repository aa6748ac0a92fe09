/** Hidden layers and the head in the kernel's memory, and their multiplication. */
import { type Kernel, type Matrix, PANEL } from '../kernel.ts';
import { channelsOf, coloursOf, type Network, valuesOf } from '../network.ts';
import { PANELS, strassen } from './strassen.ts';

export interface Layer {
  /** [outputs, inputs]. */
  weights: Matrix;
  /** The first input with a nonzero weight: multiplication begins there. */
  first: number;
  /** Number of inputs from `first` to the last one with a nonzero weight. */
  inputs: number;
  /** Address of the biases, one for each output. */
  bias: number;
  /** The largest norm of an output's weights, not multiplied by `unit`: how much the layer amplifies inputs of random signs. */
  gain: number;
  /** If the layer is large: multiplies PANELS panels that lie side by side. */
  byStrassen: ReturnType<typeof strassen>;
}

/** A layer's weights and biases as they are in the network. */
interface Numbers {
  weight: (output: number, input: number) => number;
  bias: (output: number) => number;
}

/** Makes the hidden layers, with weights and biases multiplied by `unit`. */
export function hiddenLayers(kernel: Kernel, network: Network, unit: number): Layer[] {
  const size = channelsOf(network);
  return hiddenNumbers(network).map((numbers) => makeLayer(kernel, size, size, unit, numbers));
}

export function hiddenNumbers(network: Network): Numbers[] {
  const size = channelsOf(network);
  const [codes, steps] = [valuesOf(network, 'weights'), valuesOf(network, 'steps')];
  const biases = network.tensors.biases ? valuesOf(network, 'biases') : new Float32Array(steps.length * size);
  const count = codes.length / size ** 2;
  // Step sizes are one per output or one per matrix.
  const each = steps.length / count;
  return Array.from({ length: count }, (_, layer) => ({
    weight: (output, input) =>
      (codes[(layer * size + input) * size + output] as number) *
      (steps[layer * each + (output % each)] as number),
    bias: (output) => biases[layer * size + output] as number,
  }));
}

/** Makes the head: from the last channels to red, green, blue and alpha in 0 to 255; pictures without alpha are opaque. */
export const headOf = (kernel: Kernel, network: Network): Layer =>
  makeLayer(kernel, 4, channelsOf(network), 255, headNumbers(network));

/** The head's weights and biases to red, green, blue and alpha in [0, 1]; if the picture has no alpha, that is constantly 1. */
export function headNumbers(network: Network): Numbers {
  const [size, head, biases] = [
    channelsOf(network),
    valuesOf(network, 'head'),
    valuesOf(network, 'head.bias'),
  ];
  return {
    weight: (output, input) => head[colourOf(network, output) * size + input] ?? 0,
    bias: (output) => biases[colourOf(network, output)] ?? 1,
  };
}

/** The picture's colour channel for red, green, blue or alpha; the grey channel serves the first three. */
const colourOf = (network: Network, output: number) => (coloursOf(network) === 1 && output < 3 ? 0 : output);

/** Makes a layer of weights and biases, both multiplied by `unit`. */
export function makeLayer(
  kernel: Kernel,
  outputs: number,
  inputs: number,
  unit: number,
  { weight, bias }: Numbers,
): Layer {
  const norms = new Float64Array(outputs);
  let [first, end] = [inputs, 0];
  const weights = kernel.matrix(outputs, inputs, (output, input) => {
    const value = weight(output, input);
    if (value === 0) return 0;
    norms[output] = (norms[output] as number) + value ** 2;
    [first, end] = [Math.min(first, input), Math.max(end, input + 1)];
    return unit * value;
  });
  const biases = Float32Array.from({ length: outputs }, (_, output) => unit * bias(output));
  const gain = Math.sqrt(Math.max(...norms));
  const at = kernel.put(biases);
  const byStrassen = strassen(kernel, weights, at);
  return { weights, first, inputs: Math.max(end - first, 0), bias: at, gain, byStrassen };
}

/** Applies a layer to panels of eight points, [inputs][8] each, and writes panels of [outputs][8], `panelStep` bytes apart. */
export function apply(
  kernel: Kernel,
  { weights: { at, rows, columns }, first, inputs, bias, byStrassen }: Layer,
  from: number,
  to: number,
  panels: number,
  panelStep = rows * PANEL,
): void {
  const [step, skipped] = [columns * PANEL, first * PANEL];
  let done = 0;
  for (; byStrassen && panelStep === step && done + PANELS <= panels; done += PANELS)
    byStrassen(from + done * step, to + done * step);
  kernel.run.multiply(
    ...[from + done * step + skipped, at + skipped, bias, to + done * panelStep, inputs, rows],
    ...[panels - done, step, step, PANEL, panelStep],
  );
}
