/** Which subnet to take, by the bytes and the time at hand, and why. */
import { paretoFront, type Subnet } from '../neural-img/src/manifest.ts';
import { formatBytes, formatDuration } from './format.ts';
import type { Size } from './view.ts';

// What a pixel costs besides its multiplications, counted in these: measured with WebAssembly.
const PIXEL_MACS = 2000;
const SINE_MACS = 24;

const workOf = ({ macsPerPixel = 0, depth, width }: Subnet) =>
  PIXEL_MACS + macsPerPixel + SINE_MACS * (depth - 1) * width;

/** Passes that tell how fast this device is: some, as one may be held up; few, as pictures differ. */
const MEASURES = 5;

/** How fast this device draws: milliseconds for a unit of work, as the decoder measured it last. */
export class Pace {
  #measured: number[] = [];

  /** Takes the milliseconds that a decoder which has warmed up needed for a pixel. */
  record(subnet: Subnet, milliseconds: number): void {
    if (milliseconds <= 0) return;
    this.#measured = [...this.#measured, milliseconds / workOf(subnet)].slice(-MEASURES);
  }

  get measured(): boolean {
    return this.#measured.length > 0;
  }

  /** Milliseconds for a picture of so many pixels. */
  estimate(subnet: Subnet, pixels: number): number {
    const sorted = [...this.#measured].sort((a, b) => a - b);
    return pixels * workOf(subnet) * (sorted[Math.floor((sorted.length - 1) / 2)] ?? 0);
  }
}

/** Which subnet to take and the reason in a sentence. */
export interface Judgement {
  subnet: Subnet;
  reason: string;
}

/** A picture looks good with about half a bit for each of its pixels: 16 kB for 512 × 512. */
const GOOD_BPP = 0.55;
/** What part of that those get who ask for little data. */
const SAVED = 0.25;
/** Milliseconds that drawing a picture may take. */
export const PATIENCE = 1000;

export interface Device {
  savesData: boolean;
  /** For all of a picture; nothing while that is not known. */
  millisecondsOf?: ((subnet: Subnet) => number) | undefined;
}

/** What the device takes by itself: what looks good, or less if that takes long. */
export function automatic(
  subnets: readonly Subnet[],
  { width, height }: Size,
  { savesData, millisecondsOf }: Device,
): Judgement | undefined {
  const bytes = ((GOOD_BPP * width * height) / 8) * (savesData ? SAVED : 1);
  const front = paretoFront(subnets);
  const good = front.filter((subnet) => subnet.bytes <= bytes).at(-1) ?? front[0];
  if (!good) return undefined;
  const size = formatBytes(good.bytes);
  const wish = savesData ? `Your browser asks to save data: ${size}` : `${size} look good at this size`;
  if (!millisecondsOf) return { subnet: good, reason: `${wish}.` };
  const within = front.filter((subnet) => subnet.bytes <= good.bytes);
  const { subnet, fits } = withinTime(within, PATIENCE, millisecondsOf) ?? { subnet: good, fits: false };
  const takes = `about ${formatDuration(millisecondsOf(subnet))}`;
  if (subnet === good && fits) return { subnet, reason: `${wish}, and drawing takes ${takes} here.` };
  const slow = `${wish}, but drawing takes about ${formatDuration(millisecondsOf(good))} here`;
  if (subnet === good) return { subnet, reason: `${slow}, and nothing smaller is quicker.` };
  return { subnet, reason: `${slow}; ${formatBytes(subnet.bytes)} take ${takes}.` };
}

/** The best of the subnets that are drawn in so many milliseconds, or else the quickest. */
export function withinTime(
  subnets: readonly Subnet[],
  milliseconds: number,
  millisecondsOf: (subnet: Subnet) => number,
): { subnet: Subnet; fits: boolean } | undefined {
  const best = paretoFront(subnets.filter((subnet) => millisecondsOf(subnet) <= milliseconds)).at(-1);
  if (best) return { subnet: best, fits: true };
  const [quickest] = [...subnets].sort((a, b) => millisecondsOf(a) - millisecondsOf(b));
  return quickest && { subnet: quickest, fits: false };
}
