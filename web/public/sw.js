// The crew page without a signal: the page and all it needs come from the cache, what it shows comes
// from the page's own store (IndexedDB). The API is never cached here.
//
// The build puts its own name below, so every build is another worker with a cache of its own: the
// page and its files are always of one build, and a phone that was online once starts without a signal.
const CACHE = "smartbin-crew-__BUILD__";
const PAGES = ["/crew", "/help/crew"];
/** On a line that is there and carries nothing, nobody waits longer for a page that is kept. */
const PATIENCE_MS = 3_000;

self.addEventListener("install", (event) => {
  event.waitUntil(precache().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOthers().then(() => self.clients.claim()));
});

/** The page and, from the build's list, all it needs: its first visit ran before us. */
async function precache() {
  const cache = await caches.open(CACHE);
  const files = await (await fetch("/crew-files.json", { cache: "no-store" })).json();
  const fresh = ["/crew", "/crew.webmanifest", "/icons/app.svg"].map((path) => new Request(path, { cache: "reload" }));
  await cache.addAll([...fresh, ...files]);
}

async function forgetOthers() {
  const old = (await caches.keys()).filter((name) => name.startsWith("smartbin-crew-") && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin || url.pathname.startsWith("/api/")) return;
  if (request.mode === "navigate") {
    if (PAGES.includes(url.pathname)) event.respondWith(page(request));
    return;
  }
  if (/^\/(assets|icons)\/|\.webmanifest$/.test(url.pathname)) event.respondWith(kept(request));
});

/** The network's page, else the one kept: every page of ours is the same document. */
async function page(request) {
  const mine = await caches.match("/crew", { cacheName: CACHE });
  try {
    return await fetch(request, mine && { signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    return mine ?? Response.error();
  }
}

/** Files are named by their content: what is kept never goes stale. */
async function kept(request) {
  return (await caches.match(request, { cacheName: CACHE })) ?? fetch(request);
}
