import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFixtures } from './preflight.mjs';

/** A neural image and the pixels that Python decoded from it: `pixels` is a file of uint8[height, width, 3]. */
export interface Fixture {
  file: string;
  family: string;
  width: number;
  height: number;
  pixels: string;
}

const folder = findFixtures() ?? '';

export const fixtures: Fixture[] = JSON.parse(readFileSync(join(folder, 'fixtures.json'), 'utf8'));
export const pathOf = (fixture: Fixture) => join(folder, fixture.file);
export const bytesOf = (fixture: Fixture) => readFileSync(pathOf(fixture));
export const pixelsOf = (fixture: Fixture) => readFileSync(join(folder, fixture.pixels));
