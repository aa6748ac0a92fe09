import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Size, View } from '../../src/view.ts';
import { findFixtures } from './preflight.mjs';

/** A neural image and files of the pixels that Python decoded from it, uint8[height, width, 3]. */
export interface Fixture {
  file: string;
  family: string;
  width: number;
  height: number;
  pixels: string;
  /** The pixels at twice the size. */
  twice: string;
}

/** The pixels that a stage of a given size shows of a sample. */
export interface SampleView {
  picture: string;
  subnet: string;
  view: View;
  stage: Size;
  pixels: string;
}

const root = findFixtures() ?? '';
const listed: { models: Fixture[]; clear: Fixture; folder: string; stream: string; views: SampleView[] } =
  JSON.parse(readFileSync(join(root, 'fixtures.json'), 'utf8'));

export const fixtures = listed.models;
/** `clear` has alpha: a canvas multiplies colours by it, and so does not return them exactly. */
export const { clear, views } = listed;
/** An exported folder: sixteen subnets, a manifest and the source picture. */
export const folder = join(root, listed.folder);
/** A photograph in an `.anir` file of sixteen levels. */
export const stream = listed.stream;
export const read = (file: string) => readFileSync(join(root, file));
export const pathOf = (fixture: Fixture) => join(root, fixture.file);
export const bytesOf = (fixture: Fixture) => read(fixture.file);
export const pixelsOf = (fixture: Fixture) => read(fixture.pixels);

const [first] = fixtures;
if (!first) throw new Error('fixtures.json lists no model');
/** Any good file. */
export const good = first;
