import { drawTile, type NeuralImage, type Tile } from '../neural-img/src/index.ts';

/** The picture on the page: draws tiles as they come, covers them with the original, saves what is drawn. */
export class Stage {
  readonly #context: CanvasRenderingContext2D;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly original: HTMLImageElement,
    private readonly badge: HTMLElement,
    private readonly progress: HTMLElement,
    private readonly waiting: HTMLElement,
  ) {
    const context = canvas.getContext('2d');
    if (!context) throw new Error('This browser cannot draw on a canvas.');
    this.#context = context;
  }

  /** Draws the whole image over the one before it; resolves with the milliseconds that this took. */
  async draw(image: NeuralImage, signal: AbortSignal): Promise<number> {
    const start = performance.now();
    this.#resize(image.info.width, image.info.height);
    for await (const tile of image.decode({ coarse: true, signal })) this.#put(tile);
    this.progress.style.opacity = '0';
    return performance.now() - start;
  }

  /** Sets the original that `compare` shows; none for a visitor's own file. */
  setOriginal(url: string | undefined): void {
    this.compare(false);
    if (url) this.original.src = url;
    else this.original.removeAttribute('src');
  }

  compare(showOriginal: boolean): void {
    this.original.hidden = this.badge.hidden = !showOriginal;
  }

  /** Says what to do while there is nothing to see. */
  invite(): void {
    this.waiting.textContent = 'Open a neural image (.onnx) to see it here.';
  }

  toPng(): Promise<Blob> {
    return new Promise((resolve, reject) => {
      this.canvas.toBlob((blob) =>
        blob ? resolve(blob) : reject(new Error('The picture is too large to save.')),
      );
    });
  }

  /** A canvas forgets its picture when it gets a size, so the old one stays when the size does. */
  #resize(width: number, height: number): void {
    if (this.canvas.width === width && this.canvas.height === height) return;
    this.canvas.width = width;
    this.canvas.height = height;
  }

  #put(tile: Tile): void {
    drawTile(this.#context, tile);
    this.waiting.hidden = true;
    const done = tile.scale > 1 ? 0 : (tile.firstRow + tile.height) / this.canvas.height;
    this.progress.style.opacity = '1';
    this.progress.style.transform = `scaleX(${done})`;
  }
}
