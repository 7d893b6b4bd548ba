/**
 * Keeps what the visitor's pages use for visits without a network, and registers the Service Worker that gives it out. Loaded under a yes that
 * lasts, where the shop wants it.
 *
 * Invariant: kept are the runtime's own scripts and wasm, which lie beside this one, and of the lists that lie beside the manifest the newest
 * few; never a page. Models, and the lists that the manifest names, are in their database already. Once `signal` has ended it and it has
 * settled, nothing is kept any more.
 */
import { scriptUrl } from "../trusted.js";

declare const VERSION: string;

/** Each release has its own cache, so that files of two never mix. `storage.ts` erases all with that prefix. */
const CACHE = `pocketrank-${VERSION}`;
const SCRIPT = /^[^/?#]+\.(js|wasm)$/;
const LIST = /^[^/?#]+\.json$/;
/** Every product may have a list of its own. */
const MOST_LISTS = 30;

/**
 * Settles when `signal` has ended it.
 * @param worker address of the shop's copy of `pocketrank/offline`, whose name begins with `pocketrank`
 */
export async function keep(worker: URL, manifest: URL, signal: AbortSignal): Promise<void> {
  const scripts = new URL(".", import.meta.url);
  const lists = new URL("candidates/", manifest);
  try {
    // Neither is there without TLS.
    if (!("serviceWorker" in navigator) || !("caches" in window)) return;
    if (scripts.origin !== location.origin || worker.origin !== location.origin) throw new Error("script and worker must be of the page's own origin");
    if (!/\/pocketrank[^/]*$/.test(worker.pathname)) throw new Error(`the name of ${worker.pathname} must begin with pocketrank, so that it is found when the visitor withdraws`);
    const cache = await caches.open(CACHE);
    const known = new Set<string>();
    const take = async (addresses: string[]): Promise<void> => {
      for (const address of addresses) {
        const isList = isIn(lists, LIST, address);
        if (known.has(address) || !(isList || isIn(scripts, SCRIPT, address))) continue;
        known.add(address);
        // The HTTP cache has it.
        const response = await fetch(address, { credentials: "omit", referrerPolicy: "no-referrer", cache: "force-cache", signal });
        if (response.ok) await cache.put(address, response);
        if (isList) await shorten(cache, lists);
      }
    };
    const script = document.querySelector<HTMLScriptElement>("script[data-manifest]")?.src ?? "";
    await take([script, ...namesOf(performance.getEntriesByType("resource"))]);
    for (const name of await caches.keys()) if (name.startsWith("pocketrank-") && name !== CACHE) await caches.delete(name);
    worker.searchParams.set("cache", CACHE);
    worker.searchParams.set("scripts", scripts.pathname);
    worker.searchParams.set("lists", lists.pathname);
    if (!signal.aborted) await navigator.serviceWorker.register(scriptUrl("pocketrank-offline", worker));
    await untilAborted(signal, take);
  } catch (error) {
    if (!signal.aborted) console.warn("pocketrank: this page will need the network next time", error);
  }
}

/** Takes what the page uses from now on, as it comes, and what it has used meanwhile. */
async function untilAborted(signal: AbortSignal, take: (addresses: string[]) => Promise<void>): Promise<void> {
  let taken = Promise.resolve();
  let observer: PerformanceObserver | undefined;
  await new Promise<void>((resolve, reject) => {
    if (signal.aborted) return resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
    observer = new PerformanceObserver((list) => {
      taken = taken.then(() => take(namesOf(list.getEntries())));
      taken.catch(reject);
    });
    observer.observe({ type: "resource", buffered: true });
  }).finally(() => observer?.disconnect());
  await taken;
}

/** Gives up the oldest lists where they are too many. */
async function shorten(cache: Cache, lists: URL): Promise<void> {
  const kept = (await cache.keys()).filter(({ url }) => isIn(lists, LIST, url));
  for (const old of kept.slice(0, -MOST_LISTS)) await cache.delete(old);
}

/** Whether an address is that of a file in a folder of the page's own origin. */
function isIn({ origin, href }: URL, file: RegExp, address: string): boolean {
  return origin === location.origin && address.startsWith(href) && file.test(address.slice(href.length));
}

function namesOf(entries: PerformanceEntry[]): string[] {
  return entries.map(({ name }) => name);
}
