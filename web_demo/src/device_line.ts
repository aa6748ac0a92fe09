/** The line about this device: the number of workers, and how fast they draw. */
import { formatDuration, formatSize, formatSpeed } from './format.ts';
import type { Pass } from './neural_layer.ts';
import { find } from './page.ts';

export class DeviceLine {
  constructor(threads: number) {
    find('device-threads', HTMLElement).textContent =
      threads === 1 ? '1 worker, one thread' : `${threads} workers, a thread each`;
  }

  show({ size, milliseconds }: Pass): void {
    const speed = formatSpeed((size.width * size.height) / milliseconds);
    find('device-time', HTMLElement).textContent =
      `${formatSize(size)} pixels in ${formatDuration(milliseconds)}, ${speed}`;
  }
}
