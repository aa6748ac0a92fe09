/** Which subnet to take: the best that fits the bytes and the time at hand. */

import { paretoFront, type Subnet } from '../neural-img/src/manifest.ts';
import { formatBytes, formatDuration } from './format.ts';
import type { Pass } from './neural_layer.ts';

export interface Budgets {
  bytes: number;
  milliseconds: number;
}

// What a pixel costs besides its multiplications, counted in these: measured with WebAssembly.
const PIXEL_MACS = 2000;
const SINE_MACS = 24;
const FIRST_MATRIX = 0.89;

/** The work of one pixel; the first layer's sines are made per row and column, its products at few points. */
const workOf = ({ macsPerPixel = 0, depth, width }: Subnet) =>
  PIXEL_MACS + macsPerPixel - FIRST_MATRIX * width ** 2 + SINE_MACS * (depth - 1) * width;

/** How fast this device decodes: as measured for a subnet, or estimated from the one that was measured last. */
export class Pace {
  readonly #perPixel = new Map<Subnet, number>();
  #perWork = 0;

  record(subnet: Subnet, { millisecondsPerPixel }: Pass): void {
    if (!subnet.macsPerPixel || millisecondsPerPixel <= 0) return;
    this.#perPixel.set(subnet, millisecondsPerPixel);
    this.#perWork = millisecondsPerPixel / workOf(subnet);
  }

  get measured(): boolean {
    return this.#perWork > 0;
  }

  estimate(subnet: Subnet, pixels: number): number {
    return pixels * (this.#perPixel.get(subnet) ?? this.#perWork * workOf(subnet));
  }
}

export interface Choice {
  subnet: Subnet;
  /** Whether it keeps within both budgets, or is only the nearest to them. */
  fits: boolean;
}

/** The best subnet within both budgets; if there is none, the one that comes nearest. */
export function choose(
  subnets: readonly Subnet[],
  budgets: Budgets,
  millisecondsOf: (subnet: Subnet) => number,
): Choice | undefined {
  const fitting = subnets.filter((subnet) => isWithin(subnet, budgets, millisecondsOf(subnet)));
  const best = paretoFront(fitting).at(-1);
  if (best) return { subnet: best, fits: true };
  const excess = (subnet: Subnet) =>
    Math.max(subnet.bytes / budgets.bytes, millisecondsOf(subnet) / budgets.milliseconds);
  const [nearest] = [...subnets].sort((a, b) => excess(a) - excess(b));
  return nearest && { subnet: nearest, fits: false };
}

export const isWithin = (subnet: Subnet, budgets: Budgets, milliseconds: number) =>
  subnet.bytes <= budgets.bytes && milliseconds <= budgets.milliseconds;

/** What a browser may tell of its connection (Network Information API). */
export interface Connection {
  /** Megabits per second. */
  downlink?: number;
  saveData?: boolean;
}

/** A picture should be there at once: a tenth of a second to load it, a second to draw it. */
const LOAD_SECONDS = 0.1;
const DRAW_MILLISECONDS = 1000;

/** The budgets that suit the connection and this device, and the reason in a sentence. */
export function automatic(connection: Connection | undefined): { budgets: Budgets; reason: string } {
  const drawing = `drawing it here may take ${formatDuration(DRAW_MILLISECONDS)}`;
  const budgets = { bytes: Infinity, milliseconds: DRAW_MILLISECONDS };
  if (connection?.saveData) {
    return {
      budgets: { ...budgets, bytes: 1 },
      reason: 'Your browser asks to save data, so the smallest network it is.',
    };
  }
  if (connection?.downlink === undefined) {
    return {
      budgets,
      reason: `Your browser does not tell how fast its connection is, so only time counts: ${drawing}.`,
    };
  }
  const bytes = (connection.downlink * 1e6 * LOAD_SECONDS) / 8;
  const speed = `${connection.downlink} Mbit/s`;
  return {
    budgets: { ...budgets, bytes },
    reason: `Your connection (about ${speed}) carries ${formatBytes(bytes)} in a tenth of a second, and ${drawing}.`,
  };
}
