/** Pages of the tests' own around the browser script as it is packed, beside the demo shop's models and lists. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../../scripts/process.mjs";
import { AUDIENCE } from "../../../scripts/shop/models.mjs";
import { serveSite } from "./site.mjs";

/** @typedef {import("playwright-core").Page} Page */

const types = /** @type {Record<string, string>} */ ({ js: "text/javascript", wasm: "application/wasm", css: "text/css", json: "application/json" });

/** The shop's public key, as its pages have it. */
export const key = /data-keys="(\w+)"/.exec(readFileSync(join(root, "dist/shop/index.html"), "utf8"))?.[1] ?? "";

/** What follows shop's models. @param {string} [more] attributes */
export function script(more = "") {
  return `<script type="module" src="/npm/element.js" data-manifest="/pocketrank/manifest.pkrm" data-audience="${AUDIENCE}" data-keys="${key}" ${more}></script>`;
}

/** @param {string} name of a file of the package */
export function packed(name) {
  return readFileSync(join(root, "dist/npm", name));
}

/**
 * @typedef {{ headers?: Record<string, string>, body: string | Uint8Array }} Answer
 * @param {Record<string, string | Answer>} pages by path
 */
export function openPages(pages) {
  return serveSite(join(root, "dist/shop"), (request) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const page = pages[pathname];
    if (page !== undefined) {
      const { headers = {}, body } = typeof page === "string" ? { body: page } : page;
      return { headers: { "content-type": "text/html; charset=utf-8", ...headers }, body };
    }
    if (pathname === "/favicon.ico") return { headers: { "content-type": "image/svg+xml" }, body: "" };
    if (!pathname.startsWith("/npm/")) return undefined;
    return { headers: { "content-type": types[pathname.split(".").at(-1) ?? ""] ?? "" }, body: packed(pathname.slice("/npm/".length)) };
  });
}

/** A visitor says yes, for this visit. @param {Page} page */
export async function agree(page) {
  await page.evaluate(async () => {
    const pocketrank = await window.pocketrank;
    await pocketrank?.setConsent({ mode: "session" });
  });
}
