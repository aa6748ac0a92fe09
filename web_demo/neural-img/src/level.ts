/** Chooses among the levels or subnets of a picture. */
import { paretoFront, type Subnet } from './manifest.ts';

/** What the choice depends on. */
export interface Choice {
  /** A PSNR in dB at native size; or `low`, `auto` or `high`, which mean a PSNR at the size on the screen. */
  quality: string;
  /** Device pixels per native pixel. */
  scale: number;
  /** Whether the browser's data saver is on. */
  savesData: boolean;
}

/** PSNR in dB at full, half and quarter size. */
export type Psnr = readonly [full: number, half: number, quarter: number];

/** PSNR in dB, at the size shown, that each quality asks for. */
const WANTED: Record<string, number> = { low: 28, auto: 34, high: 40 };
/** How many dB less are enough with a data saver. */
const SAVED = 6;
/** Decibels that a picture gains when shown at half of its size, if that was not measured (bench/NOTES.md, "Shown smaller"). */
const GAIN = 3;

/** Estimates the PSNR of a picture at the size shown: linear in the logarithm of the scale between the known sizes and beyond. */
export function shownPsnr([full, half, quarter]: Psnr, scale: number): number {
  const halvings = -Math.log2(scale);
  if (halvings < 0) return full + GAIN * halvings;
  return halvings < 1 ? full + (half - full) * halvings : half + (quarter - half) * (halvings - 1);
}

/** Returns the index of the first level that is good enough, else of the best one; levels are sorted by size. */
export function chooseLevel(levels: readonly { psnr: Psnr }[], choice: Choice): number {
  const { quality, scale, savesData } = choice;
  const asked = Number.parseFloat(quality);
  const isAsked = !Number.isNaN(asked);
  const wanted = (WANTED[quality] ?? (WANTED.auto as number)) - (savesData ? SAVED : 0);
  const shown = levels.map(({ psnr }) => (isAsked ? psnr[0] : shownPsnr(psnr, scale)));
  const enough = shown.findIndex((psnr) => psnr >= (isAsked ? asked : wanted));
  return enough >= 0 ? enough : shown.indexOf(Math.max(...shown));
}

/** Returns the smallest subnet of a manifest that is good enough, else the best one. */
export function chooseSubnet(subnets: readonly Subnet[], choice: Choice): Subnet | undefined {
  const front = paretoFront(subnets);
  const levels = front.map(({ psnr = 0 }) => ({ psnr: [psnr, psnr + GAIN, psnr + 2 * GAIN] as const }));
  return front[chooseLevel(levels, choice)];
}
