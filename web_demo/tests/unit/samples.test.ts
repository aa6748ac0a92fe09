import { expect, test } from 'vitest';
import { paretoFront, readManifest, type Subnet } from '../../src/samples.ts';

const FOLDER = new URL('http://localhost/a/samples/coffee/');
const SUBNET = { name: 'd3w64', file: 'd3w64.onnx', bytes: 5000, bpp: 0.17, psnr: 26.5 };
const MANIFEST = {
  format: 1,
  source: { file: 'coffee.png', width: 600, height: 400 },
  subnets: [SUBNET],
};
const read = (manifest: unknown) => readManifest(manifest, FOLDER, 'coffee', 'Coffee');

test('reads a manifest, with addresses made absolute', () => {
  expect(read(MANIFEST)).toEqual({
    name: 'coffee',
    title: 'Coffee',
    source: { url: `${FOLDER}coffee.png`, width: 600, height: 400 },
    subnets: [
      { name: 'd3w64', depth: 3, width: 64, url: `${FOLDER}d3w64.onnx`, bytes: 5000, bpp: 0.17, psnr: 26.5 },
    ],
  });
});

test.each([
  ['no object', null, 'manifest'],
  ['another format', { ...MANIFEST, format: 2 }, 'format'],
  ['no source', { ...MANIFEST, source: undefined }, 'source'],
  ['no list', { ...MANIFEST, subnets: {} }, 'subnets'],
  ['a strange name', { ...MANIFEST, subnets: [{ ...SUBNET, name: '3x64' }] }, 'd3w64'],
  ['a text for a number', { ...MANIFEST, subnets: [{ ...SUBNET, bytes: '5000' }] }, 'd3w64.bytes'],
  ['a file elsewhere', { ...MANIFEST, subnets: [{ ...SUBNET, file: '../d3w64.onnx' }] }, 'd3w64.file'],
  ['a file on another host', { ...MANIFEST, subnets: [{ ...SUBNET, file: '//host/a.onnx' }] }, 'd3w64.file'],
])('refuses %s', (_name, manifest, message) => {
  expect(() => read(manifest)).toThrow(message);
});

test('the front holds what nothing smaller or better beats', () => {
  const make = (bytes: number, psnr: number) => ({ bytes, psnr }) as Subnet;
  const [small, bad, good, twin] = [make(1, 20), make(3, 19), make(4, 25), make(4, 24)];
  expect(paretoFront([small, bad, good, twin])).toEqual(new Set([small, good]));
});

test('two that are equal are both on the front', () => {
  const equal = [
    { bytes: 1, psnr: 20 },
    { bytes: 1, psnr: 20 },
  ] as Subnet[];
  expect(paretoFront(equal).size).toBe(2);
});
