/** The interface of a family of networks: the layout of its tensors, and how it is drawn. */
import type { Draw, Kernel } from '../kernel.ts';
import type { Network } from '../network.ts';
import type { ElementType } from '../onnx_tensor.ts';

/** Types and shape of a tensor. */
export interface Field {
  /** Element types that it may have. */
  types: ElementType[];
  /** Lengths of its axes, as numbers or letters: D layers, L = D − 1 hidden matrices, C channels of a layer, N colours. */
  shape: (number | 'D' | 'L' | 'C' | 'N')[];
  /** Number of axes of its float32 scale `<name>.scale`, which are its own leading ones; undefined if it has no scale. */
  scaled?: number;
}

/** A kind of coordinate network. */
export interface Family {
  /** The layout of its tensors, by name. */
  fields: Record<string, Field>;
  /** Prepares a network for drawing; does not need the codes of its latents after it has returned. */
  open(kernel: Kernel, network: Network): Draw;
  /** Whether networks have latents of a lapped transform. */
  hasLatents?: true;
  /** Whether colours are interpolated between few points (docs/decoding.md): the taller a part of the picture, the fewer per pixel. */
  isSmooth?: true;
}

/** Types and shape of each tensor, including scales, of a network of the given size. */
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

/** Hidden matrices and the head, which all families have. */
export const MATRICES: Record<string, Field> = {
  weights: { types: ['int4', 'int8'], shape: ['L', 'C', 'C'] },
  head: { types: ['int8'], shape: ['N', 'C'], scaled: 1 },
  'head.bias': { types: ['float32'], shape: ['N'] },
};

/** MATRICES and one step size per hidden matrix, for families whose layers have no biases. */
export const LEAN_MATRICES: Record<string, Field> = {
  ...MATRICES,
  steps: { types: ['float32'], shape: ['L'] },
};
