/** Formats numbers for the page. */

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(bytes < 1e5 ? 1 : 0)} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

export function formatDuration(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

export const formatRate = (bpp: number) => `${bpp.toFixed(2)} bpp`;
export const formatQuality = (psnr: number) => `${psnr.toFixed(1)} dB`;
export const formatSpeed = (pixelsPerMs: number) =>
  `${(pixelsPerMs / 1000).toFixed(2)} million pixels a second`;
export const formatSize = ({ width, height }: { width: number; height: number }) => `${width} × ${height}`;
