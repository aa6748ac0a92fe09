/** Reads and checks the lists that bench/page_codecs.py writes: the same picture encoded by other codecs. */
import { asFileName, asList, asNumber, asRecord } from '../neural-img/src/manifest.ts';

export const CODECS = ['jpeg', 'webp', 'jxl', 'avif'] as const;
export type Codec = (typeof CODECS)[number];
export const CODEC_NAMES: Record<Codec, string> = {
  jpeg: 'JPEG',
  webp: 'WebP',
  jxl: 'JPEG XL',
  avif: 'AVIF',
};

/** The picture, encoded by a codec. */
export interface Encoded {
  file: string;
  bytes: number;
  psnr: number;
}

/** For each subnet's name and each codec, the best file that is no larger than the subnet, or else the codec's smallest. */
export type Twins = Map<string, Record<Codec, Encoded>>;

/** Copies of the picture in one size. */
export interface ScreenCopies {
  width: number;
  height: number;
  /** For each subnet's name, its PSNR in this size, and the bytes of each codec's smallest copy with at least that PSNR. */
  levels: Map<string, { psnr: number } & Partial<Record<Codec, number>>>;
}

export function readTwins(json: unknown): Twins {
  const entries = Object.entries(asRecord(json, 'codecs')).map(([name, row]) => {
    const read = (codec: Codec): Encoded => {
      const encoded = asRecord(asRecord(row, name)[codec], `${name}.${codec}`);
      return {
        file: `codecs/${asFileName(encoded.file, `${name}.${codec}.file`)}`,
        bytes: asNumber(encoded.bytes, `${name}.${codec}.bytes`, 1),
        psnr: asNumber(encoded.psnr, `${name}.${codec}.psnr`),
      };
    };
    return [name, { jpeg: read('jpeg'), webp: read('webp'), jxl: read('jxl'), avif: read('avif') }] as const;
  });
  return new Map(entries);
}

export function readScreens(json: unknown): ScreenCopies[] {
  return asList(json, 'screens').map((value) => {
    const { width, height, levels } = asRecord(value, 'screen');
    const rows = Object.entries(asRecord(levels, 'screen.levels')).map(([name, row]) => {
      const record = asRecord(row, name);
      const found = CODECS.filter((codec) => codec in record);
      const bytes = found.map((codec) => [codec, asNumber(record[codec], `${name}.${codec}`, 1)] as const);
      return [name, { psnr: asNumber(record.psnr, `${name}.psnr`), ...Object.fromEntries(bytes) }] as const;
    });
    return {
      width: asNumber(width, 'screen.width', 1),
      height: asNumber(height, 'screen.height', 1),
      levels: new Map(rows),
    };
  });
}
