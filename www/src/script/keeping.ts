/**
 * Keeps the runtime's own files for visits without a network, and registers the Service Worker that gives them out. Loaded under a yes that
 * lasts, where the shop wants it.
 *
 * Invariant: kept are scripts and wasm that lie beside this one and that this page has used, and nothing else, never a page; models and lists
 * are in their database already. Once `signal` ends it, nothing is kept any more.
 */
import { scriptUrl } from "../trusted.js";

declare const VERSION: string;

/** Each release has its own cache, so that files of two never mix. `storage.ts` erases all with that prefix. */
const CACHE = `pocketrank-${VERSION}`;
const OWN = /^[^/?#]+\.(js|wasm)$/;

/** Files beside this one that the page has used. */
function used(folder: string): Set<string> {
  const script = document.querySelector<HTMLScriptElement>("script[data-manifest]")?.src ?? "";
  const addresses = [script, ...performance.getEntriesByType("resource").map(({ name }) => name)];
  return new Set(addresses.filter((address) => address.startsWith(folder) && OWN.test(address.slice(folder.length))));
}

/** @param worker address of the shop's copy of `pocketrank/offline`, whose name begins with `pocketrank` */
export async function keep(worker: URL, signal: AbortSignal): Promise<void> {
  const folder = new URL(".", import.meta.url);
  try {
    // Neither is there without TLS.
    if (!("serviceWorker" in navigator) || !("caches" in window)) return;
    if (folder.origin !== location.origin || worker.origin !== location.origin) throw new Error("script and worker must be of the page's own origin");
    if (!/\/pocketrank[^/]*$/.test(worker.pathname)) throw new Error(`the name of ${worker.pathname} must begin with pocketrank, so that it is found when the visitor withdraws`);
    const cache = await caches.open(CACHE);
    for (const address of used(folder.href)) {
      if (signal.aborted) return;
      // The HTTP cache has it.
      await cache.add(new Request(address, { credentials: "omit", referrerPolicy: "no-referrer", cache: "force-cache" }));
    }
    for (const name of await caches.keys()) if (name.startsWith("pocketrank-") && name !== CACHE) await caches.delete(name);
    worker.searchParams.set("cache", CACHE);
    worker.searchParams.set("scripts", folder.pathname);
    if (!signal.aborted) await navigator.serviceWorker.register(scriptUrl("pocketrank-offline", worker));
  } catch (error) {
    console.warn("pocketrank: this page will need the network next time", error);
  }
}
