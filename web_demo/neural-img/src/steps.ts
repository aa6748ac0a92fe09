/** How each level of an `.anir` file refines a picture's coefficients (docs/format.md, "Stream"). */
import type { Coder } from './coder.ts';

export const LEAST_WIDTH = 64;

/** How a level refines coefficients. */
export interface Step {
  /** In units, 64 to 32767: intervals of sizes other than zero are less than one and a half times as long afterwards. */
  width: number;
  /** Distance in pixels, 1 to 4, of the nearest neighbours at which the level's network sees planes. */
  reach: number;
}

/** What a level does first: its width is told in 512ths of the one before, or as it is. */
export function readStep(coder: Coder, before: Step | undefined): Step {
  const isNear = before !== undefined && coder.bits(1) === 1;
  const width = isNear ? before.width - ((before.width * coder.bits(8)) >> 9) : coder.bits(15);
  return { width, reach: coder.bits(2) + 1 };
}
