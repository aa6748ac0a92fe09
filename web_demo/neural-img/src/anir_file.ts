/** Reads `.anir` files, of which every prefix decodes, from bytes as they come (docs/format.md). */
import { availableLevels, type Header, type Level, leastBytes, readHeader } from './anir_header.ts';
import { latentsOf } from './anir_latents.ts';
import { NetworkDecoder, readColours } from './anir_networks.ts';
import { concat } from './bytes.ts';
import { IncompleteError } from './exp_golomb.ts';
import { Axis } from './lapped_transform.ts';
import { ModelError } from './model_error.ts';
import type { Latents, Network } from './network.ts';
import { type Preview, readPreview } from './preview.ts';
import { tableBytes } from './segments.ts';
import { LEAST_WIDTH, readStep, type Step } from './steps.ts';
import { Strips } from './strips.ts';

/** Bytes of a level that tell its step, behind lengths of segments. */
const STEP_BYTES = 3;
/** Hidden weights of a subnet: so many, and so many more for each byte up to its level's end, so that few bytes do not ask for much. */
const [WEIGHTS, WEIGHTS_PER_BYTE] = [2 ** 16, 64];

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
  #strips: Strips | undefined;
  #networks: NetworkDecoder | undefined;
  /** The level that was decoded last, if it was asked for. */
  #latest: { level: number; network: Network } | undefined;
  #step: Step | undefined;
  #trouble: ModelError | undefined;

  constructor(private readonly module: WebAssembly.Module) {}

  /** Takes more bytes. Throws a ModelError if they do not begin a file that this decoder reads. */
  feed(data: Uint8Array): void {
    const most = (this.header?.levels.at(-1)?.end ?? Number.POSITIVE_INFINITY) - this.size;
    const own = data.subarray(0, Math.max(most, 0));
    this.size += data.length;
    if (this.#strips) this.#strips.feed(own);
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
  network(level = this.available - 1): Network {
    if (!this.header) throw new IncompleteError('This .anir file ends within its header.');
    if (!(level >= 0 && level < this.available))
      throw new ModelError(
        `This file ends after ${this.size} bytes, before the end of its level ${Math.max(level, 0) + 1}.`,
      );
    if (level < this.decoded && this.#latest?.level !== level)
      throw new ModelError('That level was passed; open the file again.');
    while (this.decoded <= level) {
      const isWanted = this.decoded === level;
      const network = this.#decodeLevel(this.header, this.header.levels[this.decoded] as Level, isWanted);
      this.#latest = isWanted ? { level, network } : undefined;
      this.decoded++;
    }
    // What is known of a picture takes much memory, and is of no use any more.
    if (this.decoded === this.header.levels.length) this.#strips = this.#networks = undefined;
    return (this.#latest as { network: Network }).network;
  }

  /**
   * The last whole level's subnet with what has come of the next level's coefficients. Throws a ModelError if no level has come
   * whole.
   */
  refined(): Network {
    const network = this.network();
    const [strips, latents] = [this.#strips, network.latents];
    const come = this.size - (this.header?.levels[this.decoded - 1]?.end ?? 0);
    if (!strips || !latents || !this.header || come < STEP_BYTES + tableBytes(this.header)) return network;
    strips.keep();
    const { width } = readStep(strips.first, this.#step);
    let refined = latents;
    if (width >= LEAST_WIDTH) {
      strips.level(width);
      refined = this.#latents(strips, this.header, latents.step, latents.reach);
    }
    strips.restore();
    return { ...network, latents: refined };
  }

  /** What the beginning of the first level shows; none if that is too little, or has come whole. */
  preview(): Preview | undefined {
    if (!this.header || this.#strips || this.decoded > 0) return;
    return readPreview(this.module, this.header, concat(this.#parts));
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
    this.#strips = new Strips(this.module, header, stream);
    this.#networks = new NetworkDecoder(this.#strips.first, header.family, header.bits, header.colours);
    this.#parts = [];
  }

  /** A level's subnet; without latents if it is only on the way to another one. */
  #decodeLevel(header: Header, { depth, channels, end }: Level, isWanted: boolean): Network {
    // What comes after damage means nothing.
    if (this.#trouble) throw this.#trouble;
    const { family, size, bits } = header;
    this.#trouble = new ModelError(`This file is damaged in its level ${this.decoded + 1}; fetch it again.`);
    const [strips, networks] = [this.#strips, this.#networks];
    if (!strips || !networks || (depth - 1) * channels ** 2 > WEIGHTS + WEIGHTS_PER_BYTE * end)
      throw this.#trouble;
    const network: Network = { family, size, bits, tensors: {} };
    let width = 0;
    if (family === 'lapped') {
      if (this.decoded === 0) networks.colours = readColours(strips.first, header.colours);
      const step = readStep(strips.first, this.#step);
      width = step.width;
      if (width < LEAST_WIDTH || !strips.level(width)) throw this.#trouble;
      this.#step = step;
      if (isWanted) network.latents = this.#latents(strips, header, Math.fround(1 / width), step.reach);
    }
    network.tensors = networks.decode(depth, channels, width);
    const areFinite = Object.values(network.tensors).every(({ data }) => data.every(Number.isFinite));
    if (!strips.check() || !areFinite) throw this.#trouble;
    this.#trouble = undefined;
    return network;
  }

  #latents(strips: Strips, { size, colours, pitch }: Header, step: number, reach: number): Latents {
    const [columns, rows] = size.map((pixels) => new Axis(pixels, pitch).cells) as [number, number];
    return latentsOf(strips.values(), [rows, columns, colours], step, pitch, reach);
  }
}
