/**
 * The demo shop's pages as HTML. Each is whole without any script: a shelf shows its list's first items.
 */
import { dataBlock, html } from "./html.mjs";
import { MAIN_CATEGORIES, categoryUrl, icon, layout, shelf } from "./layout.mjs";

/**
 * @typedef {import("./layout.mjs").Site} Site
 * @typedef {import("./layout.mjs").Item} Item
 * @typedef {import("./layout.mjs").Category} Category
 */

/**
 * One page of each kind that the shop has, by name: what is photographed and checked of it. A new kind of page is a line here.
 * @param {import("./layout.mjs").Catalogue} catalogue
 * @returns {{ name: string, path: string }[]}
 */
export function samples({ categories, items }) {
  const [category] = categories;
  const product = items.find((item) => item.in_stock && item.category_slug === category?.slug);
  return [
    { name: "home", path: "/" },
    ...(category ? [{ name: "category", path: categoryUrl(category) }] : []),
    ...(product ? [{ name: "product", path: product.url }] : []),
    { name: "cart", path: "/cart" },
    { name: "account", path: "/account" },
    { name: "privacy", path: "/privacy" },
    { name: "not-found", path: "/404" },
  ];
}

/** Products on one page of a category. */
export const PAGE_SIZE = 24;

/**
 * @param {Item} item
 * @param {string} className
 */
function picture(item, className, lazy = true) {
  return html`<img class="${className}" src="${item.image}" alt="" width="640" height="640"${lazy && html` loading="lazy"`}>`;
}

/** @param {Site} site */
export function landing(site) {
  const { catalogue } = site;
  const popular = site.list("popular")?.items ?? catalogue.items;
  const inCategory = (/** @type {Category} */ category) =>
    popular.find((item) => item.category_slug === category.slug) ??
    catalogue.items.find((item) => item.category_slug === category.slug);
  const heroes = distinctCategories(popular).slice(0, 3);
  const story = popular[3] ?? popular[0];
  const main = html`<section class="hero"><div class="wrap hero-row">
<div class="hero-text"><p class="eyebrow">New this season</p>
<h1>Things worth keeping, chosen one by one.</h1>
<p class="lede">${count(catalogue.items.length, "thing")} chosen for how they are made. Look around: the shop arranges itself to your taste, on your own device.</p>
<p class="hero-actions"><a class="button" href="#for-you">See what is for you</a>${catalogue.categories[0] && html`<a class="button quiet" href="${categoryUrl(catalogue.categories[0])}">Browse ${catalogue.categories[0].name}</a>`}</p></div>
<div class="hero-art">${heroes.map((item) => html`<a class="hero-pick" href="${item.url}">${picture(item, "hero-image", false)}<span class="visually-hidden">${item.name}</span></a>`)}</div>
</div></section>
<div id="for-you">${shelf(site, { slot: "home-for-you", list: "popular", title: "For you", template: "for-you", note: "Favourites of the shop, and closer to yours the more you look around." })}</div>
<section class="wrap tiles-section" aria-labelledby="departments-title"><h2 id="departments-title">Shop by department</h2>
<ul class="tiles">${catalogue.categories.slice(0, MAIN_CATEGORIES).map((category) => {
    const item = inCategory(category);
    return html`<li><a class="tile" href="${categoryUrl(category)}">${item && picture(item, "tile-image")}<span class="tile-text"><span class="tile-name">${category.name}</span><span class="tile-count">${count(category.items, "product")}</span></span></a></li>`;
  })}</ul></section>
${shelf(site, { slot: "home-trending", list: "trending", title: "Trending now", note: "What more people are taking home this week than last." })}
${story && html`<section class="story"><div class="wrap story-row">${picture(story, "story-image")}<div class="story-text"><p class="eyebrow">From the bench</p><h2>${story.name}</h2><p>One of the most loved things in the shop. Made simply, priced fairly, and sent out in paper and card without a shred of plastic.</p><p><a class="button" href="${story.url}">Have a look</a></p></div></div></section>`}
<section class="wrap promises" aria-label="Our promises"><div>${icon("device")}<h2>Picked by your own device</h2><p>Your browser sorts the shelves, and we keep no record of what you look at. <a href="/privacy">How that works</a></p></div><div>${icon("box")}<h2>Packed with care</h2><p>Recycled card, no plastic, and a note if anything is going to be late.</p></div><div>${icon("return")}<h2>Thirty days to decide</h2><p>Send anything back within a month, no questions and no fee.</p></div></section>`;
  return layout(site, {
    title: `${catalogue.title}: things worth keeping`,
    description: `${catalogue.title}: ${count(catalogue.items.length, "product")} in ${count(catalogue.categories.length, "department")}.`,
    path: "/",
    main,
  });
}

/** @param {Item[]} items @returns {Item[]} the first of each category, then the others */
function distinctCategories(items) {
  const seen = new Set();
  const first = items.filter((item) => !seen.has(item.category_slug) && seen.add(item.category_slug));
  return [...first, ...items.filter((item) => !first.includes(item))];
}

/** @param {number} n @param {string} word */
function count(n, word) {
  return `${n.toLocaleString("en-GB")} ${word}${n === 1 ? "" : "s"}`;
}

/**
 * One page of a category, counted from 1.
 * @param {Site} site
 * @param {Category} category
 * @param {Item[]} items all of the category
 * @param {number} number
 */
export function categoryPage(site, category, items, number) {
  const pages = Math.ceil(items.length / PAGE_SIZE) || 1;
  const url = (/** @type {number} */ page) => categoryUrl(category) + (page > 1 ? `/${page}` : "");
  const step = (/** @type {number} */ page, /** @type {string} */ text, /** @type {string} */ rel) =>
    page >= 1 && page <= pages && html`<a class="button quiet" rel="${rel}" href="${url(page)}">${text}</a>`;
  const main = html`<div class="wrap"><nav class="crumbs" aria-label="Breadcrumb"><ol><li><a href="/">Home</a></li><li aria-current="page">${category.name}</li></ol></nav>
<div class="page-head"><h1>${category.name}</h1><p>${count(items.length, "product")}</p></div></div>
${number === 1 && shelf(site, { slot: "category-for-you", list: `category-${category.slug}`, title: `${category.name} for you` })}
<section class="wrap" aria-labelledby="all-title"><h2 id="all-title" class="grid-title">${number === 1 ? `All of ${category.name}` : `${category.name}, page ${number} of ${pages}`}</h2>
<ul class="grid">${site.cards(items.slice((number - 1) * PAGE_SIZE, number * PAGE_SIZE))}</ul>
${pages > 1 && html`<nav class="pages" aria-label="Pages">${step(number - 1, "Previous", "prev")}<span>Page ${number} of ${pages}</span>${step(number + 1, "Next", "next")}</nav>`}</section>`;
  return layout(site, {
    title: category.name,
    description: `${category.name}: ${count(items.length, "product")}.`,
    path: url(number),
    main,
  });
}

/** @param {Site} site @param {Item} item */
export function productPage(site, item) {
  const description = item.description ?? `${item.name}, from our ${item.category || "main"} department.`;
  const schema = {
    "@context": "https://schema.org",
    "@type": "Product",
    sku: item.id,
    name: item.name,
    image: item.image,
    description,
    ...(item.category && { category: item.category }),
    ...(item.brand && { brand: { "@type": "Brand", name: item.brand } }),
    offers: {
      "@type": "Offer",
      url: item.url,
      price: item.price,
      priceCurrency: item.currency,
      availability: `https://schema.org/${item.in_stock ? "InStock" : "OutOfStock"}`,
    },
  };
  const main = html`${dataBlock("application/ld+json", schema)}
<article class="wrap product" data-shop="product" data-item="${item.id}" data-price-text="${item.price_text}">
<nav class="crumbs" aria-label="Breadcrumb"><ol><li><a href="/">Home</a></li>${item.category_slug && html`<li><a href="/category/${item.category_slug}">${item.category}</a></li>`}<li aria-current="page">${item.name}</li></ol></nav>
<div class="product-art">${picture(item, "product-image", false)}</div>
<div class="product-text">${item.brand && html`<p class="eyebrow">${item.brand}</p>`}<h1>${item.name}</h1>
<p class="product-price">${item.price_text}</p>
<p class="stock${!item.in_stock && " out"}">${item.in_stock ? "In stock, sent within two days" : "Out of stock for now"}</p>
<p class="product-description">${description}</p>
<div class="product-actions"><button type="button" class="button" data-shop="add"${!item.in_stock && html` disabled`}>Add to cart</button><button type="button" class="button quiet heart" data-shop="wish" aria-pressed="false">${icon("heart")}Save for later</button></div>
<ul class="facts"><li>${icon("box")}Packed without plastic</li><li>${icon("return")}Thirty days to send it back</li><li>${icon("device")}We keep no record of what you view</li></ul></div>
</article>
${shelf(site, { slot: "product-similar", list: `similar-${item.slug}`, title: "Similar to this", count: 8 })}
${shelf(site, { slot: "product-for-you", list: "popular", title: "For you", exclude: item })}`;
  return layout(site, { title: item.name, description, path: item.url, main, image: item.image });
}

/** @param {Site} site */
export function cartPage(site) {
  const main = html`<div class="wrap cart"><div class="page-head"><h1 tabindex="-1">Your cart</h1></div>
<div class="cart-body" data-shop="cart" data-products="${site.assets.products}"><div class="cart-empty"><p>Your cart is empty.</p><a class="button" href="/">Find something to keep</a></div></div></div>
${shelf(site, { slot: "cart-for-you", list: "popular", title: "You may also like" })}`;
  return layout(site, { title: "Your cart", description: "Your cart.", path: "/cart", main });
}

/** @param {Site} site */
export function accountPage(site) {
  const main = html`<div class="wrap account"><div class="page-head"><h1>Your account</h1></div>
<p class="lede">There is nothing to sign up for. What other shops keep about you on a server, this one leaves with your browser, and here you see all of it.</p>
<div class="panels">
<section class="panel" aria-labelledby="choice-title">${icon("device")}<h2 id="choice-title">Your choice</h2><p data-shop="state">Your browser has not been asked to remember anything.</p><p class="panel-foot"><button type="button" class="button quiet" data-shop="ask">Change my choice</button></p></section>
<section class="panel" aria-labelledby="yours-title">${icon("return")}<h2 id="yours-title">It is yours</h2><p>See each thing that is remembered, take it along to another device, or have all of it erased.</p><p class="panel-foot"><a class="button quiet" href="/privacy">What stays on your device</a></p></section>
<section class="panel listing" aria-labelledby="bought-title">${icon("box")}<h2 id="bought-title">What you bought</h2><div data-shop="bought"><p>Nothing that your browser knows of.</p></div></section>
<section class="panel listing" aria-labelledby="seen-title">${icon("heart")}<h2 id="seen-title">Lately looked at</h2><div data-shop="looked"><p>Nothing that your browser knows of.</p></div></section>
</div></div>
${shelf(site, { slot: "account-for-you", list: "popular", title: "For you" })}`;
  return layout(site, { title: "Your account", description: "What your browser knows of you, and no one else.", path: "/account", main });
}

/** @param {Site} site */
export function privacyPage(site) {
  const main = html`<div class="wrap prose"><nav class="crumbs" aria-label="Breadcrumb"><ol><li><a href="/account">Account</a></li><li aria-current="page">Privacy</li></ol></nav><div class="page-head"><h1>What stays on your device</h1></div>
<p class="lede">Most shops learn your taste by sending what you look at to a server. This one sends the shop to you: a small model comes with the page, and your own browser sorts the shelves with it.</p>
<h2>Your choice now</h2>
<p data-shop="state" role="status">Your browser has not been asked to remember anything.</p>
<p><button type="button" class="button quiet" data-shop="ask">Change my choice</button></p>
<dl class="modes"><div><dt>Accept all</dt><dd>Your browser remembers what you looked at until you say otherwise. The last thirty things, by day, also go along with page requests to this shop's own server, so that the page comes ready sorted. They are used in memory and neither stored nor passed on. The program and the lists of the shelves stay as well, so that they need no network next time.</dd></div>
<div><dt>Only this visit</dt><dd>Your browser remembers until you close the tab. Nothing goes along with requests.</dd></div>
<div><dt>Decline</dt><dd>Nothing is written, not even that you declined. If your browser sends Global Privacy Control, that counts as declining.</dd></div></dl>
<h2>And the cart?</h2>
<p>Without your yes it is stored nowhere: what you put in goes along in the address bar, after the #, which browsers send to nobody. With your yes it is kept in this tab. It goes when you empty it, forget, or close the tab; and so does a theme that you turn on.</p>
<h2>What is remembered</h2>
<p class="row"><button type="button" class="button quiet" data-shop="export">Download it</button><button type="button" class="button quiet" data-shop="import">Bring it from another device</button><button type="button" class="button quiet" data-shop="forget">Forget me</button></p>
<div class="proof" data-shop="proof" role="status"></div>
<div data-shop="events"><p>Nothing.</p></div>
<h2>Where it is</h2>
<p>These are all the places of this browser that the shop may use for it, by their technical names, and what is there now.</p>
<div data-shop="places"></div></div>`;
  return layout(site, {
    title: "What stays on your device",
    description: "What your browser remembers, and how to make it forget.",
    path: "/privacy",
    main,
  });
}

/** @param {Site} site */
export function notFoundPage(site) {
  const main = html`<div class="wrap prose"><div class="page-head"><h1>That page is gone</h1></div><p class="lede">It may have sold out, or the address has a slip in it.</p><p><a class="button" href="/">Back to the shop</a></p></div>
${shelf(site, { slot: "lost-for-you", list: "popular", title: "For you" })}`;
  return layout(site, { title: "Not found", description: "Not found.", path: "/404", main });
}
