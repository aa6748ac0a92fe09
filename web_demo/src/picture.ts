/** A picture and its subnets, as the exporter's manifest lists them: checked, and the same wherever the files are. */
import { ModelError, type ModelInfo } from '../neural-img/src/index.ts';
import {
  asFileName,
  asList,
  asPositive,
  asRecord,
  asText,
  type Manifest,
  readManifest,
} from '../neural-img/src/manifest.ts';

export const CODECS = ['jpeg', 'webp', 'avif'] as const;
export type Codec = (typeof CODECS)[number];

/** The same picture by a codec. */
export interface Encoded {
  file: string;
  bytes: number;
  psnr: number;
}

/** For each subnet's name, the closest file of each codec that is no larger, or the codec's smallest. */
export type Twins = Map<string, Record<Codec, Encoded>>;

/** Where a picture's files are: on this site, or among those that the visitor opened. */
export interface Folder {
  read(file: string, signal?: AbortSignal): Promise<Blob>;
}

export interface Picture extends Manifest {
  /** What a link calls it; a visitor's own file has none. */
  id?: string;
  title: string;
  folder: Folder;
  twins: Twins;
}

export const MANIFEST = 'manifest.json';

/** The site's pictures: those that `index.json` in the folder `base` names. */
export async function loadSamples(base: URL): Promise<Picture[]> {
  const index = await readJson(siteFolder(base), 'index.json');
  return Promise.all(
    asList(index, 'index').map(async (entry) => {
      const { name, title, twins } = asRecord(entry, 'sample');
      const id = asFileName(name, 'sample.name');
      const folder = siteFolder(new URL(`${encodeURIComponent(id)}/`, base));
      const picture = readPicture(await readJson(folder, MANIFEST), folder, asText(title, 'sample.title'));
      if (twins) picture.twins = readTwins(await readJson(folder, 'codecs/codecs.json'));
      return { ...picture, id };
    }),
  );
}

export const readPicture = (json: unknown, folder: Folder, title: string): Picture => ({
  ...readManifest(json),
  title,
  folder,
  twins: new Map(),
});

export function readTwins(json: unknown): Twins {
  const entries = Object.entries(asRecord(json, 'codecs')).map(([name, row]) => {
    const read = (codec: Codec): Encoded => {
      const encoded = asRecord(asRecord(row, name)[codec], `${name}.${codec}`);
      return {
        file: `codecs/${asFileName(encoded.file, `${name}.${codec}.file`)}`,
        bytes: asPositive(encoded.bytes, `${name}.${codec}.bytes`),
        psnr: asPositive(encoded.psnr, `${name}.${codec}.psnr`),
      };
    };
    return [name, { jpeg: read('jpeg'), webp: read('webp'), avif: read('avif') }] as const;
  });
  return new Map(entries);
}

/** What a visitor opened or dropped: one neural image, of which `infoOf` tells, or an exported folder with its manifest. */
export async function readOwn(
  files: readonly File[],
  infoOf: (file: Uint8Array) => Promise<ModelInfo>,
): Promise<Picture> {
  const manifest = files.find(({ name }) => name === MANIFEST);
  if (manifest) return readOwnFolder(files, manifest);
  const models = files.filter(({ name }) => /\.(onnx|anir)$/i.test(name));
  if (models.length > 1) {
    throw new ModelError(
      `These are ${models.length} neural images and no ${MANIFEST}: open one, or their folder.`,
    );
  }
  const file = models[0] ?? (files.length === 1 ? files[0] : undefined);
  if (!file)
    throw new ModelError(`There is no neural image (.onnx or .anir) and no ${MANIFEST} in this folder.`);
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
  return { title: file.name, width, height, folder: ownFolder([file]), subnets: [subnet], twins: new Map() };
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

export function siteFolder(base: URL): Folder {
  return {
    async read(file, signal) {
      const url = new URL(file.split('/').map(encodeURIComponent).join('/'), base);
      const response = await fetch(url, signal ? { signal } : {});
      if (!response.ok) throw new Error(`${file} answered ${response.status}.`);
      return response.blob();
    },
  };
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

async function readJson(folder: Folder, file: string): Promise<unknown> {
  return JSON.parse(await (await folder.read(file)).text());
}
