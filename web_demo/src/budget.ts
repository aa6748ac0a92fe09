/** Chooses a subnet by its bytes and its drawing time, and gives the reason. */
import { paretoFront, type Subnet } from '../neural-img/src/manifest.ts';
import { formatBytes, formatDuration } from './format.ts';
import type { Size } from './view.ts';

/** What a pixel costs besides its layers, in multiply-adds, measured with WebAssembly. */
const PIXEL_MACS = 2000;
/** What a sine costs, likewise. */
const SINE_MACS = 24;

const workOf = ({ macsPerPixel = 0, depth, width }: Subnet) =>
  PIXEL_MACS + macsPerPixel + SINE_MACS * (depth - 1) * width;

/** Number of recent passes whose median is the speed: several, as one may be interrupted, but few, as pictures differ. */
const MEASURES = 5;

/** Estimates how long drawing takes on this device, from recent passes. */
export class Pace {
  /** Milliseconds for a unit of work in recent passes. */
  #measured: number[] = [];

  /** Records the milliseconds per pixel of a pass after warm-up. */
  record(subnet: Subnet, milliseconds: number): void {
    if (milliseconds <= 0) return;
    this.#measured = [...this.#measured, milliseconds / workOf(subnet)].slice(-MEASURES);
  }

  get measured(): boolean {
    return this.#measured.length > 0;
  }

  /** Estimates the milliseconds for a number of pixels. */
  estimate(subnet: Subnet, pixels: number): number {
    const sorted = [...this.#measured].sort((a, b) => a - b);
    return pixels * workOf(subnet) * (sorted[Math.floor((sorted.length - 1) / 2)] ?? 0);
  }
}

/** A choice, with its reason in a sentence. */
export interface Judgement {
  subnet: Subnet;
  reason: string;
}

/** Bits per pixel with which a picture looks good: 18 kB for 512 × 512. */
const GOOD_BPP = 0.55;
/** Share of these bits that is enough for a browser that asks to save data. */
const SAVED = 0.25;
/** Milliseconds that drawing a picture may take. */
export const PATIENCE = 1000;

export interface Device {
  savesData: boolean;
  /** Estimates the time for a whole picture; undefined while no pass has been measured. */
  millisecondsOf?: ((subnet: Subnet) => number) | undefined;
}

/** The automatic choice: the largest subnet within the bytes that look good, or a smaller one if that takes too long to draw. */
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

/** The best of the subnets that are drawn within `milliseconds`, else the fastest one. */
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
