/** What a family of networks is to the decoder: the layout of its tensors, and what draws it. */
import type { Draw, Kernel } from '../kernel.ts';
import type { Network } from '../network.ts';
import type { ElementType } from '../onnx_tensor.ts';

/** Type and shape of a tensor. */
export interface Field {
  /** The element types that it may have, int4 among them. */
  types: ElementType[];
  /**
   * Lengths of its axes, numbers or letters: D for the number of layers, L = D − 1 for that of hidden matrices, C for the
   * channels of a layer and N for the colours.
   */
  shape: (number | 'D' | 'L' | 'C' | 'N')[];
  /** Number of leading axes of its float32 scale, `<name>.scale`, if it has one. */
  scaled?: number;
}

/** A kind of coordinate network. */
export interface Family {
  /** The layout of its tensors, by name. */
  fields: Record<string, Field>;
  /** Prepares to draw a network, whose latents' codes are not looked at any more when it returns. */
  open(kernel: Kernel, network: Network): Draw;
  /** Whether a network has latents of a lapped transform. */
  hasLatents?: true;
}

/** Types and shape of each tensor, scales included, of a network of that size. */
export function shapesOf(
  { fields }: Family,
  depth: number,
  channels: number,
  colours: number,
): Map<string, { types: ElementType[]; shape: number[] }> {
  const lengths = { D: depth, L: depth - 1, C: channels, N: colours };
  const shapes = new Map<string, { types: ElementType[]; shape: number[] }>();
  for (const [name, field] of Object.entries(fields)) {
    const shape = field.shape.map((length) => (typeof length === 'number' ? length : lengths[length]));
    shapes.set(name, { types: field.types, shape });
    if (field.scaled)
      shapes.set(`${name}.scale`, { types: ['float32'], shape: shape.slice(0, field.scaled) });
  }
  return shapes;
}

/** Hidden matrices and the head, as all families have them. */
export const MATRICES: Record<string, Field> = {
  weights: { types: ['int4', 'int8'], shape: ['L', 'C', 'C'] },
  head: { types: ['int8'], shape: ['N', 'C'], scaled: 1 },
  'head.bias': { types: ['float32'], shape: ['N'] },
};

/** The same with one step size for each hidden matrix, in families whose layers have no biases. */
export const LEAN_MATRICES: Record<string, Field> = {
  ...MATRICES,
  steps: { types: ['float32'], shape: ['L'] },
};
