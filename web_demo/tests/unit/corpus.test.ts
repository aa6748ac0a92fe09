/** Sound and hostile files of ../../../tests/fuzz/corpus: the verdicts are those of Python's reader. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { axis } from '../../neural-img/src/coordinates.ts';
import { FAMILIES } from '../../neural-img/src/families/index.ts';
import { ModelError } from '../../neural-img/src/model_error.ts';
import { readNetwork } from '../../neural-img/src/onnx_reader.ts';
import { newKernel } from '../kernels.ts';

const at = (name: string) => new URL(`../../../tests/fuzz/corpus/${name}`, import.meta.url);
const verdicts = Object.entries<string>(JSON.parse(readFileSync(at('verdicts.json'), 'utf8')).onnx);

function verdictOn(file: Uint8Array): string {
  const kernel = newKernel();
  try {
    const network = readNetwork(kernel, file);
    const draw = FAMILIES.get(network.family)?.open(kernel, network);
    expect(draw?.(axis(network.size[0], undefined, 6), axis(network.size[1], undefined, 4)).length).toBe(96);
    return 'drawn';
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    expect(error.message).toMatch(/^.{1,300}$/);
    return 'refused';
  }
}

test('there is a corpus', () => {
  expect(verdicts.length).toBeGreaterThan(100);
});

test.each(verdicts)('%s is %s', (name, verdict) => {
  expect(verdictOn(readFileSync(at(`onnx/${name}`)))).toBe(verdict);
});
