/** A picture and its subnets, read from a manifest or an `.anir` file's header, on this site or among a visitor's files. */
import { type Header, previewFrom, readHeader } from '../neural-img/src/anir_header.ts';
import { IncompleteError } from '../neural-img/src/exp_golomb.ts';
import { ModelError, type ModelInfo } from '../neural-img/src/index.ts';
import { type Manifest, readManifest, type Subnet } from '../neural-img/src/manifest.ts';
import { refuseTooLarge } from '../neural-img/src/onnx_reader.ts';
import type { ScreenCopies, Twins } from './codecs.ts';
import { fileOpener, Streamed } from './streamed.ts';

/** Gives access to a picture's files, on this site or among those that the visitor opened. */
export interface Folder {
  read(file: string, signal?: AbortSignal): Promise<Blob>;
}

export interface Picture extends Manifest {
  /** Its name in links; undefined for a visitor's own file. */
  id?: string;
  title: string;
  folder: Folder;
  /** The `.anir` file, if it has one: the `bytes` of a subnet are then those of the prefix that holds it. */
  stream?: Streamed;
  /** Length of that file in bytes, if it is the visitor's own: it may have been cut. */
  length?: number;
  /** Bytes of that file from which on its preview is worth showing. */
  least?: number;
  twins: Twins;
  screens: readonly ScreenCopies[];
}

export const MANIFEST = 'manifest.json';
/** Share of the first level from which on a preview shows what the picture is of. */
const WORTH_SHOWING = 0.4;
/** Upper bound of a header's size. */
const HEADER_BYTES = 4096;

export const readPicture = (json: unknown, folder: Folder, title: string): Picture => ({
  ...readManifest(json),
  title,
  folder,
  twins: new Map(),
  screens: [],
});

/** Describes the picture of an `.anir` file once its header has arrived. Throws a ModelError if that is invalid. */
export async function readStream(
  stream: Streamed,
  file: string,
  folder: Folder,
  title: string,
): Promise<Picture> {
  const header = await headerOf(stream);
  const { size, colours, levels, start } = header;
  const [width, height] = size;
  const first = levels[0]?.end ?? 0;
  const hasPreview = previewFrom(header) < first;
  const subnets = levels.map(
    ({ name, depth, channels, end, psnr }): Subnet => ({
      name,
      depth,
      width: channels,
      file,
      bytes: end,
      bpp: (end * 8) / width / height,
      psnr: psnr[0],
      macsPerPixel: (depth - 1) * channels ** 2 + colours * channels,
    }),
  );
  return {
    ...{ width, height, subnets, title, folder, stream, twins: new Map(), screens: [] },
    ...(hasPreview && {
      least: Math.max(previewFrom(header), Math.round(start + (first - start) * WORTH_SHOWING)),
    }),
  };
}

async function headerOf(stream: Streamed): Promise<Header> {
  const here = headerIn(stream.prefix(stream.size));
  if (here) return here;
  for await (const size of stream.until(HEADER_BYTES)) {
    const header = headerIn(stream.prefix(size));
    if (header) return header;
  }
  throw new ModelError('This .anir file ends within its header; fetch it again.');
}

/** Reads the header; undefined if it is incomplete. */
function headerIn(start: Uint8Array): Header | undefined {
  try {
    return readHeader(start);
  } catch (error) {
    if (error instanceof IncompleteError) return undefined;
    throw error;
  }
}

/** Describes what a visitor opened: one neural image, whose properties `infoOf` reads, or an exported folder with its manifest. */
export async function readOwn(
  files: readonly File[],
  infoOf: (file: Uint8Array) => Promise<ModelInfo>,
): Promise<Picture> {
  const manifest = files.find(({ name }) => name === MANIFEST);
  if (manifest) return readOwnFolder(files, manifest);
  const models = files.filter(({ name }) => /\.(onnx|anir)$/i.test(name));
  if (models.length > 1) {
    throw new ModelError(
      `These are ${models.length} neural images and no ${MANIFEST}: open one of them, or an exported folder.`,
    );
  }
  const file = models[0] ?? (files.length === 1 ? files[0] : undefined);
  if (!file)
    throw new ModelError(`There is no neural image (.onnx or .anir) and no ${MANIFEST} in this folder.`);
  if (/\.anir$/i.test(file.name)) {
    const stream = new Streamed(fileOpener(file));
    const picture = await readStream(stream, file.name, ownFolder([file]), file.name);
    return { ...picture, length: file.size };
  }
  // Before it is read into memory.
  refuseTooLarge(file.size);
  return readOwnFile(file, await infoOf(new Uint8Array(await file.arrayBuffer())));
}

function readOwnFile(file: File, { name, width, height }: ModelInfo): Picture {
  const subnet = {
    name,
    depth: 0,
    width: 0,
    file: file.name,
    bytes: file.size,
    bpp: (file.size * 8) / width / height,
  };
  const folder = ownFolder([file]);
  return { title: file.name, width, height, folder, subnets: [subnet], twins: new Map(), screens: [] };
}

async function readOwnFolder(files: readonly File[], manifest: File): Promise<Picture> {
  const folder = ownFolder(files);
  const title = manifest.webkitRelativePath.split('/').at(-2) || 'Your folder';
  let picture: Picture;
  try {
    picture = readPicture(JSON.parse(await manifest.text()), folder, title);
  } catch (error) {
    const why = error instanceof SyntaxError ? 'it is not JSON' : (error as Error).message;
    throw new ModelError(`The folder’s ${MANIFEST} cannot be read: ${why}.`);
  }
  const names = new Set(files.map(({ name }) => name));
  const missing = picture.subnets.find(({ file }) => !names.has(file));
  if (missing) throw new ModelError(`The manifest lists ${missing.file}, but the folder does not hold it.`);
  if (picture.source && !names.has(picture.source)) delete picture.source;
  return picture;
}

function ownFolder(files: readonly File[]): Folder {
  const byName = new Map(files.map((file) => [file.name, file]));
  return {
    async read(name) {
      const file = byName.get(name);
      if (!file) throw new ModelError(`${name} is not among the files.`);
      return file;
    },
  };
}
