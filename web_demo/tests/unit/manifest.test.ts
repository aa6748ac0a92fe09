import { expect, test } from 'vitest';
import { paretoFront, readManifest, type Subnet } from '../../neural-img/src/manifest.ts';

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
