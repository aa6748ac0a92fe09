/** What `src` names: a neural image, or a manifest.json with several of one picture. */
import type { Decoder, NeuralImage } from './decoder.ts';
import type { Size } from './layout.ts';
import { chooseSubnet } from './level.ts';
import { type Manifest, readManifest, type Subnet } from './manifest.ts';
import { ModelError } from './model_error.ts';

const BRACE = 0x7b;

declare global {
  interface Navigator {
    /** Not in all browsers. */
    readonly connection?: { readonly saveData?: boolean };
  }
}

export class Source {
  /** Bytes of all files fetched so far. */
  bytesLoaded = 0;
  /** The address of the file that is shown, or of `src` before that is known. */
  current: string;
  readonly #stop = new AbortController();
  #size: Promise<Size> | undefined;
  #manifest: Manifest | undefined;
  #subnet: Subnet | undefined;
  #file: Promise<Uint8Array> | undefined;
  #image: Promise<NeuralImage> | undefined;

  constructor(
    private readonly address: string,
    private readonly decoder: Decoder,
  ) {
    this.current = new URL(address, document.baseURI).href;
  }

  /** The picture's native size. */
  size(): Promise<Size> {
    this.#size ??= this.#start();
    return this.#size;
  }

  /** The picture, good enough for `quality` at `scale` screen pixels for one of its own; never worse than before. */
  async image(quality: string, scale: number): Promise<NeuralImage> {
    const { width, height } = await this.size();
    if (this.#manifest) this.#choose(this.#manifest, quality, scale);
    this.#image ??= this.#open();
    const image = await this.#image;
    if (image.info.width !== width || image.info.height !== height)
      throw new ModelError(`${this.current} is not of the size that its manifest says.`);
    return image;
  }

  /** Lets go of what is large and can be made again from the file. */
  rest(): void {
    this.#image = undefined;
  }

  stop(): void {
    this.#stop.abort();
  }

  async #start(): Promise<Size> {
    this.decoder.start();
    const file = await this.#fetch(this.current);
    if (file[0] === BRACE) {
      this.#manifest = parse(file, this.address);
      return this.#manifest;
    }
    this.#file = Promise.resolve(file);
    this.#image = this.#open();
    return (await this.#image).info;
  }

  #choose({ subnets }: Manifest, quality: string, scale: number): void {
    const savesData = navigator.connection?.saveData ?? false;
    const subnet = chooseSubnet(subnets, { quality, scale, savesData });
    if (!subnet || subnet.bytes <= (this.#subnet?.bytes ?? 0)) return;
    this.#subnet = subnet;
    this.current = new URL(encodeURIComponent(subnet.file), new URL(this.address, document.baseURI)).href;
    this.#file = this.#fetch(this.current);
    this.#image = undefined;
  }

  async #open(): Promise<NeuralImage> {
    return this.decoder.open(await (this.#file as Promise<Uint8Array>));
  }

  async #fetch(address: string): Promise<Uint8Array> {
    const response = await fetch(address, { signal: this.#stop.signal });
    if (!response.ok) throw new ModelError(`${this.#nameOf(address)} answered ${response.status}.`);
    const file = new Uint8Array(await response.arrayBuffer());
    this.bytesLoaded += file.length;
    return file;
  }

  #nameOf(address: string): string {
    return this.#subnet && address === this.current ? this.#subnet.file : this.address;
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
