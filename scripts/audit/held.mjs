/** Everything that a browser holds for a site, wherever a script or a server can put it; the browser's own HTTP cache apart. */
import { inPage, show, weigh } from "./weigh.mjs";

/**
 * @typedef {object} Held one record
 * @property {string} kind
 * @property {string} name
 * @property {number} bytes of name and content: that something is there tells as well
 * @property {string} text what is in it, shortened
 */

/** What each tab has for itself; of the rest there is one for all. */
const OF_TAB = new Set(["sessionStorage", "window.name", "history.state"]);

/**
 * @param {import("playwright-core").BrowserContext} context
 * @param {string} site its origin; tabs elsewhere are passed over
 * @returns {Promise<Held[]>}
 */
export async function readHeld(context, site) {
  const held = (await context.cookies()).map(({ name, value }) => ({ kind: "cookie", name, bytes: name.length + value.length, text: value }));
  let isFirst = true;
  for (const page of context.pages()) {
    if (!page.url().startsWith(`${site}/`)) continue;
    const all = /** @type {Held[]} */ (await page.evaluate(inPage(readPage)));
    held.push(...all.filter(({ kind }) => isFirst || OF_TAB.has(kind)));
    isFirst = false;
  }
  if (isFirst) throw new Error(`no tab is on ${site}: what is held there cannot be read`);
  return held;
}

/** Runs in the page; looking creates nothing. @returns {Promise<Held[]>} */
async function readPage() {
  /** @type {Held[]} */
  const held = [];
  const add = (/** @type {string} */ kind, /** @type {string} */ name, /** @type {string} */ text, bytes = weigh(text)) =>
    held.push({ kind, name, bytes: weigh(name) + bytes, text: text.slice(0, 500) });
  const promised = (/** @type {IDBRequest} */ request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });

  for (const [kind, storage] of Object.entries({ localStorage, sessionStorage })) {
    for (const [name, text] of Object.entries(storage)) add(kind, name, String(text));
  }
  for (const { name = "" } of await indexedDB.databases()) {
    const request = indexedDB.open(name);
    // It was erased since its name was read: it is not to be made again.
    request.onupgradeneeded = () => request.transaction?.abort();
    const database = /** @type {IDBDatabase | undefined} */ (await promised(request).catch(() => undefined));
    if (!database) continue;
    add("indexedDB", name, "");
    for (const store of database.objectStoreNames) {
      const all = database.transaction(store).objectStore(store);
      const [keys, values] = await Promise.all([promised(all.getAllKeys()), promised(all.getAll())]);
      for (const [at, key] of keys.entries()) add("indexedDB", `${name}/${store}/${String(key)}`, show(values[at]), weigh(values[at]));
    }
    database.close();
  }
  for (const name of await caches.keys()) {
    add("cache", name, "");
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      const answer = await cache.match(request);
      add("cache", `${name} ${request.url}`, "", (await answer?.arrayBuffer())?.byteLength ?? 0);
    }
  }
  for (const { scope } of await navigator.serviceWorker.getRegistrations()) add("serviceWorker", scope, "");
  /** @param {FileSystemDirectoryHandle} folder @param {string} path */
  const walk = async (folder, path) => {
    for await (const [name, handle] of /** @type {any} */ (folder).entries()) {
      if (handle.kind === "directory") await walk(handle, `${path}${name}/`);
      add("files", path + name, "", handle.kind === "file" ? (await handle.getFile()).size : 0);
    }
  };
  await walk(await navigator.storage.getDirectory(), "");
  for (const name of (await /** @type {any} */ (navigator).storageBuckets?.keys()) ?? []) add("bucket", name, "");
  // What outlives a page in its tab.
  if (window.name) add("window.name", "", window.name);
  if (history.state !== null) add("history.state", "", show(history.state));
  return held;
}
