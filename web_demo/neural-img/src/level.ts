/** Which of several levels or subnets of a picture to take. */
import { paretoFront, type Subnet } from './manifest.ts';

/** What a visitor is to see. */
export interface Choice {
  /** A number of decibels, or low, auto or high, for which the size on the screen counts. */
  quality: string;
  /** Pixels of the screen for one of the picture's own. */
  scale: number;
  /** Whether the visitor asks for little data. */
  savesData: boolean;
}

/** PSNR in dB at full, half and quarter size. */
export type Psnr = readonly [full: number, half: number, quarter: number];

/** Decibels that a picture deserves as it is shown. */
const DESERVED: Record<string, number> = { low: 28, auto: 34, high: 40 };
/** Decibels that visitors give up who ask for little data. */
const SAVED = 6;
/** Decibels that a picture gains at half its size, where that was not measured (bench/NOTES.md, "Shown smaller"). */
const GAIN = 3;

/** PSNR of a picture as it is shown: between the sizes that are known, and beyond, it goes with the logarithm of the scale. */
export function shownPsnr([full, half, quarter]: Psnr, scale: number): number {
  const halvings = -Math.log2(scale);
  if (halvings < 0) return full + GAIN * halvings;
  return halvings < 1 ? full + (half - full) * halvings : half + (quarter - half) * (halvings - 1);
}

/** Which is the first, of levels from the smallest to the largest, that is good enough; else which is the best. */
export function chooseLevel(levels: readonly { psnr: Psnr }[], choice: Choice): number {
  const { quality, scale, savesData } = choice;
  const asked = Number.parseFloat(quality);
  const isAsked = !Number.isNaN(asked);
  const deserved = (DESERVED[quality] ?? (DESERVED.auto as number)) - (savesData ? SAVED : 0);
  const shown = levels.map(({ psnr }) => (isAsked ? psnr[0] : shownPsnr(psnr, scale)));
  const enough = shown.findIndex((psnr) => psnr >= (isAsked ? asked : deserved));
  return enough >= 0 ? enough : shown.indexOf(Math.max(...shown));
}

/** The smallest of a manifest's subnets that is good enough, else the best. */
export function chooseSubnet(subnets: readonly Subnet[], choice: Choice): Subnet | undefined {
  const front = paretoFront(subnets);
  const levels = front.map(({ psnr = 0 }) => ({ psnr: [psnr, psnr + GAIN, psnr + 2 * GAIN] as const }));
  return front[chooseLevel(levels, choice)];
}
