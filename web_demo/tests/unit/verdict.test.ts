import { expect, test } from 'vitest';
import type { Subnet } from '../../neural-img/src/manifest.ts';
import { ranking, verdict } from '../../src/verdict.ts';

const SUBNET = { bytes: 2000, psnr: 25 } as Subnet;
const encoded = (bytes: number, psnr: number) => ({ file: 'q1.jpg', bytes, psnr });

test.each([
  [encoded(1900, 22), 'The neural image is 3.0 dB closer to the original, at the same number of bytes.'],
  [encoded(2000, 29), 'JPEG is 4.0 dB closer to the original, at the same number of bytes.'],
  [encoded(2000, 25.02), 'Both are equally close to the original, at the same number of bytes.'],
  [
    encoded(3000, 24),
    'The neural image is 1.0 dB closer to the original, and JPEG cannot get this small: its smallest file is 1.5 times as large.',
  ],
  [
    encoded(3000, 26),
    'JPEG is 1.0 dB closer to the original, but it cannot get this small: its smallest file is 1.5 times as large.',
  ],
])('says which is closer to the original, and at what size', (rival, expected) => {
  expect(verdict(SUBNET, 'JPEG', rival)).toBe(expected);
});

test('says nothing without a rival or a quality', () => {
  expect(verdict(SUBNET, 'Original', undefined)).toBe('');
  expect(verdict({ bytes: 2000 } as Subnet, 'JPEG', encoded(1900, 22))).toBe('');
});

test('says which codecs are closer, as close, not as close, or too large', () => {
  const all = (...files: [number, number][]) => {
    const [jpeg, webp, avif, jxl] = files.map((file) => encoded(...file));
    if (!jpeg || !webp || !avif || !jxl) throw new Error('A codec is missing.');
    return ranking(SUBNET, { jpeg, webp, jxl, avif });
  };
  expect(all([1900, 22], [2000, 25.1], [1800, 27], [2000, 23])).toBe(
    'At this number of bytes, AVIF is closer to the original; WebP is as close; JPEG and JPEG XL are not as close.',
  );
  expect(all([1900, 22], [2000, 26], [1800, 27], [1700, 28])).toBe(
    'At this number of bytes, WebP, JPEG XL and AVIF are closer to the original; JPEG is not as close.',
  );
  expect(all([1900, 22], [9000, 26], [8000, 27], [7000, 27])).toBe(
    'At this number of bytes, JPEG is not as close; WebP, JPEG XL and AVIF cannot get this small.',
  );
  expect(all([9900, 22], [9000, 26], [8000, 27], [7000, 27])).toBe(
    'JPEG, WebP, JPEG XL and AVIF cannot get this small.',
  );
});
