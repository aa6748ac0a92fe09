/** The header of an `.anir` file: the picture's size, the family, and where each level ends (docs/format.md, "Header"). */
import { BitReader, damaged } from './exp_golomb.ts';
import { STEP_BYTES } from './level_step.ts';
import { ModelError } from './model_error.ts';
import { COLOURS, LONGEST_SIDE, MOST_CHANNELS, MOST_LAYERS, MOST_PIXELS } from './onnx_reader.ts';

const MAGIC = [0x89, 0x61, 0x6e, 0x69];
const VERSION = 2;
/** What to do about a file of format 1. */
const REMEDY = 'an earlier anir made it: fit the picture again, or export it again from its model.pt';
/** Families by their number in the header, which has three bits; new ones are appended. */
const FAMILIES = ['siren', 'fourier', 'gabor', 'lapped'] as const;
const MOST_LEVELS = 16;
/** Thousandths of a bit per pixel of the file up to the end of each level, if `lapped` has sixteen levels. */
const RATES = [30, 40, 50, 70, 100, 125, 150, 180, 250, 350, 420, 500, 750, 1000, 1250, 1500];
/** Bytes before the first level, in the prediction of its length. */
const PREDICTED_START = 64;
const MOST_BYTES = 2 ** 30;
/** Unit of a level's PSNR, in dB. */
const PSNR_STEP = 0.25;
/** Unit, in dB, of the PSNR gained at half of the size, and again at a quarter. */
const GAIN_STEP = 0.5;
// Orders of Exp-Golomb codes, by what they code.
const SIZE_ORDER = 9;
const COUNT_ORDER = 2;
const DEPTH_ORDER = 1;
const WIDTH_ORDER = 4;
/** Of lengths that are not predicted. */
const LENGTH_ORDER = 10;
/** Of the differences to lengths that are predicted. */
const ERROR_ORDER = 5;
/** PSNR and the two gains, in their units, that the first level's are coded relative to. */
const FIRST_QUALITY = [100, 2, 3];
/** Orders of their codes. */
const QUALITY_ORDERS = [2, 0, 0];

/** A subnet, and the prefix of the file that holds it. */
export interface Level {
  /** The subnet, such as d3w64: three layers of 64 channels. */
  name: string;
  depth: number;
  channels: number;
  /** Bytes of the file up to the level's end. */
  end: number;
  /** PSNR in dB at full, half and quarter size, rounded. */
  psnr: [number, number, number];
}

export interface Header {
  family: (typeof FAMILIES)[number];
  /** Native width and height of the picture in pixels. */
  size: [number, number];
  /** Colour channels: 1 for grey, 3 for RGB, 4 for RGB and alpha. */
  colours: number;
  /** Bits of a hidden weight, 4 or 8. */
  bits: number;
  /** Pixels from one cell of the lapped transform to the next, 16 or 32; 16 in families without one. */
  pitch: number;
  /** From the smallest to the largest. */
  levels: Level[];
  /** Bytes of the header: the stream begins there. */
  start: number;
}

/** Numbers of columns and rows of the lapped transform's cells. */
export const cellsOf = ({ size, pitch }: Pick<Header, 'size' | 'pitch'>) =>
  size.map((pixels) => Math.ceil(pixels / pitch)) as [columns: number, rows: number];

/** Whether the file holds coefficients of a lapped transform besides its networks. */
export const hasLatents = ({ family }: Pick<Header, 'family'>) => family === 'lapped';

/** A picture may have this many coefficients whatever the file's size: limits keep small files from costing much memory. */
const FREE_COEFFICIENTS = 2 ** 22;
/** Coefficients that each byte of the file allows in addition. */
const COEFFICIENTS_PER_BYTE = 1024;

/** Least size in bytes of a valid file with this header; no memory is taken for its picture before as many have arrived. */
export function leastBytes(header: Header): number {
  if (!hasLatents(header)) return 0;
  const [columns, rows] = cellsOf(header);
  const coefficients = rows * columns * header.colours * header.pitch ** 2;
  return Math.ceil(Math.max(coefficients - FREE_COEFFICIENTS, 0) / COEFFICIENTS_PER_BYTE);
}

/** Number of levels that the first `bytes` bytes of a file hold completely; 0 before there are `leastBytes`. */
export const availableLevels = (header: Header, bytes: number): number =>
  bytes < leastBytes(header) ? 0 : header.levels.filter(({ end }) => end <= bytes).length;

/** Bytes that the arithmetic decoder reads ahead. */
const AHEAD = 4;

/** Number of bytes from which on a file of one strip has a preview; infinite if its family has no previews. */
export function previewFrom(header: Header): number {
  const { start, colours } = header;
  return hasLatents(header) ? start + colours ** 2 + colours + STEP_BYTES + AHEAD : Number.POSITIVE_INFINITY;
}

/** Whether a file begins with the signature of `.anir` files. */
export const isAnir = (file: Uint8Array) => MAGIC.every((byte, at) => file[at] === byte);

/**
 * Returns the header at the beginning of the data. Throws an IncompleteError if the data end within it, and another ModelError if
 * it is invalid or beyond this decoder's limits.
 */
export function readHeader(data: Uint8Array): Header {
  if (MAGIC.some((byte, at) => at < data.length && data[at] !== byte))
    throw new ModelError('This is not an .anir file.');
  const reader = new BitReader(data, MAGIC.length);
  const version = reader.bits(8);
  if (version !== VERSION)
    throw new ModelError(
      `This .anir file has format ${version}, this decoder reads ${VERSION}; ${version === 1 ? REMEDY : 'update the decoder'}.`,
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
  // Bits 0, 1 and 7 of the flags are the family's number.
  const isPredicted = (flags & 131) === 3 && count === RATES.length;
  let [quality, before] = [FIRST_QUALITY, PREDICTED_START];
  const parts = Array.from({ length: count }, (_, level) => {
    const deep = isGrid ? level % depths.length : reader.bits(4);
    const wide = isGrid ? Math.floor(level / depths.length) : reader.bits(4);
    const target = Math.floor(((RATES[level] as number) * width * height) / 8000);
    const length = isPredicted
      ? reader.signed(ERROR_ORDER) + target - before
      : reader.golomb(LENGTH_ORDER) + 1;
    before = target;
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
    if (length < 1 || end > MOST_BYTES || !depth || !channels) throw damaged();
    if (quality.some((own, i) => own < 0 || own > (i ? 15 : 255))) throw damaged();
    const [full, first, second] = quality as [number, number, number];
    const half = full * PSNR_STEP + first * GAIN_STEP;
    const psnr: Level['psnr'] = [full * PSNR_STEP, half, half + second * GAIN_STEP];
    return { name: `d${depth}w${channels}`, depth, channels, end, psnr };
  });
  const [bits, pitch] = [flags & 4 ? 8 : 4, flags & 8 ? 32 : 16];
  return { family, size: [width, height], colours, bits, pitch, levels, start };
}

/** Reads up to 16 ascending numbers, the first of which is at least `least`. Throws a ModelError if there are more. */
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
