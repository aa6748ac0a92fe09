/**
 * A coordinate network as plain data: what is read from an `.onnx` or `.anir` file, and what its family evaluates.
 *
 * docs/format.md lists the tensors of every family with their types and shapes.
 */

/** Planes of a picture as quantized coefficients of a modulated lapped transform (Malvar 1992). */
export interface Latents {
  /**
   * [N, A, B, K, K] over colour plane, cell along the scan, cell across the scan, and frequency along and across the scan.
   * The code of a cell's mean, its lowest frequency, is the difference from the mean of the cell before it along the scan.
   */
  codes: Int16Array;
  /** A, B, K. */
  shape: [number, number, number];
  /** The coefficient that a magnitude of 1 stands for. */
  step: number;
  /** Pixels from one cell to the next, 16 or 32. */
  pitch: number;
  /** Whether the scan goes down columns of cells; otherwise it goes to the right along rows. */
  down: boolean;
  /** Pixels, 1 to 4, from a point to the nearest neighbours whose planes are the network's inputs; the farthest are twice as far away. */
  reach: number;
  /** Ascending from 0: code q stands for sign(q) · `magnitudes[|q|]` steps. */
  magnitudes: Float32Array;
}

/** An array of the given shape; 4-bit codes take one element each. */
export interface Tensor {
  shape: number[];
  data: Int8Array | Int16Array | Float32Array;
}

/** One subnet: a function from positions to colours. */
export interface Network {
  /** The family, such as "lapped". */
  family: string;
  /** Native width and height of the picture in pixels. */
  size: [number, number];
  /** Bits of a hidden weight, 4 or 8. */
  bits: number;
  /** Arrays by name. A tensor of integer codes `t` stands for the real values t · `t.scale`. */
  tensors: Record<string, Tensor>;
  /** Coefficients of the lapped transform; only in the family "lapped". */
  latents?: Latents;
}

/** Number of layers: one more than there are hidden matrices. */
export const depthOf = ({ tensors }: Network) => (tensors.weights?.shape[0] ?? 0) + 1;

/** Number of channels of each layer. */
export const channelsOf = ({ tensors }: Network) => tensors.weights?.shape[2] ?? 0;

/** Number of the picture's colour channels: 1 for grey, 3 for RGB, 4 for RGB and alpha. */
export const coloursOf = ({ tensors }: Network) => tensors.head?.shape[0] ?? 0;

/** The subnet's name, such as `d3w64`: three layers of 64 channels. */
export const nameOf = (network: Network) => `d${depthOf(network)}w${channelsOf(network)}`;

/** A picture's properties, as read from its file. */
export interface ModelInfo {
  /** The family, such as lapped. */
  family: string;
  /** The subnet's name, such as d3w64; `preview` for a preview. */
  name: string;
  /** The native width in pixels. */
  width: number;
  height: number;
  /** Multiply-adds per pixel in the network's layers, if known. */
  macsPerPixel?: number;
  /** Whether its family interpolates colours between few points, so that large parts take less time. */
  isSmooth?: boolean | undefined;
}

export function infoOf(network: Network): ModelInfo {
  const [{ family, size }, channels] = [network, channelsOf(network)];
  const macsPerPixel = (depthOf(network) - 1) * channels ** 2 + coloursOf(network) * channels;
  return { family, name: nameOf(network), width: size[0], height: size[1], macsPerPixel };
}

/**
 * The real values of tensor `name`: its codes, times its scale if it has one, whose axes are the leading ones of the codes.
 */
export function valuesOf({ tensors }: Network, name: string): Float32Array {
  const [codes, scale] = [tensors[name]?.data ?? new Float32Array(), tensors[`${name}.scale`]?.data];
  if (!scale) return Float32Array.from(codes);
  const each = codes.length / scale.length;
  return Float32Array.from(codes, (code, at) => code * (scale[Math.floor(at / each)] as number));
}
