/** The canvas of an element: a bitmap of device pixels, drawn coarsely first. */
import { axis } from './coordinates.ts';
import type { NeuralImage } from './decoder.ts';
import { drawTile } from './draw_tile.ts';
import { bitmapSize, type Size } from './layout.ts';

export class Surface {
  readonly canvas = document.createElement('canvas');
  /** The picture that is drawn completely. */
  #drawn: NeuralImage | undefined;

  /** Whether there is a picture. */
  get isDrawn(): boolean {
    return this.#drawn !== undefined;
  }

  /** The bitmap size that fits the canvas as laid out; 0 × 0 if it is not laid out or there is no picture. */
  wantedFor(natural: Size): Size {
    const { width, height, objectFit } = getComputedStyle(this.canvas);
    const box = { width: Number.parseFloat(width), height: Number.parseFloat(height) };
    if (!this.canvas.getClientRects().length) return { width: 0, height: 0 };
    // CSS `zoom` enlarges pixels like a screen's; not all browsers say by how much.
    const zoom = this.canvas.currentCSSZoom ?? 1;
    return bitmapSize(natural, box, objectFit, devicePixelRatio * zoom);
  }

  hasSize({ width, height }: Size): boolean {
    return this.canvas.width === width && this.canvas.height === height;
  }

  /** Draws a picture as a bitmap of the given size, unless it is there already. */
  async draw(image: NeuralImage, size: Size, signal: AbortSignal): Promise<void> {
    const [{ width, height }, { info }] = [size, image];
    const context = this.canvas.getContext('2d');
    if (!context || width * height === 0 || (this.hasSize(size) && this.#drawn === image)) return;
    if (!this.hasSize(size)) stretch(context, size);
    const x = axis(info.width, undefined, width);
    const y = axis(info.height, undefined, height);
    for await (const tile of image.decode({ x, y, coarse: !this.#drawn, signal })) drawTile(context, tile);
    this.#drawn = image;
  }

  /** Marks what is drawn as outdated; it stays visible until there is something else to draw. */
  forget(): void {
    this.#drawn = undefined;
  }

  /** Frees the bitmap. */
  clear(): void {
    this.forget();
    this.canvas.width = this.canvas.height = 0;
  }
}

/** Resizes a canvas, and its content with it, which stays visible until something better is drawn. */
function stretch(context: CanvasRenderingContext2D, { width, height }: Size): void {
  const { canvas } = context;
  const before = canvas.width * canvas.height && new OffscreenCanvas(canvas.width, canvas.height);
  if (before) before.getContext('2d')?.drawImage(canvas, 0, 0);
  Object.assign(canvas, { width, height });
  if (before) context.drawImage(before, 0, 0, width, height);
}
