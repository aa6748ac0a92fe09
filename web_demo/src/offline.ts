/** Registers the service worker once there is a picture, has it cache what was opened, and offers new versions of the page. */
import { find } from './page.ts';
import type { Picture } from './picture.ts';
import type { Message } from './service_worker/message.ts';

export class Offline {
  #worker: ServiceWorker | null | undefined;
  /** Number of bytes that are cached of each file. */
  readonly #kept = new Map<string, number>();

  /** Registers the service worker; rejects where there can be none, as in a private window, but all else works. */
  async start(): Promise<void> {
    if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
    const { serviceWorker } = navigator;
    const registration = await serviceWorker.register('sw.js');
    this.#watch(registration);
    this.#worker = (await serviceWorker.ready).active;
    const resources = performance.getEntriesByType('resource').map(({ name }) => name);
    this.#tell({ opened: resources.filter((address) => !address.endsWith('.anir')) });
    find('device-offline', HTMLElement).textContent = 'works offline with what it showed';
  }

  /** Caches what has arrived of the picture's file, as any prefix of it is a picture. */
  keep({ id, stream, subnets }: Picture): void {
    if (!this.#worker || !id || !stream) return;
    const path = [id, subnets[0]?.file ?? ''].map(encodeURIComponent).join('/');
    const address = new URL(`samples/${path}`, document.baseURI).href;
    if (stream.size <= (this.#kept.get(address) ?? 0)) return;
    this.#kept.set(address, stream.size);
    this.#tell({ address, bytes: stream.prefix(stream.size).slice() });
  }

  #tell(message: Message, worker = this.#worker): void {
    worker?.postMessage(message);
  }

  /** Offers a new version of the page once it is loaded; otherwise the next visit shows it. */
  #watch(registration: ServiceWorkerRegistration): void {
    const { serviceWorker } = navigator;
    const offer = () => {
      if (registration.waiting && serviceWorker.controller) find('update', HTMLElement).hidden = false;
    };
    offer();
    registration.addEventListener('updatefound', () =>
      registration.installing?.addEventListener('statechange', offer),
    );
    find('take-over', HTMLButtonElement).addEventListener('click', () => {
      serviceWorker.addEventListener('controllerchange', () => location.reload());
      this.#tell('take over', registration.waiting);
    });
  }
}
