/** Where a file is cut: the bytes that are taken from its beginning, as positions of a slider, and what they hold. */
import type { Subnet } from '../neural-img/src/manifest.ts';
import { formatBytes } from './format.ts';

/** Positions of the slider; equal steps are equal ratios of bytes. */
export const STEPS = 1000;
/** Positions to either side of a level's end at which that is meant. */
const MAGNET = 6;

/** The ends of levels in bytes, ascending; before them there may be that of a preview. */
export type Ends = readonly number[];
/** What is shown of a file in place of a subnet, before its first level ends. */
export const PREVIEW = 'preview';

export function positionOf(bytes: number, ends: Ends): number {
  const [low, high] = rangeOf(ends);
  const share = Math.log(bytes / low) / Math.log(high / low);
  return Math.round(STEPS * Math.min(Math.max(share || 0, 0), 1));
}

/** A level's end where one is near, else the bytes in between. */
export function bytesAt(position: number, ends: Ends): number {
  const [low, high] = rangeOf(ends);
  const distance = (end: number) => Math.abs(positionOf(end, ends) - position);
  const nearest = ends.reduce((a, b) => (distance(b) < distance(a) ? b : a), low);
  return distance(nearest) <= MAGNET ? nearest : Math.round(low * (high / low) ** (position / STEPS));
}

/** The level after that at `bytes`, or before it for a step of −1; the first and the last one stay. */
export function stepFrom(bytes: number, step: 1 | -1, ends: Ends): number {
  const next = step > 0 ? ends.find((end) => end > bytes) : ends.findLast((end) => end < bytes);
  return next ?? bytes;
}

/** The last subnet that `bytes` hold whole, as it is when the file is cut there, or else a preview of the first. */
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
