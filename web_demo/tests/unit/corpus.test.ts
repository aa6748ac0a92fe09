/** Tests that the files of ../../../tests/fuzz/corpus have the same verdicts as in Python. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { AnirFile } from '../../neural-img/src/anir_file.ts';
import { isAnir } from '../../neural-img/src/anir_header.ts';
import { axis } from '../../neural-img/src/coordinates.ts';
import { FAMILIES } from '../../neural-img/src/families/index.ts';
import type { Kernel } from '../../neural-img/src/kernel.ts';
import { ModelError } from '../../neural-img/src/model_error.ts';
import type { Network } from '../../neural-img/src/network.ts';
import { readNetwork } from '../../neural-img/src/onnx_reader.ts';
import { drawPreview, type Preview } from '../../neural-img/src/preview.ts';
import { CODER_MODULE, newKernel } from '../kernels.ts';

const at = (name: string) => new URL(`../../../tests/fuzz/corpus/${name}`, import.meta.url);
const verdicts: Record<string, Record<string, string>> = JSON.parse(
  readFileSync(at('verdicts.json'), 'utf8'),
);
/** Pattern of the messages for each reason to refuse an `.anir` file. */
const REASONS = {
  other: /not an ONNX file|not a neural image|This file is empty/,
  newer: /update/,
  older: /an earlier anir made it/,
  large: /out of range|larger picture|layers of|different coefficients|too much memory/,
  cut: /ends/,
  damaged: /damaged/,
};

function drawn(kernel: Kernel, plan: Network | Preview): string {
  const draw = 'offset' in plan ? drawPreview(plan) : FAMILIES.get(plan.family)?.open(kernel, plan);
  expect(draw?.(axis(plan.size[0], undefined, 6), axis(plan.size[1], undefined, 4)).length).toBe(96);
  return 'drawn';
}

/** Returns the result of `draw` or, if it refuses the file, the message. */
async function outcome(draw: () => string | Promise<string>): Promise<string> {
  try {
    return await draw();
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    expect(error.message).toMatch(/^.{1,300}$/);
    return error.message;
  }
}

test('the corpus has many files', () => {
  expect(Object.keys(verdicts.onnx ?? {}).length).toBeGreaterThan(100);
  expect(Object.keys(verdicts.anir ?? {}).length).toBeGreaterThan(60);
});

test.each(Object.entries(verdicts.onnx ?? {}))('%s is %s', async (name, verdict) => {
  const kernel = newKernel();
  const own = await outcome(() => drawn(kernel, readNetwork(kernel, readFileSync(at(`onnx/${name}`)))));
  expect(own === 'drawn' ? own : 'refused').toBe(verdict);
});

test.each(Object.entries(verdicts.anir ?? {}))('%s: %s', async (name, verdict) => {
  const [kernel, file, data] = [newKernel(), new AnirFile(CODER_MODULE), readFileSync(at(`anir/${name}`))];
  const own = await outcome(async () => {
    if (!isAnir(data)) return drawn(kernel, readNetwork(kernel, data));
    file.feed(data);
    drawn(kernel, file.preview() ?? (await file.refined()));
    return `${file.available} levels`;
  });
  const reason = Object.entries(REASONS).find(([, pattern]) => pattern.test(own))?.[0];
  expect(own.endsWith('levels') ? own : reason, own).toBe(verdict);
});
