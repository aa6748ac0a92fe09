/** The header of an `.anir` file: size, family, and where each level ends (docs/format.md). */
import { ModelError } from './model_error.ts';
import { COLOURS, LONGEST_SIDE, MOST_CHANNELS, MOST_LAYERS, MOST_PIXELS } from './onnx_reader.ts';

const MAGIC = [0x89, 0x61, 0x6e, 0x69];
const VERSION = 1;
const FAMILIES = ['siren', 'fourier', 'gabor', 'lapped'] as const;
const MOST_LEVELS = 16;
const MOST_BYTES = 2 ** 30;
/** Decibels of a unit: of a level's PSNR, and of what it gains at half and again at a quarter of the size. */
const [PSNR_STEP, GAIN_STEP] = [0.25, 0.5];

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
  /** Of `lapped`, pixels from one cell to the next, 16 or 32; 16 otherwise. */
  pitch: number;
  /** From the smallest to the largest. */
  levels: Level[];
  /** Bytes of the header: where the stream begins. */
  start: number;
}

/** Coefficients of a picture: so many, and so many more for each byte of the file, so that few bytes do not ask for much memory. */
const [COEFFICIENTS, COEFFICIENTS_PER_BYTE] = [2 ** 22, 1024];

/** Bytes that a file has at least, and that have come before memory is taken for its picture. */
export function leastBytes({ family, size, colours, pitch }: Header): number {
  if (family !== 'lapped') return 0;
  const [columns, rows] = size.map((pixels) => Math.ceil(pixels / pitch)) as [number, number];
  const coefficients = rows * columns * colours * pitch ** 2;
  return Math.ceil(Math.max(coefficients - COEFFICIENTS, 0) / COEFFICIENTS_PER_BYTE);
}

/** Number of levels that can be had of the first bytes of a file; none before there are `leastBytes`. */
export const availableLevels = (header: Header, bytes: number): number =>
  bytes < leastBytes(header) ? 0 : header.levels.filter(({ end }) => end <= bytes).length;

/** Bytes of the first level's stream that tell its step, and that a decoder reads before they are due. */
const [STEP_BYTES, AHEAD] = [3, 4];

/** Bytes of a file from which on there may be a preview of its first level: infinitely many if its family has none. */
export const previewFrom = ({ family, start, colours }: Header): number =>
  family === 'lapped' ? start + colours ** 2 + colours + STEP_BYTES + AHEAD : Number.POSITIVE_INFINITY;

/** The file ends within its header. */
export class IncompleteError extends ModelError {}

/** Whether a file begins as `.anir` files do. */
export const isAnir = (file: Uint8Array) => MAGIC.every((byte, at) => file[at] === byte);

/**
 * The header that the data begin with. Throws an IncompleteError if there are not enough data, and another ModelError if
 * this is no header in bounds.
 */
export function readHeader(data: Uint8Array): Header {
  if (MAGIC.some((byte, at) => at < data.length && data[at] !== byte))
    throw new ModelError('This is not an .anir file.');
  const reader = new Bytes(data, MAGIC.length);
  const version = reader.byte();
  if (version !== VERSION)
    throw new ModelError(
      `This .anir file has format ${version}, this decoder reads ${VERSION}; update the decoder.`,
    );
  const [kind, width, height] = [reader.byte(), reader.varint(), reader.varint()];
  if (Math.min(width, height) < 1 || Math.max(width, height) > LONGEST_SIDE || width * height > MOST_PIXELS)
    throw new ModelError(`This file says that it is ${width}×${height} pixels, which is out of range.`);
  const [count, deep, wide] = [reader.varint(), reader.varint(), reader.varint()];
  const [colours, isGrid] = [COLOURS[(kind >> 4) & 3], kind >> 6];
  if ([count, deep, wide].some((number) => number < 1 || number > MOST_LEVELS) || !colours) throw damaged();
  if (isGrid > 1 || (isGrid && count !== deep * wide)) throw damaged();
  const depths = Array.from({ length: deep }, () => reader.varint());
  const widths = Array.from({ length: wide }, () => reader.varint());
  if (
    depths.some((depth) => depth < 2 || depth > MOST_LAYERS) ||
    widths.some((channels) => channels < 1 || channels > MOST_CHANNELS)
  )
    throw new ModelError(
      `This file has a subnet of more than ${MOST_LAYERS} layers of ${MOST_CHANNELS} channels.`,
    );
  const parts = Array.from({ length: count }, (_, level) => {
    const index = isGrid ? ((level % deep) << 4) | Math.floor(level / deep) : reader.byte();
    return { index, length: reader.varint(), psnr: reader.byte(), gains: reader.byte() };
  });
  const checked = checksum(data.subarray(0, reader.at));
  if (checked.some((byte) => byte !== reader.byte())) throw damaged();
  let end = reader.at;
  const levels = parts.map(({ index, length, psnr, gains }): Level => {
    end += length;
    const [depth, channels] = [depths[index >> 4], widths[index & 15]];
    if (length === 0 || end > MOST_BYTES || !depth || !channels) throw damaged();
    const full = psnr * PSNR_STEP;
    const half = full + (gains >> 4) * GAIN_STEP;
    const quarter = half + (gains & 15) * GAIN_STEP;
    return { name: `d${depth}w${channels}`, depth, channels, end, psnr: [full, half, quarter] };
  });
  const [bits, pitch] = [kind & 4 ? 8 : 4, kind & 8 ? 32 : 16];
  const family = FAMILIES[kind & 3] as Header['family'];
  return { family, size: [width, height], colours, bits, pitch, levels, start: reader.at };
}

/** Numbers from bytes, one after the other. */
class Bytes {
  constructor(
    private readonly data: Uint8Array,
    public at: number,
  ) {}

  byte(): number {
    const byte = this.data[this.at];
    if (byte === undefined) throw new IncompleteError('This .anir file ends within its header.');
    this.at++;
    return byte;
  }

  /** A number below 2²⁸, seven bits to a byte, the lowest first, with the top bit set where more follow. */
  varint(): number {
    let result = 0;
    for (const shift of [0, 7, 14, 21]) {
      const byte = this.byte();
      result |= (byte & 127) << shift;
      if (byte < 128) return result;
    }
    throw damaged();
  }
}

const damaged = () => new ModelError('The header of this .anir file is damaged; fetch it again.');

/** The 16-bit Fletcher checksum (RFC 1146's 8-bit form, modulo 255). */
function checksum(data: Uint8Array): [number, number] {
  let [low, high] = [0, 0];
  for (const byte of data) {
    low = (low + byte) % 255;
    high = (high + low) % 255;
  }
  return [low, high];
}
