/** Tests the codes of heads near those of common networks; files test the rest (anir_file.test.ts). */
import { expect, test } from 'vitest';
import { withOffsets } from '../../neural-img/src/common_networks.ts';

test('codes with offsets are clamped, but those of planes stay', () => {
  // The same numbers as in tests/test_common_networks.py.
  const data = Int8Array.of(-128, 127, -127, -120, -119, 0, 120, 121, 3, -4, 1, 2, 3, 4, 5, 6);
  const offsets = [-1, -8, -8, 7, 7, 7, -8, -7, 0, 1, 6, 7];
  const { head } = withOffsets({ head: { shape: [2, 8], data } }, offsets);
  expect(head?.shape).toEqual([2, 8]);
  expect(head?.data).toEqual(
    Int8Array.of(-128, 127, -127, -127, -127, 7, 127, 127, 3, -4, -7, -5, 3, 5, 11, 13),
  );
});
