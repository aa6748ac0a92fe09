/** Runs a neural image with ONNX Runtime: as a rewritten graph on small tiles, or as it is where that cannot be. */
import type { InferenceSession, Tensor } from 'onnxruntime-web/wasm';
import * as ort from 'onnxruntime-web/wasm';
import { columnsOf, type Expansion, rowsOf, stretchOf, transposed } from './expansions.ts';
import { points, spectrum, weights } from './interpolation.ts';
import { ModelError } from './onnx_metadata.ts';
import { stacked } from './products.ts';
import { type Factors, type Plan, rewrite } from './rewrite.ts';
import { WEIGHTS } from './smooth.ts';
import type { Smooth } from './tile_graph.ts';

/** Draws opaque RGBA at columns x and rows y. */
export interface Drawer {
  draw(x: Float32Array, y: Float32Array): Promise<Uint8ClampedArray<ArrayBuffer>>;
  release(): Promise<void>;
}

// So many pixels that the nodes' own cost is small, so few that all values stay in the processor's cache.
const TILE_ROWS = 16;
const TILE_PIXELS = 2048;
const OPAQUE = 0xff000000;

// Where a tile's smooth part is at points: a few channels are interpolated sooner than many.
const COLUMNS = { ofFew: 256, ofMany: 128 };
const FEW_CHANNELS = 16;
// Points of a stretch by which functions are judged, and on how many stretches at most; fewer pixels are drawn sooner.
const SAMPLES = { columns: 64, rows: 32 };
const MOST_JUDGED = 64;
const WORTHWHILE = 8192;

export async function openDrawer(file: Uint8Array): Promise<Drawer> {
  // Whatever stands in the way: ONNX Runtime says of the file itself what is wrong with it, or draws it.
  const plan = await rewrite(file, evaluate).catch(() => undefined);
  const fast = plan && (await TileDrawer.open(plan).catch(() => undefined));
  if (fast) return fast;
  const session = await open(file);
  try {
    refuseOther(session);
    return new WholeDrawer(session);
  } catch (error) {
    await session.release();
    throw error;
  }
}

function open(
  model: Uint8Array,
  graphOptimizationLevel: 'all' | 'disabled' = 'all',
): Promise<InferenceSession> {
  return ort.InferenceSession.create(model, {
    executionProviders: ['wasm'],
    logSeverityLevel: 3,
    graphOptimizationLevel,
    // Turns the 4-bit weights into floats once, at load, instead of in every tile.
    extra: { session: { disable_quant_qdq: '1' } },
  });
}

async function evaluate(model: Uint8Array, x: Float32Array, y: Float32Array) {
  const session = await open(model, 'disabled');
  const values = await session.run({ x: vector(x), y: vector(y) });
  await session.release();
  return values as Record<string, Tensor & { data: ArrayLike<unknown> }>;
}

function refuseOther(session: InferenceSession): void {
  const describe = (value: InferenceSession.ValueMetadata) =>
    `${value.name}:${value.isTensor ? `${value.type}[${value.shape.length}]` : 'other'}`;
  const signature = (values: readonly InferenceSession.ValueMetadata[]) =>
    values.map(describe).sort().join(' ');
  if (
    signature(session.inputMetadata) !== 'x:float32[1] y:float32[1]' ||
    signature(session.outputMetadata) !== 'image:uint8[3]'
  )
    throw new ModelError('This model does not have a neural image’s inputs (x, y) and output (image).');
}

class WholeDrawer implements Drawer {
  constructor(private readonly session: InferenceSession) {}

  async draw(x: Float32Array, y: Float32Array) {
    const { image } = await this.session.run({ x: vector(x), y: vector(y) });
    if (image?.dims.join() !== [y.length, x.length, 3].join())
      throw new ModelError('This model answers with a picture of another size than it was asked for.');
    const rgb = image.data as Uint8Array;
    const rgba = new Uint32Array(x.length * y.length);
    for (let pixel = 0, at = 0; pixel < rgba.length; pixel++, at += 3)
      rgba[pixel] = pack(rgb[at], rgb[at + 1], rgb[at + 2]);
    return new Uint8ClampedArray(rgba.buffer);
  }

  release = () => this.session.release();
}

/** The factors of one stretch of columns or rows, by the tile's inputs. */
interface Block {
  start: number;
  length: number;
  feeds: Record<string, Tensor>;
  /** Of each expansion, which functions matter here. */
  functions: number[][];
}

type Axis = 'columns' | 'rows';

/** Of what products take along columns or rows: what coefficients do not exceed, and the largest values. */
interface Judged {
  spectra: Map<string, Float64Array>;
  sizes: Map<string, number>;
}

class TileDrawer implements Drawer {
  #x: Float32Array = new Float32Array();
  /** What blocks of columns are made for, besides these. */
  #madeFor = '';
  #columns: Block[] = [];
  #smoothSession: InferenceSession | undefined;
  /** By axis and length of stretches; none where functions are too rough. */
  readonly #judged = new Map<string, Judged | undefined>();

  private constructor(
    private readonly plan: Plan,
    private readonly columnSession: InferenceSession | undefined,
    private readonly rowSession: InferenceSession | undefined,
    private readonly tileSession: InferenceSession,
  ) {}

  static async open(plan: Plan): Promise<TileDrawer> {
    return new TileDrawer(
      plan,
      await openFactors(plan.columns),
      await openFactors(plan.rows),
      await open(plan.tile),
    );
  }

  async draw(x: Float32Array, y: Float32Array) {
    const { smooth } = this.plan;
    return (smooth && (await this.#drawAtPoints(smooth, x, y))) ?? this.#drawPixels(x, y);
  }

  async #drawPixels(x: Float32Array, y: Float32Array) {
    const { expansions } = this.plan;
    const height = Math.min(TILE_ROWS, y.length);
    await this.#keepColumns(x, `${height} rows`, async () => {
      const factors = await this.#factors('columns', x);
      return blocks(this.plan, 'columns', factors, x.length, Math.ceil(TILE_PIXELS / height));
    });
    const rgba = new Uint32Array(x.length * y.length);
    for (const across of blocks(this.plan, 'rows', await this.#factors('rows', y), y.length, height)) {
      const coefficients = expansions.map((own, k) => rowsOf(own, across.functions[k] ?? []));
      for (const down of this.#columns) {
        const feeds = { ...down.feeds, ...across.feeds, ...parts(expansions, coefficients, across, down) };
        const { image } = await this.tileSession.run(feeds);
        put(rgba, x.length, image?.data as Uint8Array, down, across);
      }
    }
    return new Uint8ClampedArray(rgba.buffer);
  }

  /** The same with the smooth part at few points; nothing where that does not pay. */
  async #drawAtPoints(smooth: Smooth, x: Float32Array, y: Float32Array) {
    const longest = smooth.channels < FEW_CHANNELS ? COLUMNS.ofFew : COLUMNS.ofMany;
    const [width, height] = [Math.min(longest, x.length), Math.min(TILE_ROWS, y.length)];
    if (x.length * y.length < WORTHWHILE || !rises(x) || !rises(y)) return;
    const [along, beside] = [await this.#judge('columns', x, width), await this.#judge('rows', y, height)];
    if (!along || !beside) return;
    const across = smooth.needed(along.spectra, beside.sizes);
    const down = smooth.needed(beside.spectra, along.sizes);
    if (2 * across * down > width * height) return;
    this.#smoothSession ??= await open(smooth.tile);
    await this.#keepColumns(x, `${across} points`, () => this.#atPoints('columns', x, width, across));
    const rgba = new Uint32Array(x.length * y.length);
    for (const rows of await this.#atPoints('rows', y, height, down))
      for (const columns of this.#columns) {
        const { image } = await this.#smoothSession.run({ ...columns.feeds, ...rows.feeds });
        put(rgba, x.length, image?.data as Uint8Array, columns, rows);
      }
    return new Uint8ClampedArray(rgba.buffer);
  }

  /** Makes the blocks of columns unless they are these. */
  async #keepColumns(x: Float32Array, madeFor: string, make: () => Promise<Block[]>): Promise<void> {
    if (this.#madeFor === madeFor && isSame(x, this.#x)) return;
    this.#columns = await make();
    [this.#x, this.#madeFor] = [x, madeFor];
  }

  async #factors(axis: Axis, at: Float32Array): Promise<InferenceSession.ReturnType> {
    const [session, input] = axis === 'columns' ? [this.columnSession, 'x'] : [this.rowSession, 'y'];
    return (await session?.run({ [input]: vector(at) })) ?? {};
  }

  /** What products take along stretches of so many of these coordinates, wherever in the picture they are. */
  async #judge(axis: Axis, coordinates: Float32Array, size: number): Promise<Judged | undefined> {
    const longest = Math.max(...stretches(coordinates, size).map((own) => (own.at(-1) ?? 0) - (own[0] ?? 0)));
    // Rounded up, so that a little zoom needs no new judgement.
    const length = longest > 0 ? 2 ** (Math.ceil(4 * Math.log2(longest)) / 4) : 0;
    const key = `${axis} ${length}`;
    if (!this.#judged.has(key)) this.#judged.set(key, await this.#judgeAll(axis, length));
    return this.#judged.get(key);
  }

  async #judgeAll(axis: Axis, length: number): Promise<Judged | undefined> {
    const samples = SAMPLES[axis];
    const number = length > 0 ? Math.min(MOST_JUDGED, Math.ceil(2 / length) + 1) : MOST_JUDGED;
    const first = (k: number) => Math.max(0, 2 - length) * (k / (number - 1)) - 1;
    const at = Array.from({ length: number }, (_, k) => points(first(k), first(k) + length, samples));
    const made = blocks(this.plan, axis, await this.#factors(axis, joined(at)), number * samples, samples);
    const judged: Judged = { spectra: new Map(), sizes: new Map() };
    for (const [input, { dims }] of Object.entries(made[0]?.feeds ?? {})) {
      const values = joined(
        made.map(({ feeds }) => pointsLast(feeds[input]?.data as Float32Array, dims, axis)),
      );
      judged.spectra.set(input, spectrum(values, samples));
      judged.sizes.set(
        input,
        values.reduce((most, value) => Math.max(most, Math.abs(value)), 0),
      );
    }
    const isRough = [...judged.spectra.values()].some((own) => own.subarray(-2).some((size) => size !== 0));
    return isRough ? undefined : judged;
  }

  /** Blocks of about `size` coordinates each, whose factors are at so many points. */
  async #atPoints(axis: Axis, coordinates: Float32Array, size: number, count: number): Promise<Block[]> {
    const cut = stretches(coordinates, size);
    const at = joined(cut.map((own) => points(own[0] ?? 0, own.at(-1) ?? 0, count)));
    const made = blocks(this.plan, axis, await this.#factors(axis, at), at.length, count);
    return made.map((block, k) => {
      const own = cut[k] ?? new Float32Array();
      const taken = weights(own, count);
      const feed =
        axis === 'columns'
          ? new ort.Tensor(taken, [count, own.length])
          : new ort.Tensor(turned(taken, count, own.length), [own.length, count]);
      return {
        ...block,
        start: k * size,
        length: own.length,
        feeds: { ...block.feeds, [WEIGHTS[axis]]: feed },
      };
    });
  }

  async release() {
    const sessions = [this.columnSession, this.rowSession, this.tileSession, this.#smoothSession];
    for (const session of sessions) await session?.release();
  }
}

/** What works out factors, if there are any. */
const openFactors = async ({ model }: Factors) => model && (await open(model));

/**
 * Cuts factors, [entries, length, C], into stretches of `size`, [C, 1, size] or [C, size, 1] for each entry,
 * and the functions of expansions, of which each stretch has those that matter there.
 */
function blocks(
  plan: Plan,
  source: Axis,
  values: InferenceSession.ReturnType,
  length: number,
  size: number,
): Block[] {
  const isRows = source === 'rows';
  return Array.from({ length: Math.ceil(length / size) }, (_, k) => {
    const start = k * size;
    const block: Block = { start, length: Math.min(size, length - start), feeds: {}, functions: [] };
    for (const { value, inputs } of plan[source].factors) {
      const data = values[value]?.data as Float32Array;
      const channels = data.length / (length * inputs.length);
      inputs.forEach((input, entry) => {
        const matrix = new Float32Array(channels * block.length);
        const offset = (entry * length + start) * channels;
        for (let c = 0, to = 0; c < channels; c++)
          for (let i = 0; i < block.length; i++) matrix[to++] = data[offset + i * channels + c] ?? 0;
        const dims = isRows ? [channels, block.length, 1] : [channels, 1, block.length];
        block.feeds[input] = new ort.Tensor(matrix, dims);
      });
    }
    for (const product of plan.products) {
      const terms = product.values[source].map((name) => values[name]?.data as Float32Array);
      const [inputs, { length: points }] = [product.inputs[source], block];
      const channels = (terms[0]?.length ?? 0) / (length * inputs.length);
      const dims = isRows ? [channels, points, terms.length] : [channels, terms.length, points];
      inputs.forEach((input, entry) => {
        const matrices = stacked(terms, source, { channels, entry, length, start, size: points });
        block.feeds[input] = new ort.Tensor(matrices, dims);
      });
    }
    for (const expansion of plan.expansions) {
      const functions = values[expansion.values[source]]?.data as Float32Array;
      const stretch = stretchOf(functions, expansion.counts[source], length, start, block.length);
      const [views, count] = [expansion.views[source], stretch.indices.length];
      block.functions.push(stretch.indices);
      block.feeds[expansion.inputs[source]] = isRows
        ? new ort.Tensor(transposed(stretch, block.length), [views, 1, block.length, count])
        : new ort.Tensor(stretch.values, [views, 1, 1, count, block.length]);
    }
    return block;
  });
}

/** The coefficients that a tile needs of each expansion, out of those of its rows. */
function parts(
  expansions: Expansion[],
  coefficients: Float32Array[],
  across: Block,
  down: Block,
): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  expansions.forEach(({ counts, inputs }, k) => {
    const [rows, columns] = [across.functions[k] ?? [], down.functions[k] ?? []];
    const part = columnsOf(coefficients[k] ?? new Float32Array(), counts.columns, columns);
    feeds[inputs.part] = new ort.Tensor(part, [
      part.length / (rows.length * columns.length),
      rows.length,
      columns.length,
    ]);
  });
  return feeds;
}

/** Copies a tile, uint8[3, h·w], to its place in a picture. */
function put(rgba: Uint32Array, width: number, planes: Uint8Array, columns: Block, rows: Block): void {
  const size = columns.length * rows.length;
  for (let row = 0, from = 0; row < rows.length; row++) {
    let to = (rows.start + row) * width + columns.start;
    for (let column = 0; column < columns.length; column++, from++)
      rgba[to++] = pack(planes[from], planes[size + from], planes[2 * size + from]);
  }
}

/** As a canvas keeps it, on little-endian machines, which all browsers' are. */
function pack(red = 0, green = 0, blue = 0): number {
  return OPAQUE | (blue << 16) | (green << 8) | red;
}

/** Coordinates in stretches of `size`, the last one shorter. */
function stretches(coordinates: Float32Array, size: number): Float32Array[] {
  return Array.from({ length: Math.ceil(coordinates.length / size) }, (_, k) =>
    coordinates.subarray(k * size, (k + 1) * size),
  );
}

/** Whether coordinates rise from one to the next, and are the picture's own. */
function rises(coordinates: Float32Array): boolean {
  const isInside = (coordinates[0] ?? 0) >= -1 && (coordinates.at(-1) ?? 0) <= 1;
  return isInside && coordinates.every((value, k) => k === 0 || value > (coordinates[k - 1] as number));
}

/** What products take, [C, T, points] of columns or [C, points, T] of rows, with the points last. */
function pointsLast(data: Float32Array, dims: readonly number[], axis: Axis): Float32Array {
  if (axis === 'columns') return data;
  const [, points = 1, terms = 1] = dims;
  const parts = Array.from({ length: data.length / (points * terms) }, (_, c) =>
    turned(data.subarray(c * points * terms, (c + 1) * points * terms), points, terms),
  );
  return joined(parts);
}

/** A matrix [rows, columns] as [columns, rows]. */
function turned(matrix: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from(matrix, (_, k) => matrix[(k % rows) * columns + Math.floor(k / rows)] ?? 0);
}

function joined(parts: Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function isSame(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}

const vector = (values: Float32Array) => new ort.Tensor(values, [values.length]);
