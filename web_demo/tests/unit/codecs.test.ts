import { expect, test } from 'vitest';
import { readScreens, readTwins } from '../../src/codecs.ts';

test('reads the codecs’ files of each subnet', () => {
  const encoded = { file: 'q5.jpg', bytes: 4900, psnr: 24 };
  const all = { jpeg: encoded, webp: encoded, jxl: encoded, avif: encoded };
  const twins = readTwins({ d3w64: { subnet_bytes: 5000, ...all } });
  expect(twins.get('d3w64')?.avif).toEqual({ ...encoded, file: 'codecs/q5.jpg' });
  expect(() => readTwins({ d3w64: { jpeg: encoded } })).toThrow('d3w64.webp');
});

test('reads the bytes of copies for screens, if there are any', () => {
  const levels = { d2w8: { psnr: 22.4, jpeg: 1638, avif: 962 }, d2w12: { psnr: 40 } };
  const [screen] = readScreens([{ width: 128, height: 96, levels }]);
  expect(screen).toMatchObject({ width: 128, height: 96 });
  expect([...(screen?.levels ?? [])]).toEqual(Object.entries(levels));
});

test.each([
  ['no list', {}, 'screens'],
  ['a size of nothing', [{ width: 0, height: 96, levels: {} }], 'screen.width'],
  ['bytes given as text', [{ width: 1, height: 1, levels: { d2w8: { psnr: 1, avif: '9' } } }], 'd2w8.avif'],
  ['no quality', [{ width: 1, height: 1, levels: { d2w8: { avif: 9 } } }], 'd2w8.psnr'],
])('refuses %s', (_name, json, message) => {
  expect(() => readScreens(json)).toThrow(message);
});
