/** The header of an `.anir` file: size, family, and where each level ends (docs/format.md). */
import { BitReader, damaged } from './exp_golomb.ts';
import { ModelError } from './model_error.ts';
import { COLOURS, LONGEST_SIDE, MOST_CHANNELS, MOST_LAYERS, MOST_PIXELS } from './onnx_reader.ts';

const MAGIC = [0x89, 0x61, 0x6e, 0x69];
const VERSION = 1;
/** By their number in the header, of which three bits are kept: new ones come last. */
const FAMILIES = ['siren', 'fourier', 'gabor', 'lapped'] as const;
const MOST_LEVELS = 16;
const MOST_BYTES = 2 ** 30;
/** Decibels of a unit: of a level's PSNR, and of what it gains at half and again at a quarter of the size. */
const PSNR_STEP = 0.25;
const GAIN_STEP = 0.5;
/** Orders of the Exp-Golomb codes of sizes, counts, depths, widths and lengths. */
const SIZE_ORDER = 9;
const COUNT_ORDER = 2;
const DEPTH_ORDER = 1;
const WIDTH_ORDER = 4;
const LENGTH_ORDER = 10;
/** A PSNR and two gains in their units, to which the first level's are told as differences; their orders. */
const [FIRST, QUALITY_ORDERS] = [
  [100, 2, 3],
  [2, 0, 0],
];

/** A prefix of the file that holds one subnet. */
export interface Level {
  /** The subnet, such as d3w64: three layers of 64 channels. */
  name: string;
  depth: number;
  channels: number;
  /** Bytes of the file up to the level's end. */
  end: number;
  /** In dB, at full, half and quarter size, rounded. */
  psnr: [number, number, number];
}

/** What the first bytes of a file tell. */
export interface Header {
  family: (typeof FAMILIES)[number];
  /** Native width and height of the picture in pixels. */
  size: [number, number];
  /** Colour channels: 1 for grey, 3 for RGB, 4 for RGB and alpha. */
  colours: number;
  /** Bits of a hidden weight, 4 or 8. */
  bits: number;
  /** Of a lapped transform, pixels from one cell to the next, 16 or 32; 16 if there is none. */
  pitch: number;
  /** From the smallest to the largest. */
  levels: Level[];
  /** Bytes of the header: where the stream begins. */
  start: number;
}

/** Whether the picture is stored as coefficients of a lapped transform, beside its networks. */
export const hasLatents = ({ family }: Pick<Header, 'family'>) => family === 'lapped';

/** Coefficients of a picture: so many, and so many more for each byte of the file, so that few bytes do not ask for much memory. */
const COEFFICIENTS = 2 ** 22;
const COEFFICIENTS_PER_BYTE = 1024;

/** Bytes that a file has at least, and that have come before memory is taken for its picture. */
export function leastBytes(header: Header): number {
  if (!hasLatents(header)) return 0;
  const { size, colours, pitch } = header;
  const [columns, rows] = size.map((pixels) => Math.ceil(pixels / pitch)) as [number, number];
  const coefficients = rows * columns * colours * pitch ** 2;
  return Math.ceil(Math.max(coefficients - COEFFICIENTS, 0) / COEFFICIENTS_PER_BYTE);
}

/** Number of levels that can be had of the first bytes of a file; none before there are `leastBytes`. */
export const availableLevels = (header: Header, bytes: number): number =>
  bytes < leastBytes(header) ? 0 : header.levels.filter(({ end }) => end <= bytes).length;

/** Bytes of the first level's stream that tell its step, and that a decoder reads before they are due. */
const STEP_BYTES = 3;
const AHEAD = 4;

/** Bytes of a file from which on there may be a preview of its first level: infinitely many if its family has none. */
export function previewFrom(header: Header): number {
  const { start, colours } = header;
  return hasLatents(header) ? start + colours ** 2 + colours + STEP_BYTES + AHEAD : Number.POSITIVE_INFINITY;
}

/** Whether a file begins as `.anir` files do. */
export const isAnir = (file: Uint8Array) => MAGIC.every((byte, at) => file[at] === byte);

/**
 * The header that the data begin with. Throws an IncompleteError if there are not enough data, and another ModelError if
 * this is no header in bounds.
 */
export function readHeader(data: Uint8Array): Header {
  if (MAGIC.some((byte, at) => at < data.length && data[at] !== byte))
    throw new ModelError('This is not an .anir file.');
  const reader = new BitReader(data, MAGIC.length);
  const version = reader.bits(8);
  if (version !== VERSION)
    throw new ModelError(
      `This .anir file has format ${version}, this decoder reads ${VERSION}; update the decoder.`,
    );
  const flags = reader.bits(8);
  const [width, height] = [reader.golomb(SIZE_ORDER) + 1, reader.golomb(SIZE_ORDER) + 1];
  if (Math.max(width, height) > LONGEST_SIDE || width * height > MOST_PIXELS)
    throw new ModelError(`This file says that it is ${width}×${height} pixels, which is out of range.`);
  const [colours, isGrid] = [COLOURS[(flags >> 4) & 3], flags & 64];
  if (!colours) throw damaged();
  const depths = readAscending(reader, 2, DEPTH_ORDER);
  const widths = readAscending(reader, 1, WIDTH_ORDER);
  if ((depths.at(-1) as number) > MOST_LAYERS || (widths.at(-1) as number) > MOST_CHANNELS)
    throw new ModelError(
      `This file has a subnet of more than ${MOST_LAYERS} layers of ${MOST_CHANNELS} channels.`,
    );
  const count = isGrid ? depths.length * widths.length : reader.golomb(COUNT_ORDER) + 1;
  if (count > MOST_LEVELS) throw damaged();
  let quality = FIRST;
  const parts = Array.from({ length: count }, (_, level) => {
    const deep = isGrid ? level % depths.length : reader.bits(4);
    const wide = isGrid ? Math.floor(level / depths.length) : reader.bits(4);
    const length = reader.golomb(LENGTH_ORDER) + 1;
    quality = quality.map((before, i) => before + reader.signed(QUALITY_ORDERS[i] as number));
    return { depth: depths[deep], channels: widths[wide], length, quality };
  });
  const checked = checksum(data.subarray(0, reader.position()));
  if (checked.some((byte) => byte !== reader.byte())) throw damaged();
  const number = (flags & 3) | ((flags >> 7) << 2);
  const family = FAMILIES[number];
  if (!family)
    throw new ModelError(
      `This .anir file has networks of family number ${number}, which this decoder does not know; update the decoder.`,
    );
  const start = reader.position();
  let end = start;
  const levels = parts.map(({ depth, channels, length, quality }): Level => {
    end += length;
    if (end > MOST_BYTES || !depth || !channels) throw damaged();
    if (quality.some((own, i) => own < 0 || own > (i ? 15 : 255))) throw damaged();
    const [full, first, second] = quality as [number, number, number];
    const half = full * PSNR_STEP + first * GAIN_STEP;
    const psnr: Level['psnr'] = [full * PSNR_STEP, half, half + second * GAIN_STEP];
    return { name: `d${depth}w${channels}`, depth, channels, end, psnr };
  });
  const [bits, pitch] = [flags & 4 ? 8 : 4, flags & 8 ? 32 : 16];
  return { family, size: [width, height], colours, bits, pitch, levels, start };
}

/** Up to 16 numbers that ascend from `least` on at the earliest. Throws a ModelError if they are more. */
function readAscending(reader: BitReader, least: number, order: number): number[] {
  const count = reader.golomb(COUNT_ORDER) + 1;
  if (count > MOST_LEVELS) throw damaged();
  let next = least;
  return Array.from({ length: count }, () => {
    const own = next + reader.golomb(order);
    next = own + 1;
    return own;
  });
}

/** The 16-bit Fletcher checksum (RFC 1146's 8-bit form, modulo 255). */
function checksum(data: Uint8Array): [number, number] {
  let [low, high] = [0, 0];
  for (const byte of data) {
    low = (low + byte) % 255;
    high = (high + low) % 255;
  }
  return [low, high];
}
