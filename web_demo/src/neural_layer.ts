/** The neural picture on the stage: decodes what is in view, coarse first, into canvases that lie on each other. */
import { axis, drawTile, type NeuralImage } from '../neural-img/src/index.ts';
import { coarser, densityOf, type Region, type Size, wholeRegion } from './view.ts';

/** One decode that ran to its end. */
export interface Pass {
  size: Size;
  milliseconds: number;
  /** Without its first tile, before which workers may have to start. */
  millisecondsPerPixel: number;
}

/** Decodes `region` into `canvas`, row by row; `onShare` hears how much of it is done, up to 1. */
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

/** The pixels that a first, coarse pass may take: a fraction of a second, even on a phone. */
const COARSE_PIXELS = 32768;
/** Canvases of interrupted passes that stay, as what they hold is sharper than what lies below. */
const MAX_INTERRUPTED = 3;

interface Sheet {
  canvas: HTMLCanvasElement;
  image: NeuralImage;
  density: number;
}

export class NeuralLayer {
  /** Shows the whole picture, so that there is something wherever the view goes. */
  #base: Sheet | undefined;
  /** All sheets, the newest last. */
  #sheets: Sheet[] = [];

  constructor(
    private readonly container: HTMLElement,
    private readonly onShare: (share: number) => void,
  ) {}

  /** Draws `region` of `image` until it is as fine as asked; resolves with its last pass. */
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

  /** Draws all of `image` coarsely, unless it is there. */
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

  /** `region` with fewer pixels, in steps of up to sixteen times as many, but finer than the base. */
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
      // Coarser sheets must not show through what is transparent.
      sheet.canvas.style.backgroundSize = `100% ${100 * share}%`;
      this.onShare(share);
    });
    return { sheet, pass };
  }

  /** Puts the sheet over all that is coarser and all that shows another image. */
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

/** The whole picture at its own size, or smaller if that would take too long for a first look. */
function baseOf({ info }: NeuralImage): Region {
  const factor = Math.max(1, Math.sqrt((info.width * info.height) / COARSE_PIXELS));
  const whole = wholeRegion(info, info);
  return coarser(whole, factor);
}
