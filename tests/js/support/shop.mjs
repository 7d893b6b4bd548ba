/** The demo shop in Chromium, behind the edge or as plain files: what the browser tests share. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { serveEdge } from "../../../scripts/edge.mjs";
import { Failure, root } from "../../../scripts/process.mjs";
import { Consent, Profile, Ranker } from "../../../dist/npm/node.js";
import { serveSite } from "./site.mjs";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("playwright-core").BrowserContext} Context */

const folder = join(root, "dist/shop");

/** @param {string} path */
function readShop(path) {
  const file = join(folder, path);
  if (!existsSync(file)) throw new Failure(`${file} is missing`, "run `npm start -- --no-serve`");
  return readFileSync(file);
}

/**
 * The shop through the edge worker in workerd.
 * @param {Record<string, string>} [vars] over those of wrangler.toml
 */
export function openEdge(vars = {}) {
  return serveEdge({ assets: folder, vars });
}

/**
 * The shop's files as any static host would serve them: nothing fills the slots before the browser does.
 * @param {{ tagsApart?: number }} [line] pages come tag by tag, this many milliseconds apart, as on a slow line
 */
export function openFiles({ tagsApart } = {}) {
  return serveSite(folder, (request) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const page = `${pathname.slice(1)}.html`;
    if (pathname.includes(".") || !existsSync(join(folder, page))) return undefined;
    const body = readShop(page);
    const headers = { "content-type": "text/html; charset=utf-8" };
    return { headers, body: tagsApart === undefined ? body : byTags(body.toString(), tagsApart) };
  });
}

/** @param {string} page @param {number} apart */
async function* byTags(page, apart) {
  for (const piece of page.split(/(?=<(?!\/))/)) {
    yield piece;
    await setTimeout(apart);
  }
}

/** The current snapshot and a candidates list, as the shop serves them. */
export function readSnapshot() {
  return readFileSync(join(root, "dist/data/snapshot.bin"));
}

/**
 * @param {string} list
 * @returns {import("../../../www/index.js").CandidateItem[]}
 */
export function readCandidates(list) {
  return JSON.parse(readShop(`pocketrank/candidates/${list}.json`).toString()).items;
}

/**
 * Products that can be bought of two categories, three each: two tastes.
 * @returns {{ id: string, url: string, name: string, category_slug: string }[][]}
 */
export function tastes() {
  const { items, categories } = JSON.parse(readFileSync(join(root, "dist/data/catalogue.json"), "utf8"));
  return categories
    .slice(0, 2)
    .map((/** @type {{ slug: string }} */ { slug }) =>
      items.filter((/** @type {any} */ item) => item.category_slug === slug && item.in_stock !== false).slice(0, 3),
    );
}

/**
 * What Node makes of a list after views of these products, once its runtime is loaded.
 * @param {string} list
 * @param {{ id: string }[]} products
 * @param {Uint8Array} [snapshot] the shop's if not given
 */
export function reranked(list, products, snapshot = readSnapshot()) {
  const now = Math.floor(Date.now() / 1000);
  const grant = new Consent({ choice: { mode: "session" } }).grant();
  if (!grant) throw new Error("a choice that allows the session gives a grant");
  const viewed = new Profile();
  for (const { id } of products) viewed.record(grant, id, "view_item", now);
  const ranker = new Ranker(snapshot);
  ranker.setProfile(viewed, now);
  const items = readCandidates(list);
  return ranker.rerank(ranker.candidates(items), { count: 12 }).map(({ index }) => items[index]?.id);
}

/**
 * Opens a page and waits until its slots have settled.
 * @param {Page} page
 * @param {string} url
 */
export async function open(page, url) {
  const response = await page.goto(url);
  await settled(page);
  return response;
}

/** @param {Page} page */
export async function settled(page) {
  await page.evaluate(async () => {
    await window.pocketrank;
    await Promise.all([...document.querySelectorAll("pocketrank-carousel")].map((carousel) => carousel.ready));
  });
}

/**
 * Answers the consent banner.
 * @param {Page} page
 * @param {"Accept all" | "Only this visit" | "Decline"} answer
 */
export async function answer(page, answer) {
  await page.getByRole("button", { name: answer }).click();
  await page
    .getByRole("status")
    .filter({ hasText: /remember/i })
    .first()
    .waitFor();
}

/**
 * The ids that a slot shows.
 * @param {Page} page
 * @param {string} slot
 */
export function slate(page, slot) {
  return page.evaluate((name) => {
    const carousel = document.querySelector(/** @type {"pocketrank-carousel"} */ (`[data-pocketrank-slot="${name}"]`));
    return carousel?.slate.map(({ id }) => id) ?? [];
  }, slot);
}

/**
 * What was recorded. Impressions come with time, and are left out unless asked for.
 * @param {Page} page
 * @param {{ impressions?: boolean }} [options]
 */
export async function profile(page, { impressions = false } = {}) {
  const events = await page.evaluate(async () => {
    const pocketrank = await window.pocketrank;
    return pocketrank?.profile.events().map(({ item, kind }) => ({ item, kind })) ?? [];
  });
  return events.filter(({ kind }) => impressions || kind !== "view_item_list");
}
