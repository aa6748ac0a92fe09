/** Reads `.anir` files, every prefix of which can be decoded, from bytes as they arrive (docs/format.md). */
import {
  availableLevels,
  cellsOf,
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
import { LEAST_WIDTH, type LevelStep, readLevelStep, STEP_BYTES } from './level_step.ts';
import { ModelError } from './model_error.ts';
import type { Latents, Network } from './network.ts';
import { type Preview, readPreview } from './preview.ts';
import { tableBytes } from './segments.ts';
import { type Connect, SharedStrips } from './shared_strips.ts';

/** A subnet may have this many hidden weights whatever the file's size: limits keep small files from costing much time or memory. */
const FREE_WEIGHTS = 2 ** 16;
/** Hidden weights that each byte of the file, up to the end of the subnet's level, allows in addition. */
const WEIGHTS_PER_BYTE = 64;

const damageOf = (level: number) =>
  new ModelError(`This file is damaged in its level ${level + 1}; fetch it again.`);

/** An `.anir` file, or its beginning. */
export class AnirFile {
  /** The file's header, once it is complete. */
  header: Header | undefined;
  /** Number of levels decoded. */
  decoded = 0;
  /** Number of bytes that have arrived. */
  size = 0;
  /** The bytes, until the first level is complete. */
  #parts: Uint8Array[] = [];
  #strips: SharedStrips | undefined;
  #networks: NetworkDecoder | undefined;
  /** The subnet that `network` returned last. */
  #latest: { level: number; network: Network } | undefined;
  /** Width and reach of the level that was decoded last. */
  #step: LevelStep | undefined;
  /** The error that makes the rest of the file undecodable. */
  #damage: ModelError | undefined;

  /** Strips of large pictures are also decoded by the workers to which `connect` returns ports. */
  constructor(
    private readonly module: WebAssembly.Module,
    private readonly connect: Connect = () => [],
  ) {}

  /** Takes the next bytes. Throws a ModelError if the file's header is invalid, or beyond this decoder's limits. */
  feed(data: Uint8Array): void {
    const most = (this.header?.levels.at(-1)?.end ?? Number.POSITIVE_INFINITY) - this.size;
    const own = data.subarray(0, Math.max(most, 0));
    this.size += data.length;
    if (this.#strips) this.#strips.take('feed', own);
    else if (own.length > 0) this.#parts.push(own);
    this.header ??= this.#readHeader();
    // Only once a level is complete, as this takes memory in proportion to the picture.
    if (this.header && this.available > 0 && this.#parts.length > 0) this.#start(this.header);
  }

  /** Number of levels that have arrived completely; 0 before there are `leastBytes`. */
  get available(): number {
    return this.header ? availableLevels(this.header, this.size) : 0;
  }

  /**
   * Returns the subnet of a level, counted from 0; by default of the last complete one.
   *
   * Levels are decoded in order, and only the latest subnet is kept. Throws a ModelError if the level is incomplete or damaged, or
   * if a later one has been decoded already.
   */
  async network(level = this.available - 1): Promise<Network> {
    if (!this.header) throw new IncompleteError('This .anir file ends within its header.');
    if (!(level >= 0 && level < this.available))
      throw new ModelError(
        `This file ends after ${this.size} bytes, before the end of its level ${Math.max(level, 0) + 1}.`,
      );
    if (this.#latest?.level !== level)
      this.#latest = { level, network: await this.#decode(this.header, level) };
    // The decoder's state takes much memory, and after the last level it is of no use any more.
    if (this.decoded === this.header.levels.length) this.close();
    return this.#latest.network;
  }

  /**
   * Returns the last complete level's subnet, its coefficients refined by what has arrived of the next level. Throws a ModelError if
   * no level is complete.
   */
  async refined(): Promise<Network> {
    const network = await this.network();
    const [strips, latents] = [this.#strips, network.latents];
    const come = this.size - (this.header?.levels[this.decoded - 1]?.end ?? 0);
    if (!strips || !latents || !this.header || come < STEP_BYTES + tableBytes(this.header)) return network;
    strips.take('keep');
    const { width } = readLevelStep(strips.first, this.#step);
    try {
      if (width < LEAST_WIDTH) return network;
      strips.take('level', width);
      const { values } = await strips.known();
      return { ...network, latents: this.#latents(values, this.header, latents.step, latents.reach) };
    } finally {
      strips.take('restore');
    }
  }

  /** Returns the preview that the beginning of the first level gives; undefined if that is too short, or the level is complete. */
  preview(): Preview | undefined {
    if (!this.header || this.#strips || this.decoded > 0) return;
    return readPreview(this.module, this.header, concat(this.#parts));
  }

  /** Frees all but the subnet that was returned last. */
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

  /** Decodes up to a level that has not been decoded yet, and returns its subnet. */
  async #decode(header: Header, level: number): Promise<Network> {
    // After damage, nothing can be decoded correctly.
    if (this.#damage) throw this.#damage;
    const [strips, networks] = [this.#strips, this.#networks];
    if (level < this.decoded || !strips || !networks)
      throw new ModelError('That level was passed; open the file again.');
    // Stays set if an exception ends this method early.
    this.#damage = damageOf(this.decoded);
    let tensors: Network['tensors'] | undefined;
    do tensors = this.#decodeLevel(strips, networks, header, header.levels[this.decoded] as Level);
    while (tensors && this.decoded++ < level);
    const { right, values } = await strips.known();
    this.#damage = damageOf(Math.min(right, this.decoded));
    if (!tensors || right <= level) throw this.#damage;
    const [{ family, size, bits }, step] = [header, this.#step];
    const latents = step && this.#latents(values, header, Math.fround(1 / step.width), step.reach);
    this.#damage = undefined;
    return { family, size, bits, tensors, ...(latents && { latents }) };
  }

  /** Decodes a level's tensors; returns undefined if the first strip, or another one that this worker decodes, is damaged. */
  #decodeLevel(
    strips: SharedStrips,
    networks: NetworkDecoder,
    header: Header,
    { depth, channels, end }: Level,
  ): Network['tensors'] | undefined {
    if ((depth - 1) * channels ** 2 > FREE_WEIGHTS + WEIGHTS_PER_BYTE * end) return;
    if (hasLatents(header)) {
      if (this.decoded === 0) networks.colours = readColours(strips.first, header.colours);
      const step = readLevelStep(strips.first, this.#step);
      if (step.width < LEAST_WIDTH || !strips.take('level', step.width)) return;
      this.#step = step;
    }
    const tensors = networks.decode(depth, channels, this.#step?.width ?? 0);
    const areFinite = Object.values(tensors).every(({ data }) => data.every(Number.isFinite));
    if (strips.take('check') && areFinite) return tensors;
    return;
  }

  #latents(values: Int32Array[], header: Header, step: number, reach: number): Latents {
    const [columns, rows] = cellsOf(header);
    return latentsOf(joined(values), [rows, columns, header.colours], step, header.pitch, reach);
  }
}
