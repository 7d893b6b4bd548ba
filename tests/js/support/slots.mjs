/** Pages with slots of every kind for the tests: the script and its style as published, models that the CLI published, a strict policy. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Consent, Profile, Ranker } from "../../../dist/npm/node.js";
import { Renderer } from "../../../dist/npm/render.js";
import { root } from "../../../scripts/process.mjs";
import { enter, until } from "./chromium.mjs";
import { AUDIENCE, openOrigin } from "./origin.mjs";
import { settled } from "./shop.mjs";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("../../../www/index.js").CandidateItem} Item */

export const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; style-src 'self'; img-src 'self'; require-trusted-types-for 'script'";
const SNAPSHOT = join(root, "tests/fixtures/random-v1.bin");
const ICON = "<svg xmlns='http://www.w3.org/2000/svg' width='8' height='8'><rect width='8' height='8'/></svg>";
const STYLE = `body { margin: 0; font: 16px/1.5 sans-serif }
.high { height: 3000px }
[data-pocketrank-slot]:not(pocketrank-carousel) { margin: 0; padding: 0; list-style: none }
[data-pocketrank-slot]:not(pocketrank-carousel) [data-item] { height: 40px }`;

/** How many cards the templated slots show. */
export const COUNT = 12;
/** @type {Item[]} */
export const items = Array.from({ length: 30 }, (_, at) => ({ id: `sku-${at}`, name: `Thing ${at}`, url: `/thing-${at}`, image: "/thing.svg", price_text: "£2" }));
export const viewed = ["sku-20", "sku-25", "sku-3"];

/** An origin with a snapshot, and pages beside it. */
export async function openPages() {
  const origin = await openOrigin([join(root, "dist/npm")]);
  const site = join(origin.folder, "site");
  mkdirSync(site);
  origin.sites.push(site);
  writeFileSync(join(site, "thing.svg"), ICON);
  writeFileSync(join(site, "page.css"), STYLE);
  origin.publish(0, { files: { "candidates/home.json": { items }, "items.json": {} } });
  /**
   * @param {string} body
   * @param {{ name?: string, attributes?: string, policy?: string, html?: string }} [options] `attributes` of the script, `html` of the page
   */
  const write = (body, { name = "page", attributes = "", policy = POLICY, html = 'lang="en"' } = {}) => {
    writeFileSync(
      join(site, `${name}.html`),
      `<!doctype html><html ${html}><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Page</title><meta http-equiv="Content-Security-Policy" content="${policy}">
<link rel="icon" href="/thing.svg"><link rel="stylesheet" href="/element.css"><link rel="stylesheet" href="/page.css">
<script type="module" src="/element.js" data-manifest="/models/manifest.pkrm" data-audience="${AUDIENCE}" data-keys="${origin.key.hex}" ${attributes}></script></head>
<body><main><h1>Shop</h1>${body}</main></body></html>`,
    );
    return `${origin.url}/${name}`;
  };
  return { ...origin, site, write };
}

/** A carousel, with the first items as a server puts them into it, or with nothing. */
export function carousel(filled = true, list = "home") {
  const slot = filled ? new Renderer(new Ranker(readFileSync(SNAPSHOT)), items.slice(0, COUNT)).slot() : "";
  return `<h2 id="title">For you</h2><pocketrank-carousel aria-labelledby="title" data-pocketrank-slot="home" data-pocketrank-candidates="${list}" data-pocketrank-count="${COUNT}">${slot}</pocketrank-carousel>`;
}

/** A shop's own cards. */
export function ownCards(count = 10, element = "li") {
  return items.slice(0, count).map(({ id, name, url }) => `<${element} data-item="${id}"><a href="${url}">${name}</a></${element}>`).join("");
}

/** What Node makes of the first items. @param {string[]} history @param {number} [length] of the list */
export function expected(history, length = items.length) {
  const now = Math.floor(Date.now() / 1000);
  const grant = new Consent({ choice: { mode: "session" } }).grant();
  if (!grant) throw new Error("a choice that allows the session gives a grant");
  const profile = new Profile();
  for (const id of history) profile.record(grant, id, "view_item", now);
  const ranker = new Ranker(readFileSync(SNAPSHOT));
  ranker.setProfile(profile, now);
  const list = items.slice(0, length);
  return ranker.rerank(ranker.candidates(list), { count: Math.min(length, length < items.length ? length : COUNT) }).map(({ index }) => list[index]?.id);
}

/** The ids of a slot's cards in the order of the document. @param {Page} page @param {string} [slot] */
export function order(page, slot = "[data-pocketrank-slot]") {
  return page.evaluate((slot) => [...document.querySelectorAll(`${slot} [data-item]`)].map((card) => card.getAttribute("data-item")), slot);
}

/** Waits until the slot's cards stand so. @param {Page} page @param {(string | undefined)[]} ids */
export async function stands(page, ids) {
  await until(page, (ids) => [...document.querySelectorAll("[data-pocketrank-slot] [data-item]")].map((card) => card.getAttribute("data-item")).join() === ids, ids.join());
}

/** Agrees, and looks at items. @param {Page} page @param {{ mode?: "session" | "persistent", views?: string[] }} [options] */
export async function agree(page, { mode = "session", views = viewed } = {}) {
  await page.evaluate(
    async ({ mode, views }) => {
      const pocketrank = await window.pocketrank;
      await pocketrank?.setConsent({ mode });
      for (const id of views) await pocketrank?.record("view_item", [id]);
    },
    { mode, views },
  );
}

/** Runs in the page: keeps in `window` what shifts, which transitions begin, and what the policy refuses. */
export function observe() {
  /** @type {{ shifts: unknown[], transitions: number, refused: string[] }} */
  const observed = { shifts: [], transitions: 0, refused: [] };
  Object.assign(window, { observed });
  new PerformanceObserver((list) => observed.shifts.push(...list.getEntries().map((entry) => entry.toJSON()))).observe({ type: "layout-shift", buffered: true });
  document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => observed.refused.push(`${violatedDirective} ${blockedURI}`));
  const start = document.startViewTransition;
  document.startViewTransition = function (...parts) {
    observed.transitions += 1;
    return start.apply(document, parts);
  };
}

/** @param {Page} page @returns {Promise<{ shifts: unknown[], transitions: number, refused: string[] }>} */
export function observed(page) {
  return page.evaluate("window.observed");
}

/**
 * A visitor on a page.
 * @param {import("playwright-core").Browser} browser
 * @param {string} url
 * @param {import("playwright-core").BrowserContextOptions & { before?: () => void }} [options] `before` runs in each page first
 */
export async function visit(browser, url, { before, ...options } = {}) {
  const { page } = await enter(browser, url, { viewport: { width: 900, height: 700 }, ...options, before: [observe, ...(before ? [before] : [])] });
  await settled(page);
  return page;
}
