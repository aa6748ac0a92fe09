import { expect, test, vi } from 'vitest';

vi.stubGlobal('document', { getElementById: () => undefined });
const { describeDifference } = await import('../../src/engines.ts');

test('describes how far two pictures differ', () => {
  const a = Uint8Array.from({ length: 4000 }, (_, k) => k % 200);
  expect(describeDifference(a, a)).toBe('Both draw the same pixels.');
  expect(describeDifference(a, a.with(0, 1))).toBe('0.033 % of the values differ, by 1 level of 255.');
  expect(describeDifference(a, a.with(0, 7).with(5, 6))).toBe(
    '0.067 % of the values differ, by up to 7 levels of 255.',
  );
});
