/**
 * The entry `pocketrank/offline`: the Service Worker that shops copy to their root. Where the network fails it answers with what
 * `keeping.ts` has kept.
 *
 * Invariant: it touches requests for the runtime's own scripts and wasm and for lists alone, and writes nothing: once those are erased, it has nothing to give.
 */

/** What of a Service Worker's scope is used here: the types of documents and workers do not go together. */
interface Fetching extends Event {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
interface Installing extends Event {
  /** https://w3c.github.io/ServiceWorker/#install-event: what need not wait for this worker to start. */
  addRoutes?(rule: { condition: { requestMode: string }; source: "network" }): Promise<void>;
  waitUntil(done: Promise<unknown> | undefined): void;
}

const { searchParams: settings } = new URL(location.href);
const cacheName = settings.get("cache") ?? "";
/** Files of folders, as `keeping.ts` names them. */
const kept: [folders: string[], file: RegExp][] = [
  [settings.getAll("scripts"), /^[^/]+\.(js|wasm)$/],
  [settings.getAll("lists"), /^[^/]+\.json$/],
];

function isOwn({ method, mode, url }: Request): boolean {
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || mode === "navigate" || origin !== location.origin) return false;
  return kept.some(([folders, file]) => folders.some((folder) => pathname.startsWith(folder) && file.test(pathname.slice(folder.length))));
}

async function answer(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    const found = await caches.match(request.url, { cacheName, ignoreVary: true });
    if (found) return found;
    throw error;
  }
}

addEventListener("install", (event) => {
  const installing = event as Installing;
  // A browser that refuses the rule asks this worker, which lets pages pass.
  installing.waitUntil(installing.addRoutes?.({ condition: { requestMode: "navigate" }, source: "network" }).catch(() => undefined));
});

addEventListener("fetch", (event) => {
  const fetching = event as Fetching;
  if (isOwn(fetching.request)) fetching.respondWith(answer(fetching.request));
});

export {};
