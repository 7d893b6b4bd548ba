/**
 * What every page of the demo shop shares: head, header, footer, and the shelf that holds a slot.
 */
import { html } from "./html.mjs";

/**
 * @typedef {import("./html.mjs").Html} Html
 * @typedef {object} Item an item of the catalogue
 * @property {string} id
 * @property {string} slug
 * @property {string} name
 * @property {string} url
 * @property {string} image
 * @property {string} price
 * @property {string} currency
 * @property {string} price_text
 * @property {string} category
 * @property {string} category_slug
 * @property {string} [brand]
 * @property {boolean} in_stock
 * @property {string} [description]
 *
 * @typedef {{ name: string, slug: string, items: number }} Category
 * @typedef {{ title: string, currency: string, categories: Category[], items: Item[] }} Catalogue
 * @typedef {{ list: string, title: string, ttl: number, generated: string, items: Item[] }} List
 *
 * @typedef {object} Site what the pages are made of
 * @property {Catalogue} catalogue
 * @property {(name: string) => List | undefined} list the candidates list of that name
 * @property {(items: Item[]) => Html[]} cards each by itself
 * @property {(items: Item[], template?: string) => Html | undefined} slot what a template makes of items, if the snapshot has it
 * @property {{ css: string, script: string, first: string, products: string }} assets addresses of the shop's own files
 * @property {{ audience: string, keys: string }} models what the page trusts of what it follows: for whom, and public keys, blanks between
 */

/** Scripts and styles come from files of this site alone, and no text ever becomes script. */
const policy = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "require-trusted-types-for 'script'",
].join("; ");

/** The shop's Service Worker. */
export const OFFLINE = "/pocketrank-worker.js";

/** Categories in the header and on the landing page; the footer names more. */
export const MAIN_CATEGORIES = 6;
const FOOTER_CATEGORIES = 12;

/**
 * @param {string} name
 */
export function icon(name) {
  return html`<svg class="icon" aria-hidden="true"><use href="/assets/icons.svg#${name}"></use></svg>`;
}

/** @param {Category} category */
export function categoryUrl(category) {
  return `/category/${category.slug}`;
}

/**
 * @param {Site} site
 * @param {object} page
 * @param {string} page.title
 * @param {string} page.description
 * @param {string} page.path
 * @param {Html} page.main
 * @param {string} [page.image] picture for previews
 */
export function layout(site, { title, description, path, main, image }) {
  const { title: shop, categories } = site.catalogue;
  const links = (/** @type {Category[]} */ list) =>
    list.map((category) => {
      const url = categoryUrl(category);
      const here = path === url || path.startsWith(`${url}/`);
      return html`<li><a href="${url}"${here && html` aria-current="page"`}>${category.name}</a></li>`;
    });
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${path === "/" ? title : `${title} · ${shop}`}</title>
<meta name="description" content="${description}">
<meta name="color-scheme" content="light dark">
<meta property="og:title" content="${title}">
<meta property="og:site_name" content="${shop}">
${image && html`<meta property="og:image" content="${image}">\n`}<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="${site.assets.css}">
<script src="${site.assets.first}"></script>
<script type="module" src="/pocketrank/pocketrank.js" data-manifest="/pocketrank/manifest.pkrm" data-audience="${site.models.audience}" data-keys="${site.models.keys}" data-offline="${OFFLINE}"></script>
<script type="module" src="${site.assets.script}"></script>
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<aside class="ribbon" aria-label="Notice">Free returns within 30 days, and no record of what you look at.</aside>
<header class="top">
<div class="wrap top-row">
<a class="brand" href="/"><svg class="brand-mark" aria-hidden="true"><use href="/assets/icons.svg#mark"></use></svg>${shop}</a>
<nav class="main-nav" aria-label="Departments"><ul>${links(categories.slice(0, MAIN_CATEGORIES))}</ul></nav>
<div class="tools"><button type="button" class="tool theme" data-shop="theme" aria-pressed="false">${icon("moon")}<span class="visually-hidden">Dark theme</span></button><a class="tool account-link" href="/account"${path === "/account" && html` aria-current="page"`}>${icon("person")}<span class="visually-hidden">Account</span></a><a class="tool cart-link" href="/cart"${path === "/cart" && html` aria-current="page"`}>${icon("bag")}<span class="visually-hidden">Cart</span><span class="badge" data-shop="cart-count" hidden></span></a></div>
</div>
</header>
<main id="main">
${main}
</main>
<footer class="foot">
<div class="wrap foot-grid">
<div><p class="foot-brand">${shop}</p><p>A small shop without a memory: what is picked for you is picked by your own device, and we keep no record.</p></div>
<nav aria-label="All departments"><h2>Departments</h2><ul class="foot-list">${links(categories.slice(0, FOOTER_CATEGORIES))}</ul></nav>
<nav aria-label="Your privacy"><h2>Your privacy</h2><ul><li><a href="/account">Account</a></li><li><a href="/privacy">What stays on your device</a></li><li><button type="button" class="as-link" data-shop="ask">Privacy choices</button></li><li><button type="button" class="as-link" data-shop="forget">Forget me</button></li><li><a href="#pocketrank-devtools">Look under the hood</a></li></ul></nav>
</div>
<p class="wrap foot-small">A demonstration shop. Nothing here is sold, and no payment is taken.</p>
</footer>
<div class="toast" role="status" aria-live="polite" data-shop="toast"></div>
</body>
</html>
`;
}

/**
 * A titled slot: what it holds is what visitors get until the edge or the browser puts other items there.
 * @param {Site} site
 * @param {object} shelf
 * @param {string} shelf.slot
 * @param {string} shelf.list name of the candidates list
 * @param {string} shelf.title
 * @param {string} [shelf.note]
 * @param {number} [shelf.count]
 * @param {Item} [shelf.exclude] what it is not to show
 * @param {string} [shelf.template] of the snapshot, the one for slots without if not given
 */
export function shelf(site, { slot, list, title, note, count = 12, exclude, template }) {
  const items = site.list(list)?.items.filter(({ id }) => id !== exclude?.id).slice(0, count) ?? [];
  if (items.length === 0) return html``;
  const own = template && site.slot(items, template);
  return html`<section class="shelf wrap" aria-labelledby="${slot}-title">
<div class="shelf-head"><h2 id="${slot}-title">${title}</h2><p class="shelf-note">${note}</p></div>
<pocketrank-carousel data-pocketrank-slot="${slot}" data-pocketrank-candidates="${list}" data-pocketrank-count="${count}"${exclude && html` data-pocketrank-exclude="${exclude.id}"`}${own && html` data-pocketrank-template="${template}"`} aria-labelledby="${slot}-title">
${own || site.slot(items)}
</pocketrank-carousel>
</section>`;
}
