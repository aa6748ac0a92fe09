import { expect, test } from 'vitest';
import { readInfo } from '../../neural-img/src/onnx_reader.ts';
import { type Folder, readOwn, readPicture } from '../../src/picture.ts';
import { METADATA, modelBytes } from '../onnx_bytes.ts';
import { type AnirCase, anirCases } from '../vectors.ts';

const FOLDER: Folder = { read: () => Promise.reject(new Error('nothing is to be read')) };
const SUBNET = {
  name: 'd3w64',
  file: 'd3w64.onnx',
  bytes: 5000,
  bpp: 0.17,
  psnr: 26.5,
  macs_per_pixel: 9000,
};
const MANIFEST = {
  format: 1,
  source: { file: 'coffee.png', width: 600, height: 400 },
  subnets: [SUBNET],
};
const read = (manifest: unknown) => readPicture(manifest, FOLDER, 'Coffee');
// In Node, a File has no webkitRelativePath, its path from the opened folder.
const asFile = (name: string, content: BlobPart) =>
  Object.assign(new File([content], name), { webkitRelativePath: `mine/${name}` });
/** The information that a decoder gives of a file. */
const infoOf = async (file: Uint8Array) => ({ ...readInfo(file), name: 'd3w64' });
const model = (name: string) => asFile(name, modelBytes(METADATA) as BlobPart);

test('reads a manifest', () => {
  expect(read(MANIFEST)).toEqual({
    title: 'Coffee',
    width: 600,
    height: 400,
    folder: FOLDER,
    source: 'coffee.png',
    subnets: [
      {
        name: 'd3w64',
        depth: 3,
        width: 64,
        file: 'd3w64.onnx',
        bytes: 5000,
        bpp: 0.17,
        psnr: 26.5,
        macsPerPixel: 9000,
      },
    ],
    twins: new Map(),
    screens: [],
  });
});

test.each([
  ['no object', null, 'manifest'],
  ['another format', { ...MANIFEST, format: 2 }, 'format'],
  ['no source', { ...MANIFEST, source: undefined }, 'source'],
  ['no list', { ...MANIFEST, subnets: {} }, 'subnets'],
  ['an empty list', { ...MANIFEST, subnets: [] }, 'empty'],
  ['a strange name', { ...MANIFEST, subnets: [{ ...SUBNET, name: '3x64' }] }, 'd3w64'],
  ['a text for a number', { ...MANIFEST, subnets: [{ ...SUBNET, bytes: '5000' }] }, 'd3w64.bytes'],
  ['a path out of the folder', { ...MANIFEST, subnets: [{ ...SUBNET, file: '../x.onnx' }] }, 'd3w64.file'],
  ['another address', { ...MANIFEST, source: { ...MANIFEST.source, file: '//host/x.png' } }, 'source.file'],
])('refuses %s', (_name, manifest, message) => {
  expect(() => read(manifest)).toThrow(message);
});

test('reads a single neural image among other files', async () => {
  const picture = await readOwn([asFile('notes.txt', 'x'), model('mine.onnx')], infoOf);
  expect(picture).toMatchObject({ title: 'mine.onnx', width: 96, height: 64, subnets: [{ name: 'd3w64' }] });
  expect(await (await picture.folder.read('mine.onnx')).arrayBuffer()).toEqual(modelBytes(METADATA).buffer);
});

test('reads an .anir file as a subnet for each level of its header', async () => {
  const own = anirCases().find(({ family }) => family === 'lapped') as AnirCase;
  const picture = await readOwn([asFile('mine.anir', own.file as BlobPart)], infoOf);
  expect(picture.subnets.map(({ name, bytes }) => [name, bytes])).toEqual(
    own.levels.map(({ name, end }) => [name, end]),
  );
  const [first] = picture.subnets;
  const pixels = picture.width * picture.height;
  expect(first).toMatchObject({ file: 'mine.anir', depth: 2 });
  expect(first?.bpp).toBeCloseTo(((first?.bytes ?? 0) * 8) / pixels);
  expect(picture.stream).toBeDefined();
});

test.each([
  ['another file', 'hello, this is a text', 'not an .anir file'],
  ['an .anir file truncated in its header', [0x89, 0x61, 0x6e, 0x69, 2], 'ends within its header'],
  ['an empty file', [], 'ends within its header'],
])('reports what is wrong with %s', async (_name, content, message) => {
  const bytes = typeof content === 'string' ? content : Uint8Array.from(content);
  await expect(readOwn([asFile('mine.anir', bytes)], infoOf)).rejects.toThrow(message);
});

test('reads a folder with its manifest, with or without the source picture', async () => {
  const files = [asFile('manifest.json', JSON.stringify(MANIFEST)), model('d3w64.onnx')];
  const alone = await readOwn(files, infoOf);
  expect(alone.title).toBe('mine');
  expect(alone.source).toBeUndefined();
  expect((await readOwn([...files, asFile('coffee.png', 'png')], infoOf)).source).toBe('coffee.png');
});

test.each([
  [
    'two files without a manifest',
    [model('a.onnx'), model('b.onnx')],
    'open one of them, or an exported folder',
  ],
  ['a folder without either', [asFile('a.txt', 'x'), asFile('b.txt', 'x')], 'no neural image'],
  ['nothing', [], 'no neural image'],
  ['a text', [asFile('a.onnx', 'hello')], 'not an ONNX file'],
  ['a manifest that is no JSON', [asFile('manifest.json', '{')], 'it is not JSON'],
  ['a manifest of something else', [asFile('manifest.json', '{"name": "app"}')], 'manifest.format is not 1'],
  ['a missing network', [asFile('manifest.json', JSON.stringify(MANIFEST))], 'lists d3w64.onnx'],
])('reports what is wrong with the selection: %s', async (_name, files, message) => {
  await expect(readOwn(files, infoOf)).rejects.toThrow(message);
});
