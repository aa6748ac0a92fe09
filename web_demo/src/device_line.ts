/** The line about this device: the number of workers, and how fast they draw. */
import { formatDuration, formatSize, formatSpeed } from './format.ts';
import type { Pass } from './neural_layer.ts';
import { find } from './page.ts';

export class DeviceLine {
  #isFirst = true;

  constructor(threads: number) {
    find('device-threads', HTMLElement).textContent =
      threads === 1 ? '1 worker, one thread' : `${threads} workers, a thread each`;
  }

  show({ size, milliseconds }: Pass): void {
    const speed = formatSpeed((size.width * size.height) / milliseconds);
    // The first pass takes longer, as its code is not compiled to the end yet.
    const when = this.#isFirst ? ' the first time' : '';
    this.#isFirst = false;
    find('device-time', HTMLElement).textContent =
      `${formatSize(size)} pixels in ${formatDuration(milliseconds)}${when}, ${speed}`;
  }
}
