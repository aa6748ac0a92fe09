import { expect, test } from 'vitest';
import { asFileName, paretoFront, readManifest, type Subnet } from '../../neural-img/src/manifest.ts';

test('a source may have no name', () => {
  const row = { name: 'd3w8', file: 'd3w8.onnx', bytes: 900, bpp: 0.1, psnr: 25.25, macs_per_pixel: 400 };
  const manifest = { format: 1, source: { width: 40, height: 30 }, subnets: [row] };
  expect(readManifest(manifest)).toMatchObject({
    width: 40,
    height: 30,
    subnets: [{ depth: 3, psnr: 25.25 }],
  });
  expect(readManifest(manifest).source).toBeUndefined();
  const named = (file: unknown) => readManifest({ ...manifest, source: { ...manifest.source, file } });
  expect(named('a.png').source).toBe('a.png');
  expect(() => named(null)).toThrow('source.file is not a text');
});

test.each(['Grüße.png', 'IMG (1).jpg', 'a & b, c+d=e.png', '写真.jpg', '.hidden', ' a.png'])(
  'a file may be called %s',
  (name) => {
    expect(asFileName(name, 'file')).toBe(name);
  },
);

test.each([
  '..',
  '...',
  '../a',
  '/etc/passwd',
  'a/b',
  'a\\b',
  'c:a',
  'http://a',
  'a?b',
  'a\0',
  'a\n',
  'a\u2028b',
  'a\u00a0b',
  '\ud800',
])('a file may not be called %j', (name) => {
  expect(() => asFileName(name, 'file')).toThrow('file is not a plain file name');
});

test('PSNR may be 0 dB but not negative, and no file is empty', () => {
  const row = { name: 'd3w8', file: 'd3w8.onnx', bytes: 900, bpp: 0, psnr: 0, macs_per_pixel: 0 };
  const read = (change: object) =>
    readManifest({ format: 1, source: { width: 40, height: 30 }, subnets: [{ ...row, ...change }] });
  expect(read({}).subnets[0]?.psnr).toBe(0);
  expect(() => read({ psnr: -1 })).toThrow('d3w8.psnr is not a number from 0 up');
  expect(() => read({ psnr: Number.NaN })).toThrow('d3w8.psnr');
  expect(() => read({ bytes: 0 })).toThrow('d3w8.bytes is not a number from 1 up');
});

test('the Pareto front has the subnets that are better than all smaller ones', () => {
  const subnet = (name: string, bytes: number, psnr: number) => ({ name, bytes, psnr }) as Subnet;
  const [small, bad, good, twin] = [
    subnet('small', 1000, 25),
    subnet('bad', 1500, 24),
    subnet('good', 2000, 27),
    subnet('twin', 2200, 27),
  ];
  expect(paretoFront([good, twin, bad, small])).toEqual([small, good]);
});
