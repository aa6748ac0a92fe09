/** What the page tells its service worker. */
export type Message =
  /** Addresses that were fetched before it was there. */
  | { opened: string[] }
  /** As much of a file as the page has. */
  | { address: string; bytes: Uint8Array<ArrayBuffer> }
  /** To take over from the version before. */
  | 'take over';
