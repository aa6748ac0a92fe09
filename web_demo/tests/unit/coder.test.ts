import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Coder } from '../../neural-img/src/coder.ts';
import { CODER } from '../../neural-img/src/generated/coder.ts';
import { CODER_MODULE } from '../kernels.ts';

test('the source compiles to the module that Python runs', () => {
  const committed = new URL('../../../runtime_py/anir_runtime/coder.wasm', import.meta.url);
  expect(Buffer.from(CODER, 'base64').equals(readFileSync(committed))).toBe(true);
});

test('bits are there as soon as their bytes are', () => {
  // Halves of the range: a decision is 1 where the value is in the lower half.
  const coder = new Coder(CODER_MODULE, 0, 0, 3, 16);
  coder.decode(Uint8Array.of(0, 0, 0, 0));
  expect(coder.bits(8)).toBe(255);
  coder.feed(Uint8Array.of(255, 255, 255, 255));
  expect(coder.bits(16)).toBe(65535);
  expect(coder.bits(3)).toBeLessThan(8);
});

test('goes back to what was kept', () => {
  const coder = new Coder(CODER_MODULE, 1, 2, 3, 16);
  coder.decode(Uint8Array.from({ length: 600 }, (_, k) => (k * 151) % 256));
  const [first, unknown] = [coder.bits(20), coder.values()];
  coder.keep();
  const second = [coder.bits(32), coder.level(900, 27), coder.values(), coder.symbols(2, 4, 9)];
  coder.restore();
  expect(coder.values()).toEqual(unknown);
  expect([coder.bits(32), coder.level(900, 27), coder.values(), coder.symbols(2, 4, 9)]).toEqual(second);
  expect(first).toBeLessThan(1 << 20);
  expect(unknown.every((value) => value === 0)).toBe(true);
});

test('a level that lacks bytes says so and ends', () => {
  const coder = new Coder(CODER_MODULE, 4, 4, 3, 16);
  coder.decode(new Uint8Array(8));
  expect(coder.level(64, 127)).toBe(false);
});

test('a picture beyond all memory is refused', () => {
  expect(() => new Coder(CODER_MODULE, 8192, 2048, 3, 16)).toThrow('more memory');
});
