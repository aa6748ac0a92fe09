import type { Subnet } from '../neural-img/src/manifest.ts';
import { formatQuality } from './format.ts';
import type { Encoded } from './picture.ts';

/** Who is nearer to the original, the neural image or the codec called `name`, and whether the bytes are the same. */
export function verdict(subnet: Subnet, name: string, encoded: Encoded | undefined): string {
  if (!encoded || subnet.psnr === undefined) return '';
  const ahead = subnet.psnr - encoded.psnr;
  const margin = `${formatQuality(Math.abs(ahead))} nearer to the original`;
  const isEven = Math.abs(ahead) < 0.05;
  const result = isEven
    ? 'Both are equally near to the original'
    : `${ahead > 0 ? 'The neural image' : name} is ${margin}`;
  if (encoded.bytes <= subnet.bytes) return `${result}, at the same number of bytes.`;
  const times = (encoded.bytes / subnet.bytes).toFixed(1);
  const but = ahead > 0 || isEven ? `and ${name}` : 'but it';
  return `${result}, ${but} cannot get this small: its smallest file is ${times} times as large.`;
}
