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

test('bits can be decoded as soon as their bytes have arrived', () => {
  // Bits halve the range: a bit is 1 where the value lies in the lower half.
  const coder = new Coder(CODER_MODULE, 0, 0, 3, 16);
  coder.decode(Uint8Array.of(0, 0, 0, 0));
  expect(coder.bits(8)).toBe(255);
  coder.feed(Uint8Array.of(255, 255, 255, 255));
  expect(coder.bits(16)).toBe(65535);
  expect(coder.bits(3)).toBeLessThan(8);
});

test('the state that was kept can be restored', () => {
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

test('encoded coefficients are decoded', () => {
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
      // DC coefficients, of which DCTs are coded, stay 0.
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
 * Encodes coefficients [rows, columns, planes, pitch, pitch] in levels of the given widths, followed by a digest. Returns the
 * stream and the coefficients that a decoder then knows.
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

test('a level that lacks bytes is reported as incomplete', () => {
  const coder = new Coder(CODER_MODULE, 4, 4, 3, 16);
  coder.decode(new Uint8Array(8));
  expect(coder.level(64)).toBe(false);
});

test('a picture too large for the memory is refused', () => {
  expect(() => new Coder(CODER_MODULE, 8192, 2048, 3, 16)).toThrow('too much memory');
});
