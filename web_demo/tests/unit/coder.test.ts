import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromCharacters } from '../../neural-img/src/bytes.ts';
import { Coder } from '../../neural-img/src/coder.ts';
import { CODER } from '../../neural-img/src/generated/coder.ts';
import { CODER_MODULE } from '../kernels.ts';

test('the source compiles to the module that Python runs', () => {
  const committed = new URL('../../../runtime_py/anir_runtime/coder.wasm', import.meta.url);
  expect(Buffer.from(fromCharacters(CODER)).equals(readFileSync(committed))).toBe(true);
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
  const second = [coder.bits(32), coder.level(900), coder.values(), coder.symbols(2, 4, 9)];
  coder.restore();
  expect(coder.values()).toEqual(unknown);
  expect([coder.bits(32), coder.level(900), coder.values(), coder.symbols(2, 4, 9)]).toEqual(second);
  expect(first).toBeLessThan(1 << 20);
  expect(unknown.every((value) => value === 0)).toBe(true);
});

test('what was encoded is decoded', () => {
  const [pitch, planes] = [4, 2];
  const pictures = fc.record({
    rows: fc.integer({ min: 1, max: 3 }),
    columns: fc.integer({ min: 1, max: 3 }),
    sizes: fc.array(fc.integer({ min: -3000, max: 3000 }), { minLength: 1, maxLength: 9 }),
    widths: fc.array(fc.integer({ min: 64, max: 2000 }), { minLength: 1, maxLength: 4 }),
  });
  fc.assert(
    fc.property(pictures, ({ rows, columns, sizes, widths }) => {
      const cells = Array.from({ length: rows * columns * planes }, (_, k) => k);
      // Cells' means, of which cosines are coded, stay zero.
      const wanted = Int32Array.from(
        cells.flatMap((cell) =>
          Array.from({ length: pitch ** 2 }, (_, k) => (k ? (sizes[(cell + k) % sizes.length] ?? 0) : 0)),
        ),
      );
      const falling = widths.toSorted((a, b) => b - a);
      const shape = [rows, columns, planes, pitch] as const;
      const coder = new Coder(CODER_MODULE, ...shape);
      const { stream, known } = encoded(shape, wanted, falling);
      coder.decode(stream);
      for (const width of falling) expect(coder.level(width)).toBe(true);
      expect(coder.check()).toBe(true);
      expect(coder.values()).toEqual(known);
    }),
    { numRuns: 60 },
  );
});

/**
 * The stream of levels of such widths of coefficients [rows, columns, planes, pitch, pitch], with a check behind it, and what is
 * known of them then.
 */
function encoded(shape: readonly [number, number, number, number], wanted: Int32Array, widths: number[]) {
  const run = new WebAssembly.Instance(CODER_MODULE).exports as Record<
    string,
    (...all: number[]) => number
  > & {
    memory: WebAssembly.Memory;
  };
  run.create?.(...shape);
  const at = run.room?.() ?? 0;
  const stream = at + wanted.byteLength;
  run.memory.grow(2);
  new Int32Array(run.memory.buffer, at, wanted.length).set(wanted);
  run.startEncoding?.(stream, 1 << 23);
  for (const width of widths) run.level?.(width, 27, at);
  run.check?.();
  run.finish?.();
  const bytes = new Uint8Array(run.memory.buffer, stream, run.position?.()).slice();
  run.values?.(at);
  return { stream: bytes, known: new Int32Array(run.memory.buffer, at, wanted.length).slice() };
}

test('a level that lacks bytes says so and ends', () => {
  const coder = new Coder(CODER_MODULE, 4, 4, 3, 16);
  coder.decode(new Uint8Array(8));
  expect(coder.level(64)).toBe(false);
});

test('a picture beyond all memory is refused', () => {
  expect(() => new Coder(CODER_MODULE, 8192, 2048, 3, 16)).toThrow('more memory');
});
