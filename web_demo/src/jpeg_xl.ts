/** Support for JPEG XL in all browsers: libjxl as WebAssembly, which is fetched only where it is needed. */

/** Returns the picture in a format that this browser supports: unchanged, or converted to PNG. */
export async function shownByBrowser(jpegXl: Blob): Promise<Blob> {
  const bitmap = await createImageBitmap(jpegXl).catch(() => undefined);
  bitmap?.close();
  if (bitmap) return jpegXl;
  const { default: decode } = await import('@jsquash/jxl/decode.js');
  const pixels = await decode(await jpegXl.arrayBuffer());
  const canvas = new OffscreenCanvas(pixels.width, pixels.height);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('This browser cannot draw on a canvas of this size.');
  context.putImageData(pixels, 0, 0);
  return canvas.convertToBlob();
}
