/**
 * Keeps what the visitor's pages use for visits without a network, and registers the Service Worker that gives it out. Loaded under a yes that
 * lasts, where the shop wants it.
 *
 * Invariant: kept are the runtime's own scripts and wasm, which lie beside one another where no bundler has put them elsewhere, with what else
 * of scripts a bundler puts there, and of the lists that lie beside the manifest the newest few; never a page. Models, and the lists that the manifest names, are in their database already. Once `signal` has ended it and it has
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
/** Where a bundler names scripts by what is in them, each of its builds has others. */
const MOST_SCRIPTS = 100;

/**
 * Settles when `signal` has ended it.
 * @param worker address of the shop's copy of `pocketrank/offline`, whose name begins with `pocketrank`
 */
export async function keep(worker: URL, manifest: URL, signal: AbortSignal): Promise<void> {
  const scripts = scriptFolders();
  const lists = new URL("candidates/", manifest);
  try {
    // Neither is there without TLS.
    if (!("serviceWorker" in navigator) || !("caches" in window)) return;
    const elsewhere = [...scripts, worker].find(({ origin }) => origin !== location.origin);
    if (elsewhere) throw new Error(`script and worker must be of the page's own origin, and not at ${elsewhere.href}`);
    if (!/\/pocketrank[^/]*$/.test(worker.pathname)) throw new Error(`the name of ${worker.pathname} must begin with pocketrank, so that it is found when the visitor withdraws`);
    const cache = await caches.open(CACHE);
    const known = new Set<string>();
    const take = async (addresses: string[]): Promise<void> => {
      let isNew = false;
      for (const address of addresses) {
        if (known.has(address) || !(isIn([lists], LIST, address) || isIn(scripts, SCRIPT, address))) continue;
        known.add(address);
        // The HTTP cache has it.
        const response = await fetch(address, { credentials: "omit", referrerPolicy: "no-referrer", cache: "force-cache", signal });
        if (response.ok) await cache.put(address, response);
        isNew = true;
      }
      if (!isNew) return;
      await shorten(cache, [lists], LIST, MOST_LISTS);
      await shorten(cache, scripts, SCRIPT, MOST_SCRIPTS);
    };
    const script = document.querySelector<HTMLScriptElement>("script[data-manifest]")?.src ?? "";
    await take([script, ...namesOf(performance.getEntriesByType("resource"))]);
    for (const name of await caches.keys()) if (name.startsWith("pocketrank-") && name !== CACHE) await caches.delete(name);
    worker.searchParams.set("cache", CACHE);
    for (const { pathname } of scripts) worker.searchParams.append("scripts", pathname);
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

/**
 * The folders that have the runtime: those of the scripts that have come to this line, and that of the wasm. A bundler may have put this one
 * beside others or into another, and what `import.meta.url` is then is up to it: webpack has it be where the source was.
 */
function scriptFolders(): URL[] {
  const wasm = new URL("pocketrank_bg.wasm", import.meta.url);
  const files = [...(new Error().stack ?? "").matchAll(/https?:\/\/[^\s?#]+\//g)];
  return [...new Set([...files.map(([folder]) => folder), new URL(".", wasm).href])].map((folder) => new URL(folder));
}

/** Gives up the oldest files where they are too many. */
async function shorten(cache: Cache, folders: URL[], file: RegExp, most: number): Promise<void> {
  const kept = (await cache.keys()).filter(({ url }) => isIn(folders, file, url));
  for (const old of kept.slice(0, -most)) await cache.delete(old);
}

/** Whether an address is that of a file in one of the folders of the page's own origin. */
function isIn(folders: URL[], file: RegExp, address: string): boolean {
  return folders.some(({ origin, href }) => origin === location.origin && address.startsWith(href) && file.test(address.slice(href.length)));
}

function namesOf(entries: PerformanceEntry[]): string[] {
  return entries.map(({ name }) => name);
}
