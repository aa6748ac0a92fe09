/** A message from the page to its service worker. */
export type Message =
  /** URLs that were fetched before the worker was active, to be cached. */
  | { opened: string[] }
  /** What the page has of a file, to be cached. */
  | { address: string; bytes: Uint8Array<ArrayBuffer> }
  /** A request to replace the previous version of the worker at once. */
  | 'take over';
