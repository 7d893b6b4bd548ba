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
    if (pathname !== "/") return undefined;
    const attributes = [...searchParams].map(([name, value]) => ` data-${name}="${value}"`).join("");
    const body = `<!doctype html><html lang="en"><title>Shop</title><link rel="icon" href="data:,">
<script type="module" src="/element.js" data-manifest="/manifest.pkrm"${attributes}></script></html>`;
    return { headers: { "content-type": "text/html; charset=utf-8" }, body };
  });
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

/** What the page says on its console from now on. @param {Page} page */
export function listen(page) {
  /** @type {string[]} */
  const said = [];
  page.on("console", (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => said.push(`uncaught: ${error.message}`));
  return said;
}
