/** What each level of an `.anir` file begins with: its width and its reach (docs/format.md, "Stream"). */
import type { Coder } from './coder.ts';

export const LEAST_WIDTH = 64;
/** Bytes that hold a level's width and reach, at most. */
export const STEP_BYTES = 3;

export interface LevelStep {
  /** The quantization step in units, 64 to 32767: the level narrows intervals of nonzero magnitudes to less than 1½ widths. */
  width: number;
  /** Distance in pixels, 1 to 4, from a point to the nearest neighbours that are inputs of the level's network. */
  reach: number;
}

/** Decodes a level's step; its width is coded either by its decrease, in 512ths of the width before, or in full. */
export function readLevelStep(coder: Coder, before: LevelStep | undefined): LevelStep {
  const isNear = before !== undefined && coder.bits(1) === 1;
  const width = isNear ? before.width - ((before.width * coder.bits(8)) >> 9) : coder.bits(15);
  return { width, reach: coder.bits(2) + 1 };
}
