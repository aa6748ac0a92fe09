/** The neural picture on the stage: decodes what is in view into a stack of canvases, coarse ones first. */
import { axis, drawTile, type NeuralImage } from '../neural-img/src/index.ts';
import { coarser, densityOf, type Region, type Size, wholeRegion } from './view.ts';

/** A completed decoding of a region. */
export interface Pass {
  size: Size;
  milliseconds: number;
  /** Measured without the first of several tiles, as workers may have to start for that. */
  millisecondsPerPixel: number;
}

/** Decodes `region` into `canvas` from top to bottom; calls `onShare` with the share that is done, up to 1. */
export async function paint(
  canvas: HTMLCanvasElement,
  image: NeuralImage,
  { columns, rows, size }: Region,
  signal: AbortSignal,
  onShare: (share: number) => void,
): Promise<Pass> {
  const started = performance.now();
  Object.assign(canvas, size);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('This browser cannot draw on a canvas of this size.');
  const x = axis(image.info.width, columns, size.width);
  const y = axis(image.info.height, rows, size.height);
  let paced = { since: started, rows: size.height };
  for await (const tile of image.decode({ x, y, signal })) {
    if (tile.firstRow === 0 && tile.height < size.height)
      paced = { since: performance.now(), rows: size.height - tile.height };
    drawTile(context, tile);
    onShare((tile.firstRow + tile.height) / size.height);
  }
  const end = performance.now();
  const millisecondsPerPixel = (end - paced.since) / (paced.rows * size.width);
  return { size, milliseconds: end - started, millisecondsPerPixel };
}

/** Pixels of a first, coarse pass, which take a fraction of a second even on a phone. */
const COARSE_PIXELS = 32768;
/** Number of canvases of interrupted passes that are kept, as they are sharper than the canvases below them. */
const MAX_INTERRUPTED = 3;

interface Sheet {
  canvas: HTMLCanvasElement;
  image: NeuralImage;
  density: number;
}

export class NeuralLayer {
  /** A coarse version of the whole picture, which shows something wherever the view moves. */
  #base: Sheet | undefined;
  /** All sheets, the newest last. */
  #sheets: Sheet[] = [];

  constructor(
    private readonly container: HTMLElement,
    private readonly onShare: (share: number) => void,
  ) {}

  /** Draws `region` of `image`, finer and finer up to the size asked for; resolves with the last pass. */
  async draw(image: NeuralImage, region: Region, signal: AbortSignal): Promise<Pass> {
    const old = this.#sheets.filter((sheet) => sheet !== this.#base).slice(0, -MAX_INTERRUPTED);
    this.#remove((sheet) => old.includes(sheet));
    await this.glance(image, signal);
    for (const coarse of this.#coarsePasses(region)) await this.#pass(image, coarse, signal);
    const { sheet, pass } = await this.#pass(image, region, signal);
    sheet.canvas.id = 'finest';
    this.#remove((other) => other !== sheet && other !== this.#base);
    return pass;
  }

  /** Draws all of `image` coarsely, unless that has been done. */
  async glance(image: NeuralImage, signal: AbortSignal): Promise<void> {
    if (this.#base?.image === image) return;
    const { sheet } = await this.#pass(image, baseOf(image), signal);
    this.#base = sheet;
    this.#remove((other) => other !== sheet);
  }

  clear(): void {
    this.#remove(() => true);
    this.#base = undefined;
  }

  /** Coarser versions of `region`, each with up to sixteen times the pixels of the one before, as far as they are finer than the base. */
  #coarsePasses(region: Region): Region[] {
    const passes: Region[] = [];
    const wanted = (region.size.width * region.size.height) / COARSE_PIXELS;
    for (let factor = 2 ** Math.ceil(Math.log2(wanted) / 2); factor > 1; factor /= 4)
      passes.push(coarser(region, factor));
    const base = this.#base?.density ?? 0;
    return passes.filter((pass) => densityOf(pass) > 1.5 * base);
  }

  async #pass(
    image: NeuralImage,
    region: Region,
    signal: AbortSignal,
  ): Promise<{ sheet: Sheet; pass: Pass }> {
    signal.throwIfAborted();
    const sheet = { canvas: document.createElement('canvas'), image, density: densityOf(region) };
    this.#lay(sheet, region);
    const pass = await paint(sheet.canvas, image, region, signal, (share) => {
      // The background hides coarser sheets where the picture is transparent.
      sheet.canvas.style.backgroundSize = `100% ${100 * share}%`;
      this.onShare(share);
    });
    return { sheet, pass };
  }

  /** Puts the sheet above all coarser sheets and all sheets of other images. */
  #lay(sheet: Sheet, { columns, rows }: Region): void {
    const { canvas, image, density } = sheet;
    canvas.style.left = `${columns.start}px`;
    canvas.style.top = `${rows.start}px`;
    canvas.style.width = `${columns.count}px`;
    canvas.style.height = `${rows.count}px`;
    const finer = this.#sheets.filter((other) => other.image === image && other.density > density);
    const next = finer.reduce<Sheet | undefined>((a, b) => (a && a.density < b.density ? a : b), undefined);
    this.container.insertBefore(canvas, next?.canvas ?? null);
    this.#sheets.push(sheet);
  }

  #remove(unwanted: (sheet: Sheet) => boolean): void {
    for (const sheet of this.#sheets) if (unwanted(sheet)) sheet.canvas.remove();
    this.#sheets = this.#sheets.filter((sheet) => !unwanted(sheet));
  }
}

/** The whole picture at native size, or smaller if that has more than COARSE_PIXELS pixels. */
function baseOf({ info }: NeuralImage): Region {
  const factor = Math.max(1, Math.sqrt((info.width * info.height) / COARSE_PIXELS));
  const whole = wholeRegion(info, info);
  return coarser(whole, factor);
}
