// The crew page without a signal: the shell and every asset it has loaded come from the cache, the
// data comes from the page's own store (IndexedDB). The API is never cached here.
const CACHE = "smartbin-crew-1";

self.addEventListener("install", (event) => {
  event.waitUntil(precache().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(self.clients.claim());
});

/** The page and, from the build's manifest, all that /crew needs: its first visit ran before us. */
async function precache() {
  const cache = await caches.open(CACHE);
  const files = await (await fetch("/crew-files.json", { cache: "no-store" })).json();
  await cache.addAll(["/crew", "/crew.webmanifest", "/icons/app.svg", ...files]);
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin || url.pathname.startsWith("/api/")) return;
  if (request.mode === "navigate") {
    if (url.pathname === "/crew") event.respondWith(fresh(request));
    return;
  }
  if (url.pathname.startsWith("/assets/")) event.respondWith(kept(request));
});

/** The network's page, else the one kept. */
async function fresh(request) {
  const cache = await caches.open(CACHE);
  try {
    const answer = await fetch(request);
    if (answer.ok) await cache.put("/crew", answer.clone());
    return answer;
  } catch {
    return (await cache.match("/crew")) ?? Response.error();
  }
}

/** Assets are named by their content: what is kept never goes stale. */
async function kept(request) {
  return (await caches.match(request)) ?? fetch(request);
}
