/** Reads `.anir` files, of which every prefix decodes, from bytes as they come (docs/format.md). */
import {
  availableLevels,
  type Header,
  hasLatents,
  type Level,
  leastBytes,
  readHeader,
} from './anir_header.ts';
import { latentsOf } from './anir_latents.ts';
import { NetworkDecoder, readColours } from './anir_networks.ts';
import { concat, joined } from './bytes.ts';
import { IncompleteError } from './exp_golomb.ts';
import { Axis } from './lapped_transform.ts';
import { ModelError } from './model_error.ts';
import type { Latents, Network } from './network.ts';
import { type Preview, readPreview } from './preview.ts';
import { tableBytes } from './segments.ts';
import { type Connect, SharedStrips } from './shared_strips.ts';
import { LEAST_WIDTH, readStep, type Step } from './steps.ts';

/** Bytes of a level that tell its step, behind lengths of segments. */
const STEP_BYTES = 3;
/** Hidden weights of a subnet: so many, and so many more for each byte up to its level's end, so that few bytes do not ask for much. */
const WEIGHTS = 2 ** 16;
const WEIGHTS_PER_BYTE = 64;

const damageOf = (level: number) =>
  new ModelError(`This file is damaged in its level ${level + 1}; fetch it again.`);

/** An `.anir` file, or as much of it as there is. */
export class AnirFile {
  /** The file's header; none until all of it has come. */
  header: Header | undefined;
  /** Number of levels that were decoded. */
  decoded = 0;
  /** Bytes that have come. */
  size = 0;
  /** What has come before the first level is whole. */
  #parts: Uint8Array[] = [];
  #strips: SharedStrips | undefined;
  #networks: NetworkDecoder | undefined;
  /** The level that was decoded last, if it was asked for. */
  #latest: { level: number; network: Network } | undefined;
  #step: Step | undefined;
  #trouble: ModelError | undefined;

  /** Strips of large pictures are decoded by other workers, too, if `connect` gives ports to some. */
  constructor(
    private readonly module: WebAssembly.Module,
    private readonly connect: Connect = () => [],
  ) {}

  /** Takes more bytes. Throws a ModelError if they do not begin a file that this decoder reads. */
  feed(data: Uint8Array): void {
    const most = (this.header?.levels.at(-1)?.end ?? Number.POSITIVE_INFINITY) - this.size;
    const own = data.subarray(0, Math.max(most, 0));
    this.size += data.length;
    if (this.#strips) this.#strips.take('feed', own);
    else if (own.length > 0) this.#parts.push(own);
    this.header ??= this.#readHeader();
    // Not before, as this takes memory in proportion to the picture.
    if (this.header && this.available > 0 && this.#parts.length > 0) this.#start(this.header);
  }

  /** Number of levels that have come whole; none before there are `leastBytes`. */
  get available(): number {
    return this.header ? availableLevels(this.header, this.size) : 0;
  }

  /**
   * The subnet of a level, counted from 0; of the last one that has come whole by default.
   *
   * Levels are decoded in turn: one that was decoded before another one cannot be had any more. Throws a ModelError if the
   * level has not come, was passed, or is damaged.
   */
  async network(level = this.available - 1): Promise<Network> {
    if (!this.header) throw new IncompleteError('This .anir file ends within its header.');
    if (!(level >= 0 && level < this.available))
      throw new ModelError(
        `This file ends after ${this.size} bytes, before the end of its level ${Math.max(level, 0) + 1}.`,
      );
    if (this.#latest?.level !== level)
      this.#latest = { level, network: await this.#decode(this.header, level) };
    // What is known of a picture takes much memory, and is of no use any more.
    if (this.decoded === this.header.levels.length) this.close();
    return this.#latest.network;
  }

  /**
   * The last whole level's subnet with what has come of the next level's coefficients. Throws a ModelError if no level has come
   * whole.
   */
  async refined(): Promise<Network> {
    const network = await this.network();
    const [strips, latents] = [this.#strips, network.latents];
    const come = this.size - (this.header?.levels[this.decoded - 1]?.end ?? 0);
    if (!strips || !latents || !this.header || come < STEP_BYTES + tableBytes(this.header)) return network;
    strips.take('keep');
    const { width } = readStep(strips.first, this.#step);
    let refined = latents;
    if (width >= LEAST_WIDTH) {
      strips.take('level', width);
      refined = this.#latents((await strips.known()).values, this.header, latents.step, latents.reach);
    }
    strips.take('restore');
    return { ...network, latents: refined };
  }

  /** What the beginning of the first level shows; none if that is too little, or has come whole. */
  preview(): Preview | undefined {
    if (!this.header || this.#strips || this.decoded > 0) return;
    return readPreview(this.module, this.header, concat(this.#parts));
  }

  /** Lets go of all but the level that was decoded last. */
  close(): void {
    this.#strips?.end();
    this.#strips = this.#networks = undefined;
  }

  #readHeader(): Header | undefined {
    try {
      const header = readHeader(concat(this.#parts));
      if ((header.levels.at(-1)?.end ?? 0) < leastBytes(header))
        throw new ModelError('This file declares a larger picture than so few bytes can have.');
      return header;
    } catch (error) {
      if (error instanceof IncompleteError) return;
      throw error;
    }
  }

  #start(header: Header): void {
    const stream = concat(this.#parts).subarray(header.start, header.levels.at(-1)?.end);
    this.#strips = new SharedStrips(this.module, header, stream, this.connect);
    this.#networks = new NetworkDecoder(this.#strips.first, header.family, header.bits, header.colours);
    this.#parts = [];
  }

  /** The subnet of a level that is to come. */
  async #decode(header: Header, level: number): Promise<Network> {
    // What comes after damage means nothing.
    if (this.#trouble) throw this.#trouble;
    const [strips, networks] = [this.#strips, this.#networks];
    if (level < this.decoded || !strips || !networks)
      throw new ModelError('That level was passed; open the file again.');
    // Should this end otherwise than below.
    this.#trouble = damageOf(this.decoded);
    let tensors: Network['tensors'] | undefined;
    do tensors = this.#decodeLevel(strips, networks, header, header.levels[this.decoded] as Level);
    while (tensors && this.decoded++ < level);
    const { right, values } = await strips.known();
    this.#trouble = damageOf(Math.min(right, this.decoded));
    if (!tensors || right <= level) throw this.#trouble;
    this.#trouble = undefined;
    const [{ family, size, bits }, step] = [header, this.#step];
    const latents = step && this.#latents(values, header, Math.fround(1 / step.width), step.reach);
    return { family, size, bits, tensors, ...(latents && { latents }) };
  }

  /** A level's tensors; none if the first strip, or another one that is decoded here, is damaged. */
  #decodeLevel(
    strips: SharedStrips,
    networks: NetworkDecoder,
    header: Header,
    { depth, channels, end }: Level,
  ): Network['tensors'] | undefined {
    if ((depth - 1) * channels ** 2 > WEIGHTS + WEIGHTS_PER_BYTE * end) return;
    if (hasLatents(header)) {
      if (this.decoded === 0) networks.colours = readColours(strips.first, header.colours);
      const step = readStep(strips.first, this.#step);
      if (step.width < LEAST_WIDTH || !strips.take('level', step.width)) return;
      this.#step = step;
    }
    const tensors = networks.decode(depth, channels, this.#step?.width ?? 0);
    const areFinite = Object.values(tensors).every(({ data }) => data.every(Number.isFinite));
    if (strips.take('check') && areFinite) return tensors;
    return;
  }

  #latents(values: Int32Array[], { size, colours, pitch }: Header, step: number, reach: number): Latents {
    const [columns, rows] = size.map((pixels) => new Axis(pixels, pitch).cells) as [number, number];
    return latentsOf(joined(values), [rows, columns, colours], step, pitch, reach);
  }
}
