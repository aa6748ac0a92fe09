/** Which of several subnets of a picture to take. */
import { paretoFront, type Subnet } from './manifest.ts';

/** Decibels that a picture deserves which is shown at its native size. */
const PSNR: Record<string, number> = { low: 28, auto: 34, high: 40 };
/** Decibels that visitors give up who ask for little data. */
const SAVED = 6;

/**
 * The smallest subnet that is good enough, else the best.
 *
 * `quality` is a number of decibels, or low, auto or high, for which `scale`, screen pixels for one of the picture's, counts:
 * shown at half its size, a picture gains some 3 dB (bench/NOTES.md, "Shown smaller").
 */
export function chooseSubnet(
  subnets: readonly Subnet[],
  { quality, scale, savesData }: { quality: string; scale: number; savesData: boolean },
): Subnet | undefined {
  const asked = Number.parseFloat(quality);
  const deserved = (PSNR[quality] ?? 34) + 10 * Math.log10(scale) - (savesData ? SAVED : 0);
  const front = paretoFront(subnets);
  return front.find(({ psnr = 0 }) => psnr >= (Number.isNaN(asked) ? deserved : asked)) ?? front.at(-1);
}
