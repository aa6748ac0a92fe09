/** The families that the decoder draws, each in a module of its own. */
import type { Family } from './family.ts';
import { LAPPED as lapped } from './lapped.ts';
import { FOURIER as fourier, GABOR as gabor } from './mfn.ts';
import { SIREN as siren } from './siren.ts';

export const FAMILIES: ReadonlyMap<string, Family> = new Map(
  Object.entries({ siren, fourier, gabor, lapped }),
);
