/** The site's own pictures, which are fetched when they are first needed. */
import { asFileName, asList, asRecord, asText } from '../neural-img/src/manifest.ts';
import { readScreens, readTwins } from './codecs.ts';
import { type Folder, MANIFEST, type Picture, readPicture, readStream } from './picture.ts';
import { fetchFile } from './site_file.ts';
import { Streamed, siteOpener } from './streamed.ts';

export class Sample {
  #picture: Promise<Picture> | undefined;
  #codecs: Promise<void> | undefined;
  readonly #folder: Folder;
  readonly #base: URL;

  private constructor(
    readonly id: string,
    readonly title: string,
    /** The `.anir` file; undefined if each subnet has a file of its own. */
    private readonly anir: string | undefined,
    private readonly source: string,
    private readonly hasTwins: boolean,
    /** The first bytes of the `.anir` file. */
    private readonly head: Uint8Array<ArrayBuffer>,
    base: URL,
  ) {
    this.#base = new URL(`${encodeURIComponent(id)}/`, base);
    this.#folder = siteFolder(this.#base);
  }

  /** Reads the list that the build wrote (scripts/collect.mjs); each sample is in the folder of its name below `base`. */
  static list(json: unknown, base: URL): Sample[] {
    return asList(json, 'index').map((entry) => {
      const { name, title, twins, anir, source, head } = asRecord(entry, 'sample');
      return new Sample(
        asFileName(name, 'sample.name'),
        asText(title, 'sample.title'),
        anir === undefined ? undefined : asFileName(anir, 'sample.anir'),
        asFileName(source, 'sample.source'),
        twins === true,
        Uint8Array.from(typeof head === 'string' ? atob(head) : '', (letter) => letter.charCodeAt(0)),
        base,
      );
    });
  }

  /** Describes the picture, from its first bytes or its manifest. */
  load(): Promise<Picture> {
    this.#picture ??= this.#load().catch((error) => {
      this.#picture = undefined;
      throw error;
    });
    return this.#picture;
  }

  /** Adds the codecs' files to compare with, which are not needed before the picture is drawn. */
  async complete(picture: Picture): Promise<void> {
    if (!this.hasTwins) return;
    this.#codecs ??= this.#loadCodecs(picture).catch((error) => {
      this.#codecs = undefined;
      throw error;
    });
    await this.#codecs;
  }

  async #load(): Promise<Picture> {
    if (!this.anir) {
      const manifest = await readJson(this.#folder, MANIFEST);
      return { ...readPicture(manifest, this.#folder, this.title), id: this.id };
    }
    const opener = siteOpener(new URL(encodeURIComponent(this.anir), this.#base));
    const stream = new Streamed(opener, this.head);
    const picture = await readStream(stream, this.anir, this.#folder, this.title);
    return { ...picture, id: this.id, source: this.source };
  }

  async #loadCodecs(picture: Picture): Promise<void> {
    picture.twins = readTwins(await readJson(this.#folder, 'codecs/codecs.json'));
    if (this.anir) picture.screens = readScreens(await readJson(this.#folder, 'codecs/screens.json'));
  }
}

function siteFolder(base: URL): Folder {
  return {
    async read(file, signal) {
      const url = new URL(file.split('/').map(encodeURIComponent).join('/'), base);
      return (await fetchFile(url, signal ? { signal } : {})).blob();
    },
  };
}

async function readJson(folder: Folder, file: string): Promise<unknown> {
  return JSON.parse(await (await folder.read(file)).text());
}
