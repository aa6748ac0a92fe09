import type { Tile } from './decoder.ts';

type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** Draws a tile, replacing what was there; a coarse tile is enlarged to the pixels that it stands for. */
export function drawTile(context: Context, { firstRow, width, height, scale, pixels }: Tile): void {
  const data = new ImageData(pixels, width, height);
  if (scale === 1) {
    context.putImageData(data, 0, firstRow);
    return;
  }
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext('2d')?.putImageData(data, 0, 0);
  context.save();
  // Otherwise the old content would show through transparent pixels.
  context.clearRect(0, firstRow * scale, width * scale, height * scale);
  // In lower quality, samples are visible as squares.
  context.imageSmoothingQuality = 'high';
  context.drawImage(canvas, 0, firstRow * scale, width * scale, height * scale);
  context.restore();
}
