/** One line about the device: what decodes, with how many threads, how fast, and whether that needs the network. */
import { formatDuration, formatSize, formatSpeed } from './format.ts';
import type { Pass } from './neural_layer.ts';
import { find } from './page.ts';

export class DeviceLine {
  constructor(threads: number) {
    find('device-threads', HTMLElement).textContent =
      threads === 1 ? '1 worker, one thread' : `${threads} workers, a thread each`;
    if (import.meta.env.PROD && 'serviceWorker' in navigator) this.#keepOffline().catch(() => {});
  }

  show({ size, milliseconds }: Pass): void {
    const speed = formatSpeed((size.width * size.height) / milliseconds);
    find('device-time', HTMLElement).textContent =
      `${formatSize(size)} pixels in ${formatDuration(milliseconds)}, ${speed}`;
  }

  /** The service worker keeps a copy of the page; without one, as in a private window, all else works. */
  async #keepOffline(): Promise<void> {
    const { serviceWorker } = navigator;
    await serviceWorker.register('sw.js');
    await serviceWorker.ready;
    find('device-offline', HTMLElement).textContent = 'works offline';
  }
}
