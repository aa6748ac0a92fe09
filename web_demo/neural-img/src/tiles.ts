/** Runs a neural image with ONNX Runtime: as a rewritten graph on small tiles, or as it is where that cannot be. */
import type { InferenceSession, Tensor } from 'onnxruntime-web/wasm';
import * as ort from 'onnxruntime-web/wasm';
import { type Grid, partOf, transposed, type Weights, weightsOf } from './grids.ts';
import { ModelError } from './onnx_metadata.ts';
import { type Factor, type Plan, rewrite } from './rewrite.ts';

/** Draws opaque RGBA at columns x and rows y. */
export interface Drawer {
  draw(x: Float32Array, y: Float32Array): Promise<Uint8ClampedArray<ArrayBuffer>>;
  release(): Promise<void>;
}

// So many pixels that the nodes' own cost is small, so few that all values stay in the processor's cache.
const TILE_ROWS = 8;
const TILE_PIXELS = 1024;
const OPAQUE = 0xff000000;

export async function openDrawer(file: Uint8Array): Promise<Drawer> {
  // Whatever stands in the way: ONNX Runtime says of the file itself what is wrong with it, or draws it.
  const plan = await rewrite(file, evaluate).catch(() => undefined);
  if (plan) return TileDrawer.open(plan);
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

/** The factors of one stretch of columns or rows, by the tile's inputs, and the weights of each grid. */
interface Block {
  start: number;
  length: number;
  feeds: Record<string, Tensor>;
  weights: Weights[];
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
    const { columns, rows, grids } = this.plan;
    const height = Math.min(TILE_ROWS, y.length);
    if (height !== this.#rowsInTile || !isSame(x, this.#x)) {
      const factors = (await this.columnSession?.run({ x: vector(x) })) ?? {};
      this.#columns = blocks(columns.factors, grids, factors, x, Math.ceil(TILE_PIXELS / height), false);
      [this.#x, this.#rowsInTile] = [x, height];
    }
    const factors = (await this.rowSession?.run({ y: vector(y) })) ?? {};
    const rgba = new Uint32Array(x.length * y.length);
    for (const across of blocks(rows.factors, grids, factors, y, height, true)) {
      for (const down of this.#columns) {
        const feeds = { ...down.feeds, ...across.feeds, ...parts(grids, across, down) };
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
const openFactors = async ({ model, factors }: Plan['columns']) =>
  factors.length > 0 ? await open(model) : undefined;

/**
 * Cuts factors, [entries, length, C], into stretches of `size`, [C, 1, size] or [C, size, 1] for each entry,
 * and finds the grids' weights at each stretch's points.
 */
function blocks(
  factors: Factor[],
  grids: Grid[],
  values: InferenceSession.ReturnType,
  points: Float32Array,
  size: number,
  isRows: boolean,
): Block[] {
  return Array.from({ length: Math.ceil(points.length / size) }, (_, k) => {
    const start = k * size;
    const stretch = points.subarray(start, start + size);
    const weights = grids.map((grid) => weightsOf(stretch, isRows ? grid.height : grid.width));
    const block: Block = { start, length: stretch.length, feeds: {}, weights };
    for (const { value, inputs } of factors) {
      const data = values[value]?.data as Float32Array;
      const channels = data.length / (points.length * inputs.length);
      inputs.forEach((input, entry) => {
        const matrix = new Float32Array(channels * block.length);
        const offset = (entry * points.length + start) * channels;
        for (let c = 0, to = 0; c < channels; c++)
          for (let i = 0; i < block.length; i++) matrix[to++] = data[offset + i * channels + c] ?? 0;
        const dims = isRows ? [channels, block.length, 1] : [channels, 1, block.length];
        block.feeds[input] = new ort.Tensor(matrix, dims);
      });
    }
    grids.forEach(({ inputs }, k) => {
      const own = weights[k] as Weights;
      if (isRows) block.feeds[inputs.rows] = new ort.Tensor(own.matrix, [block.length, own.cells]);
      else block.feeds[inputs.columns] = new ort.Tensor(transposed(own), [own.cells, block.length]);
    });
    return block;
  });
}

/** The cells of each grid that a tile lies between. */
function parts(grids: Grid[], across: Block, down: Block): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {};
  grids.forEach((grid, k) => {
    const [rows, columns] = [across.weights[k] as Weights, down.weights[k] as Weights];
    const dims = [1, grid.channels, rows.cells, columns.cells];
    feeds[grid.inputs.part] = new ort.Tensor(partOf(grid, rows, columns), dims);
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
