/** Hidden layers and the head, as the kernel multiplies them. */
import { type Kernel, type Matrix, PANEL } from '../kernel.ts';
import { channelsOf, coloursOf, type Network, valuesOf } from '../network.ts';

export interface Layer {
  /** [outputs, inputs]. */
  weights: Matrix;
  /** The inputs that are multiplied: so many from this one on. All others' weights are zero. */
  first: number;
  inputs: number;
  /** The address of one number for each output. */
  bias: number;
  /** The largest norm of an output's weights, as they are in the network: how much it enlarges, as if signs were random. */
  gain: number;
}

/** A layer's numbers: what an output takes of an input, and what it begins with. */
export interface Numbers {
  weight: (output: number, input: number) => number;
  bias: (output: number) => number;
}

/** Hidden layers, whose weights and biases are multiplied by `unit`. */
export function hiddenLayers(kernel: Kernel, network: Network, unit: number): Layer[] {
  const size = channelsOf(network);
  return hiddenNumbers(network).map((numbers) => makeLayer(kernel, size, size, unit, numbers));
}

export function hiddenNumbers(network: Network): Numbers[] {
  const size = channelsOf(network);
  const [codes, steps] = [valuesOf(network, 'weights'), valuesOf(network, 'steps')];
  const biases = network.tensors.biases ? valuesOf(network, 'biases') : new Float32Array(steps.length * size);
  const count = codes.length / size ** 2;
  // Learned step sizes are of each output or of a whole matrix.
  const each = steps.length / count;
  return Array.from({ length: count }, (_, layer) => ({
    weight: (output, input) =>
      (codes[(layer * size + input) * size + output] as number) *
      (steps[layer * each + (output % each)] as number),
    bias: (output) => biases[layer * size + output] as number,
  }));
}

/** From the last layer's channels to levels of red, green, blue and alpha, which is opaque where a picture has none. */
export const headOf = (kernel: Kernel, network: Network): Layer =>
  makeLayer(kernel, 4, channelsOf(network), 255, headNumbers(network));

/** Of red, green, blue and alpha, in [0, 1]; what the picture does not have takes nothing of the inputs. */
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

/** Which of the picture's colours is red, green, blue or alpha: grey is all but the last. */
const colourOf = (network: Network, output: number) => (coloursOf(network) === 1 && output < 3 ? 0 : output);

/** From weights and biases, both multiplied by `unit`. */
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
  return { weights, first, inputs: Math.max(end - first, 0), bias: kernel.put(biases), gain };
}

/** Multiplies panels of points, [columns][8] each, and writes [rows][8], or that into panels so many bytes apart. */
export function apply(
  kernel: Kernel,
  { weights: { at, rows, columns }, first, inputs, bias }: Layer,
  from: number,
  to: number,
  panels: number,
  panelStep = rows * PANEL,
): void {
  const [step, skipped] = [columns * PANEL, first * PANEL];
  kernel.run.multiply(
    ...[from + skipped, at + skipped, bias, to, inputs, rows, panels],
    ...[step, step, PANEL, panelStep],
  );
}
