/**
 * Caches the page, and what was opened on it, so that both work offline.
 *
 * The build inserts a list of all files with their hashes, so this script changes when any of them does. A new version fetches the
 * files that have changed, and takes over when no tab shows the previous version, or when the visitor says so; then it drops old files.
 */
import type { Message } from './message.ts';

declare const self: ServiceWorkerGlobalScope;
/** Inserted by the build: paths below the page, with the hashes of their files. */
declare const __FILES__: Record<string, string>;

/** Files that only some visitors need: they are cached when first requested. */
const LATER = /\/(ort\/|samples\/|assets\/onnx\.worker|og\.jpg)/;
/** Files whose names change with their content, so that the browser's HTTP cache can be trusted. */
const NAMED = /\/assets\//;
/** Files of which any prefix is a picture: they are requested in parts, and cached as far as the page has them. */
const STREAM = /\.anir$/;
const CACHE = `anir ${self.registration.scope}`;
const keys = new Map(
  Object.entries(__FILES__).map(([path, hash]) => [addressOf(path), `${addressOf(path)}?${hash}`]),
);

/** Settles when the last file is cached: what is cached already and what comes are compared one after the other. */
let keeping = Promise.resolve();

self.addEventListener('install', (event) => event.waitUntil(loadNew()));
self.addEventListener('activate', (event) => event.waitUntil(dropOld()));
self.addEventListener('fetch', (event) => {
  const key = event.request.method === 'GET' && keys.get(withoutQuery(event.request.url));
  if (key) event.respondWith(answer(event.request, key));
});
self.addEventListener('message', (event) => event.waitUntil(hear(event.data)));

function addressOf(path: string): string {
  return new URL(path, self.registration.scope).href;
}

/** The URL without its query; that of a folder becomes its index.html. */
function withoutQuery(url: string): string {
  const { origin, pathname } = new URL(url);
  return pathname.endsWith('/') ? `${origin}${pathname}index.html` : `${origin}${pathname}`;
}

async function loadNew(): Promise<void> {
  await load([...keys.keys()].filter((address) => !LATER.test(address)));
}

/** Fetches and caches the page's files that are not cached yet. */
async function load(addresses: readonly string[]): Promise<void> {
  const cache = await caches.open(CACHE);
  const held = new Set((await cache.keys()).map(({ url }) => url));
  await Promise.all(
    addresses.map(async (address) => {
      const key = keys.get(address);
      if (!key || held.has(key)) return;
      // Some hosts redirect index.html, and browsers refuse a redirected response for a page.
      const request = address.replace(/\/index\.html$/, '/');
      const response = await fetch(request, { cache: NAMED.test(address) ? 'default' : 'no-cache' });
      if (!response.ok) throw new Error(`${address} answered ${response.status}`);
      await cache.put(key, response);
    }),
  );
}

async function dropOld(): Promise<void> {
  const cache = await caches.open(CACHE);
  const wanted = new Set(keys.values());
  for (const { url } of await cache.keys()) if (!wanted.has(url)) await cache.delete(url);
  // Matters on the first visit, when the page has no service worker yet: what it requests from now on is cached, too.
  await self.clients.claim();
}

async function hear(message: Message): Promise<void> {
  if (message === 'take over') return self.skipWaiting();
  if ('opened' in message) return load(message.opened.map(withoutQuery));
  const key = keys.get(message.address);
  if (!key) return;
  const kept = keeping.then(() => keep(key, message.bytes));
  keeping = kept.catch(() => undefined);
  await kept;
}

/** Caches a file's first bytes, unless more of it is cached, such as by another tab. */
async function keep(key: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const cache = await caches.open(CACHE);
  const held = await (await cache.match(key))?.blob();
  if (bytes.length > (held?.size ?? 0)) await cache.put(key, new Response(bytes));
}

async function answer(request: Request, key: string): Promise<Response> {
  const cache = await caches.open(CACHE);
  const held = await cache.match(key);
  if (STREAM.test(new URL(request.url).pathname))
    return fetch(request).catch((error) => held ?? refuse(error));
  if (held) return held;
  const response = await fetch(request);
  if (response.status === 200) await cache.put(key, response.clone());
  return response;
}

function refuse(error: unknown): never {
  throw error;
}
