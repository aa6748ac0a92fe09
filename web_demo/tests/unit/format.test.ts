import { expect, test } from 'vitest';
import { formatBytes, formatDuration } from '../../src/format.ts';

test('formats bytes with three significant digits', () => {
  expect([812, 3050, 123_456, 2_500_000].map(formatBytes)).toEqual(['812 B', '3.0 kB', '123 kB', '2.5 MB']);
});

test('formats times in milliseconds or seconds', () => {
  expect([87.4, 999, 2345].map(formatDuration)).toEqual(['87 ms', '999 ms', '2.3 s']);
});
