/** Says in a sentence whether the neural image or another format is closer to the original. */
import type { Subnet } from '../neural-img/src/manifest.ts';
import { CODEC_NAMES, CODECS, type Codec, type Encoded } from './codecs.ts';
import { formatQuality } from './format.ts';

/** Differences below this many dB count as equal, as `.anir` headers round PSNR to a quarter of a dB. */
const EVEN = 0.125;

/** Compares the neural image with the file of the codec called `name`; empty if there is nothing to compare. */
export function verdict(subnet: Subnet, name: string, encoded: Encoded | undefined): string {
  if (!encoded || subnet.psnr === undefined) return '';
  const ahead = subnet.psnr - encoded.psnr;
  const margin = `${formatQuality(Math.abs(ahead))} closer to the original`;
  const isEven = Math.abs(ahead) < EVEN;
  const result = isEven
    ? 'Both are equally close to the original'
    : `${ahead > 0 ? 'The neural image' : name} is ${margin}`;
  if (encoded.bytes <= subnet.bytes) return `${result}, at the same number of bytes.`;
  const times = (encoded.bytes / subnet.bytes).toFixed(1);
  const but = ahead > 0 || isEven ? `and ${name}` : 'but it';
  return `${result}, ${but} cannot get this small: its smallest file is ${times} times as large.`;
}

/** Compares the neural image with all codecs at its number of bytes. */
export function ranking(subnet: Subnet, encoded: Record<Codec, Encoded>): string {
  const { psnr = 0 } = subnet;
  const small = CODECS.filter((codec) => encoded[codec].bytes <= subnet.bytes);
  const large = CODECS.filter((codec) => !small.includes(codec));
  const nearer = small.filter((codec) => encoded[codec].psnr > psnr + EVEN);
  const farther = small.filter((codec) => encoded[codec].psnr < psnr - EVEN);
  const even = small.filter((codec) => !nearer.includes(codec) && !farther.includes(codec));
  const parts = [
    part(nearer, 'is closer to the original', 'are closer to the original'),
    part(even, 'is as close', 'are as close'),
    part(farther, 'is not as close', 'are not as close'),
    part(large, 'cannot get this small', 'cannot get this small'),
  ].filter(Boolean);
  return small.length > 0 ? `At this number of bytes, ${parts.join('; ')}.` : `${parts.join('')}.`;
}

function part(codecs: readonly Codec[], one: string, more: string): string {
  if (codecs.length === 0) return '';
  const names = new Intl.ListFormat('en-GB').format(codecs.map((codec) => CODEC_NAMES[codec]));
  return `${names} ${codecs.length === 1 ? one : more}`;
}
