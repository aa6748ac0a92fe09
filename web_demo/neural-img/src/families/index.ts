/** The families that the decoder draws, each in a module of its own. */
import type { Family } from './family.ts';
import { LAPPED } from './lapped.ts';
import { FOURIER, GABOR } from './mfn.ts';
import { SIREN } from './siren.ts';

export const FAMILIES: ReadonlyMap<string, Family> = new Map(
  Object.entries({ siren: SIREN, fourier: FOURIER, gabor: GABOR, lapped: LAPPED }),
);
