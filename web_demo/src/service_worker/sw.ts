/**
 * Keeps the page and all its files, so that it works without a network.
 *
 * The build writes the list of files with a hash of each, so this file changes when any of them does. A new
 * version then loads only what changed, and takes over once no tab shows the old one.
 */
export {};

declare const self: ServiceWorkerGlobalScope;
/** Put in by the build: paths below the page, each with its hash. */
declare const __FILES__: Record<string, string>;

/** Megabytes that only some visitors ask for: kept once one has. */
const LATER = /\/(ort\/|assets\/onnx\.worker)/;
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

function addressOf(path: string): string {
  return new URL(path, self.registration.scope).href;
}

/** The page itself goes by its folder's name, too. */
function withoutQuery(url: string): string {
  const { origin, pathname } = new URL(url);
  return pathname.endsWith('/') ? `${origin}${pathname}index.html` : `${origin}${pathname}`;
}

async function loadNew(): Promise<void> {
  const cache = await caches.open(CACHE);
  const held = new Set((await cache.keys()).map(({ url }) => url));
  const missing = [...keys].filter(([address, key]) => !held.has(key) && !LATER.test(address));
  await Promise.all(
    missing.map(async ([address, key]) => {
      // Some hosts answer for index.html with a redirect, which a page must not come from.
      const response = await fetch(address.replace(/\/index\.html$/, '/'), { cache: 'no-cache' });
      if (!response.ok) throw new Error(`${address} answered ${response.status}`);
      await cache.put(key, response);
    }),
  );
}

async function dropOld(): Promise<void> {
  const cache = await caches.open(CACHE);
  const wanted = new Set(keys.values());
  for (const { url } of await cache.keys()) if (!wanted.has(url)) await cache.delete(url);
}

async function answer(request: Request, key: string): Promise<Response> {
  const cache = await caches.open(CACHE);
  const held = await cache.match(key);
  if (held) return held;
  const response = await fetch(request);
  if (response.ok && LATER.test(request.url)) await cache.put(key, response.clone());
  return response;
}
