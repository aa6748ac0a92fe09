/** Cuts of a file: how many of its first bytes are used, as positions of a slider, and what these bytes show. */
import type { Subnet } from '../neural-img/src/manifest.ts';
import { formatBytes } from './format.ts';

/** Positions of the slider; equal steps are equal ratios of bytes. */
export const STEPS = 1000;
/** Distance in positions within which the slider snaps to a level's end. */
const MAGNET = 6;

/** Bytes at which levels end, ascending; the bytes of a preview may precede them. */
export type Ends = readonly number[];
/** Name, in place of a subnet's, of the preview that is shown before a file's first level is complete. */
export const PREVIEW = 'preview';

export function positionOf(bytes: number, ends: Ends): number {
  const [low, high] = rangeOf(ends);
  const share = Math.log(bytes / low) / Math.log(high / low);
  return Math.round(STEPS * Math.min(Math.max(share || 0, 0), 1));
}

/** The bytes at a position of the slider, which snaps to the ends of levels. */
export function bytesAt(position: number, ends: Ends): number {
  const [low, high] = rangeOf(ends);
  const distance = (end: number) => Math.abs(positionOf(end, ends) - position);
  const nearest = ends.reduce((a, b) => (distance(b) < distance(a) ? b : a), low);
  return distance(nearest) <= MAGNET ? nearest : Math.round(low * (high / low) ** (position / STEPS));
}

/** The nearest end above `bytes`, or below for a step of −1; `bytes` itself if there is none. */
export function stepFrom(bytes: number, step: 1 | -1, ends: Ends): number {
  const next = step > 0 ? ends.find((end) => end > bytes) : ends.findLast((end) => end < bytes);
  return next ?? bytes;
}

/** The last subnet that is complete in the first `bytes` bytes, with its figures as the file is cut there; else a preview. */
export function cutAt(bytes: number, subnets: readonly Subnet[]): Subnet | undefined {
  const sorted = [...subnets].sort((a, b) => a.bytes - b.bytes);
  const subnet = sorted.findLast((one) => one.bytes <= bytes) ?? sorted[0];
  if (!subnet || subnet.bytes === bytes) return subnet;
  const cut = { ...subnet, bytes, bpp: (subnet.bpp * bytes) / subnet.bytes };
  if (subnet.bytes < bytes) return cut;
  const { psnr: _, ...preview } = cut;
  return { ...preview, name: PREVIEW };
}

/** Such as “the first 1.2 kB of it”. */
export function describeCut(bytes: number, whole: number): string {
  return bytes >= whole ? `all ${formatBytes(whole)} of it` : `the first ${formatBytes(bytes)} of it`;
}

const rangeOf = (ends: Ends): [number, number] => [ends[0] ?? 1, ends.at(-1) ?? 1];
