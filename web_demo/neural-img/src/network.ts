/**
 * A coordinate network as plain data: what an `.onnx` or `.anir` file carries and its family evaluates.
 *
 * docs/format.md lists the tensors of every family with their types and shapes.
 */

/** A picture as quantized coefficients of a modulated lapped transform (Malvar 1992). */
export interface Latents {
  /**
   * [N, A, B, K, K] over colour plane, cell along the scan, cell across the scan, and frequency along and across the scan.
   * The code of a cell's lowest frequency, its mean, is the difference to the mean of the cell before it along the scan.
   */
  codes: Int16Array;
  /** A, B, K. */
  shape: [number, number, number];
  /** The value of a magnitude of 1. */
  step: number;
  /** Pixels from one cell to the next, 16 or 32. */
  pitch: number;
  /** Whether the scan goes down columns of cells; otherwise it goes along rows, to the right. */
  down: boolean;
  /** Distance in pixels, 1 to 4, of the nearest neighbours at which the network sees planes; the farthest are twice as far. */
  reach: number;
  /** Ascending from 0: code q stands for sign(q) · `magnitudes[|q|]` steps. */
  magnitudes: Float32Array;
}

/** An array of the given shape; codes of 4 bits are one to an element here. */
export interface Tensor {
  shape: number[];
  data: Int8Array | Int16Array | Float32Array;
}

/** One subnet: a function from positions to colours. */
export interface Network {
  /** "siren", "fourier", "gabor" or "lapped". */
  family: string;
  /** Native width and height of the picture in pixels. */
  size: [number, number];
  /** Bits of a hidden weight, 4 or 8. */
  bits: number;
  /** Arrays by name. A tensor of integer codes `t` stands for the real values t · `t.scale`. */
  tensors: Record<string, Tensor>;
  /** Coefficients of the lapped transform, for the family "lapped" alone. */
  latents?: Latents;
}

/** Number of layers: the hidden matrices and the first layer. */
export const depthOf = ({ tensors }: Network) => (tensors.weights?.shape[0] ?? 0) + 1;

/** Number of channels of each layer. */
export const channelsOf = ({ tensors }: Network) => tensors.weights?.shape[2] ?? 0;

/** Number of the picture's colour channels: 1 for grey, 3 for RGB, 4 for RGB and alpha. */
export const coloursOf = ({ tensors }: Network) => tensors.head?.shape[0] ?? 0;

/** The subnet's name, such as `d3w64`: three layers of 64 channels. */
export const nameOf = (network: Network) => `d${depthOf(network)}w${channelsOf(network)}`;

/** What a picture's file says of it. */
export interface ModelInfo {
  /** The network's kind: siren, fourier, gabor or lapped. */
  family: string;
  /** The subnet, such as d3w64; of what is seen before there is one, `preview`. */
  name: string;
  /** The native size in pixels. */
  width: number;
  height: number;
  /** Multiply-adds of a pixel in its layers, where they are known. */
  macsPerPixel?: number;
}

export function infoOf(network: Network): ModelInfo {
  const [{ family, size }, channels] = [network, channelsOf(network)];
  const macsPerPixel = (depthOf(network) - 1) * channels ** 2 + coloursOf(network) * channels;
  return { family, name: nameOf(network), width: size[0], height: size[1], macsPerPixel };
}

/**
 * The real values of the tensor `name`: codes times scale, which has the leading axes of the codes, or codes alone. Those of
 * `filters` are roots: r stands for r · |r|.
 */
export function valuesOf({ tensors }: Network, name: string): Float32Array {
  const [codes, scale] = [tensors[name]?.data ?? new Float32Array(), tensors[`${name}.scale`]?.data];
  if (!scale) return Float32Array.from(codes);
  const each = codes.length / scale.length;
  const values = Float32Array.from(codes, (code, at) => code * (scale[Math.floor(at / each)] as number));
  return name === 'filters' ? values.map((root) => root * Math.abs(root)) : values;
}
