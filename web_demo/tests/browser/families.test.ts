/** Every family takes the fast way: a graph that could not be rewritten would be right, but slow. */
import { expect, test } from 'vitest';
import { rewrite } from '../../neural-img/src/rewrite.ts';
import { evaluate } from '../evaluate.ts';
import { bytesOf, fixtures } from './fixtures.ts';

test.each(fixtures)('$family is rewritten', async (fixture) => {
  expect(await rewrite(new Uint8Array(bytesOf(fixture)), evaluate)).toBeDefined();
});
