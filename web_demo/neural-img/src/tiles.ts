/** Runs a neural image with ONNX Runtime: as a rewritten graph on small tiles, or as it is where that cannot be. */
import type { InferenceSession, Tensor } from 'onnxruntime-web/wasm';
import * as ort from 'onnxruntime-web/wasm';
import { columnsOf, type Expansion, rowsOf, stretchOf, transposed } from './expansions.ts';
import { ModelError } from './onnx_metadata.ts';
import { stacked } from './products.ts';
import { type Factors, type Plan, rewrite } from './rewrite.ts';

/** Draws opaque RGBA at columns x and rows y. */
export interface Drawer {
  draw(x: Float32Array, y: Float32Array): Promise<Uint8ClampedArray<ArrayBuffer>>;
  release(): Promise<void>;
}

// So many pixels that the nodes' own cost is small, so few that all values stay in the processor's cache.
const TILE_ROWS = 16;
const TILE_PIXELS = 2048;
const OPAQUE = 0xff000000;

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

class TileDrawer implements Drawer {
  #x: Float32Array = new Float32Array();
  #rowsInTile = 0;
  #columns: Block[] = [];

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
    const { expansions } = this.plan;
    const height = Math.min(TILE_ROWS, y.length);
    if (height !== this.#rowsInTile || !isSame(x, this.#x)) {
      const factors = (await this.columnSession?.run({ x: vector(x) })) ?? {};
      this.#columns = blocks(this.plan, 'columns', factors, x.length, Math.ceil(TILE_PIXELS / height));
      [this.#x, this.#rowsInTile] = [x, height];
    }
    const factors = (await this.rowSession?.run({ y: vector(y) })) ?? {};
    const rgba = new Uint32Array(x.length * y.length);
    for (const across of blocks(this.plan, 'rows', factors, y.length, height)) {
      const coefficients = expansions.map((own, k) => rowsOf(own, across.functions[k] ?? []));
      for (const down of this.#columns) {
        const feeds = { ...down.feeds, ...across.feeds, ...parts(expansions, coefficients, across, down) };
        const { image } = await this.tileSession.run(feeds);
        put(rgba, x.length, image?.data as Uint8Array, down, across);
      }
    }
    return new Uint8ClampedArray(rgba.buffer);
  }

  async release() {
    for (const session of [this.columnSession, this.rowSession, this.tileSession]) await session?.release();
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
  source: 'columns' | 'rows',
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

function isSame(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}

const vector = (values: Float32Array) => new ort.Tensor(values, [values.length]);
