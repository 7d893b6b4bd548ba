/** A page that has nothing but the browser script, for tests of what a device keeps and of whose consent it hears. */
import { join } from "node:path";
import { root } from "../../../scripts/process.mjs";
import { serveSite } from "./site.mjs";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("../../../www/element.js").EventKind} EventKind */

/**
 * The npm package's files, and at `/?NAME=VALUE&...` a page whose script tag has these attributes.
 * @returns {ReturnType<typeof serveSite>}
 */
export function servePage() {
  return serveSite(join(root, "dist/npm"), (request) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    if (pathname === "/pocketrank-worker.js") return { headers: { "content-type": "text/javascript" }, body: "" };
    if (pathname !== "/") return undefined;
    const attributes = [...searchParams].map(([name, value]) => ` data-${name}="${value}"`).join("");
    const body = `<!doctype html><html lang="en"><title>Shop</title><link rel="icon" href="data:,">
<script type="module" src="/element.js" data-manifest="/manifest.pkrm"${attributes}></script></html>`;
    return { headers: { "content-type": "text/html; charset=utf-8" }, body };
  });
}

/**
 * A visitor on that page.
 * @param {import("playwright-core").Browser} browser
 * @param {string} url of the site
 * @param {{ yes?: import("../../../www/element.js").Choice, attributes?: string, prepare?: (...args: any[]) => unknown }} [options]
 * `yes`: their choice, none if not given; `attributes` of the script tag; `prepare` runs in each page before its scripts
 */
export async function visit(browser, url, { yes, attributes = "", prepare } = {}) {
  const context = await browser.newContext();
  if (prepare) await context.addInitScript(prepare);
  const address = `${url}/?${attributes}`;
  /** @type {string[]} */
  const said = [];
  const open = async () => {
    const page = await context.newPage();
    page.on("console", (message) => said.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => said.push(`uncaught: ${error.message}`));
    await page.goto(address);
    await page.evaluate(() => window.pocketrank);
    return page;
  };
  const page = await open();
  if (yes) await setConsent(page, yes);
  /** What was said of Pocketrank, or thrown. */
  const complaints = () => said.filter((text) => text.includes("pocketrank:") || text.startsWith("uncaught"));
  return { context, page, open, complaints, close: () => context.close() };
}

/** Opens the page anew. @param {Page} page */
export async function reload(page) {
  await page.reload();
  await page.evaluate(() => window.pocketrank);
}

/**
 * @param {Page} page
 * @param {EventKind} kind
 * @param {string[]} items
 */
export function record(page, kind, items) {
  return page.evaluate(async ([kind, items]) => (await window.pocketrank)?.record(kind, items), /** @type {const} */ ([kind, items]));
}

/**
 * @param {Page} page
 * @param {import("../../../www/element.js").Choice} choice
 */
export function setConsent(page, choice) {
  return page.evaluate(async (choice) => (await window.pocketrank)?.setConsent(choice), choice);
}

/** @param {Page} page */
export function mode(page) {
  return page.evaluate(async () => (await window.pocketrank)?.mode);
}

/** Hashes of the items that the profile has, sorted. @param {Page} page */
export async function items(page) {
  const found = await page.evaluate(async () => (await window.pocketrank)?.profile.events().map(({ item }) => item) ?? []);
  return found.sort();
}

/**
 * Puts a record into the visitor's database, as damage or another release would.
 * @param {Page} page
 * @param {"visitor" | "before"} key
 * @param {"damage" | "garbage" | "newer record" | "newer profile"} what
 */
export function spoil(page, key, what) {
  return page.evaluate(
    async ([key, what]) => {
      /** @param {IDBRequest} request @returns {Promise<any>} */
      const done = (request) =>
        new Promise((resolve, reject) => {
          request.onsuccess = () => resolve(request.result);
          request.onerror = () => reject(request.error);
        });
      const database = await done(indexedDB.open("pocketrank"));
      const store = database.transaction("pocketrank", "readwrite").objectStore("pocketrank");
      const record = await done(store.get(key));
      if (what === "damage") record.profile[20] ^= 255;
      if (what === "newer record") record.version = 9;
      // The version of the encoding, docs/FORMAT.md.
      if (what === "newer profile") record.profile[4] = 99;
      await done(store.put(what === "garbage" ? 42 : record, key));
      database.close();
    },
    /** @type {const} */ ([key, what]),
  );
}

/** Every record of the visitor's database, as text. @param {Page} page */
export function records(page) {
  return page.evaluate(async () => {
    /** @param {IDBRequest} request @returns {Promise<any>} */
    const done = (request) =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const database = await done(indexedDB.open("pocketrank"));
    const names = [...database.objectStoreNames];
    const all = await Promise.all(names.map((name) => done(database.transaction(name).objectStore(name).getAll())));
    database.close();
    return JSON.stringify([database.version, names, all], (_, value) => (value instanceof Uint8Array ? [...value] : value));
  });
}
