/**
 * Keeps the page, and what was opened on it, so that both work without a network.
 *
 * The build writes the list of files with a hash of each, so this file changes when any of them does. A new version loads the
 * page anew where it changed, drops what is old, and takes over once no tab shows the version before, or when the visitor says so.
 */
import type { Message } from './message.ts';

declare const self: ServiceWorkerGlobalScope;
/** Put in by the build: paths below the page, each with its hash. */
declare const __FILES__: Record<string, string>;

/** What only some visitors ask for: kept once one has. */
const LATER = /\/(ort\/|samples\/|assets\/onnx\.worker|og\.jpg)/;
/** Files whose names change with what is in them, so that what a browser holds of them is right. */
const NAMED = /\/assets\//;
/** Files of which any beginning is a picture: asked for in parts, and kept as far as the page has them. */
const STREAM = /\.anir$/;
const CACHE = `anir ${self.registration.scope}`;
const keys = new Map(
  Object.entries(__FILES__).map(([path, hash]) => [addressOf(path), `${addressOf(path)}?${hash}`]),
);

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

/** The page itself goes by its folder's name, too. */
function withoutQuery(url: string): string {
  const { origin, pathname } = new URL(url);
  return pathname.endsWith('/') ? `${origin}${pathname}index.html` : `${origin}${pathname}`;
}

async function loadNew(): Promise<void> {
  await load([...keys.keys()].filter((address) => !LATER.test(address)));
}

/** Keeps files of the page that are not kept yet. */
async function load(addresses: readonly string[]): Promise<void> {
  const cache = await caches.open(CACHE);
  const held = new Set((await cache.keys()).map(({ url }) => url));
  await Promise.all(
    addresses.map(async (address) => {
      const key = keys.get(address);
      if (!key || held.has(key)) return;
      // Some hosts answer for index.html with a redirect, which a page must not come from.
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
  // Only where no version was before: what the first visit opens from now on is kept.
  await self.clients.claim();
}

async function hear(message: Message): Promise<void> {
  if (message === 'take over') return self.skipWaiting();
  if ('opened' in message) return load(message.opened.map(withoutQuery));
  const key = keys.get(message.address);
  if (key) await (await caches.open(CACHE)).put(key, new Response(message.bytes));
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
