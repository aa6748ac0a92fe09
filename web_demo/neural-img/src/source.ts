/** What the element's `src` points to: a neural image, or a manifest.json that lists several networks of one picture. */
import { AnirSource } from './anir_source.ts';
import type { Decoder, NeuralImage } from './decoder.ts';
import { Download } from './download.ts';
import type { Size } from './layout.ts';
import { type Choice, chooseLevel, chooseSubnet } from './level.ts';
import { type Manifest, readManifest } from './manifest.ts';
import { ModelError } from './model_error.ts';
import type { Picture } from './prefix.ts';

/** First byte of a manifest. */
const BRACE = 0x7b;
/** First byte of UTF-8's byte order mark. */
const ORDER_MARK = 0xef;
/** First byte of an `.anir` file. */
const ANIR = 0x89;

declare global {
  interface Navigator {
    /** Not available in all browsers. */
    readonly connection?: { readonly saveData?: boolean };
  }
}

/** A file that is downloaded whole. */
interface Whole {
  address: string;
  /** Its size according to the manifest; 0 without one. */
  bytes: number;
  file: Promise<Uint8Array>;
  image?: Promise<NeuralImage> | undefined;
  /** What was shown before. */
  before?: Whole | undefined;
  /** Whether it could not be fetched or opened. */
  hasFailed?: boolean;
}

export class Source {
  /** The URL of the file that is shown; that of `src` until it is known. */
  current: string;
  readonly #downloads: Download[] = [];
  #start: Promise<void> | undefined;
  #anir: AnirSource | undefined;
  #manifest: Manifest | undefined;
  /** The file that was chosen last, unless it failed. */
  #whole: Whole | undefined;

  constructor(
    private readonly address: string,
    private readonly decoder: Decoder,
  ) {
    this.current = new URL(address, document.baseURI).href;
  }

  /** Bytes received so far, of all files. */
  get bytesLoaded(): number {
    return this.#downloads.reduce((all, { taken }) => all + taken, 0);
  }

  /** The picture's native size. */
  async size(signal: AbortSignal): Promise<Size> {
    this.#start ??= this.#begin();
    await this.#start;
    if (this.#anir) return this.#anir.size(signal);
    return this.#manifest ?? (await this.#open(this.#whole as Whole)).info;
  }

  /**
   * Yields the picture in the given `quality` at `scale` device pixels per native pixel, but never worse than before. Of a file that
   * streams, pictures of lower quality come first, as they arrive; so does the file shown so far if a better one fails.
   */
  async *pictures(quality: string, scale: number, signal: AbortSignal): AsyncGenerator<Picture, void, void> {
    const choice = { quality, scale, savesData: navigator.connection?.saveData ?? false };
    const { width, height } = await this.size(signal);
    if (this.#anir) {
      yield* this.#anir.pictures((levels) => chooseLevel(levels, choice), signal);
      return;
    }
    if (this.#manifest) this.#choose(this.#manifest, choice);
    const whole = this.#whole as Whole;
    try {
      const image = await this.#open(whole);
      if (image.info.width !== width || image.info.height !== height)
        throw new ModelError(`${whole.address} is not of the size that its manifest says.`);
      this.current = whole.address;
      whole.before = undefined;
      yield { image };
    } catch (error) {
      whole.hasFailed = true;
      // So that it is asked for again.
      while (this.#manifest && this.#whole?.hasFailed) this.#whole = this.#whole.before;
      if (this.#whole && this.#whole !== whole) yield { image: await this.#open(this.#whole) };
      throw error;
    }
  }

  /** Stops the download of a file that streams, or of which nothing has arrived, until it is asked for again. */
  pause(): void {
    this.#anir?.pause();
    if (this.bytesLoaded > 0) return;
    this.stop();
    this.#start = undefined;
  }

  /** Pauses, and drops decoded data, which can be made again from the file. */
  rest(): void {
    this.pause();
    if (this.#whole) this.#whole.image = undefined;
    this.#anir?.rest();
  }

  stop(): void {
    for (const download of this.#downloads) download.stop();
    this.#anir?.rest();
  }

  async #begin(): Promise<void> {
    this.decoder.start();
    const download = this.#download(this.current, this.address);
    const first = (await download.next())?.bytes;
    if (first?.[0] === ANIR) {
      this.#anir = new AnirSource(download, first, this.decoder, this.address);
      return;
    }
    const file = download.rest(first);
    // A manifest may begin with a byte order mark.
    if (first?.[0] === BRACE || first?.[0] === ORDER_MARK) this.#manifest = parse(await file, this.address);
    else this.#whole = { address: this.current, bytes: 0, file };
  }

  #choose({ subnets }: Manifest, choice: Choice): void {
    const [subnet, before] = [chooseSubnet(subnets, choice), this.#whole];
    if (!subnet || subnet.bytes <= (before?.bytes ?? 0)) return;
    const address = new URL(encodeURIComponent(subnet.file), new URL(this.address, document.baseURI)).href;
    const file = this.#download(address, subnet.file).rest();
    this.#whole = { address, bytes: subnet.bytes, file, before };
  }

  #open(whole: Whole): Promise<NeuralImage> {
    whole.image ??= whole.file.then((file) => this.decoder.open(file));
    return whole.image;
  }

  #download(address: string, name: string): Download {
    const download = new Download(address, name);
    this.#downloads.push(download);
    return download;
  }
}

function parse(file: Uint8Array, address: string): Manifest {
  try {
    return readManifest(JSON.parse(new TextDecoder().decode(file)));
  } catch (error) {
    const why = error instanceof SyntaxError ? 'it is not JSON' : (error as Error).message;
    throw new ModelError(`${address} cannot be read: ${why}.`);
  }
}
