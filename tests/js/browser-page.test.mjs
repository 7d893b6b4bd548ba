/** What is recorded of the page itself: the item that it is about, in a document that shows one after the other, what is seen, and dwell. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { init, itemHash } from "../../dist/npm/node.js";
import { agree, openPages, script } from "./support/bare.mjs";
import { launchChromium, until } from "./support/chromium.mjs";
import { share } from "./support/share.mjs";
import { profile, readCandidates } from "./support/shop.mjs";

/** @typedef {import("playwright-core").Page} Page */

const json = (/** @type {unknown} */ data) => `<script type="application/ld+json">${JSON.stringify(data)}</script>`;
const product = (/** @type {object} */ fields) => ({ "@context": "https://schema.org", "@type": "Product", ...fields });
const offers = { "@type": "Offer", sku: "offer", price: 7 };

/** @type {Record<string, [head: string, item: string | undefined]>} what the page says, and what it is then about */
const PRODUCTS = {
  "a product": [json(product({ sku: "a", offers })), "a"],
  "a product by another of its ids": [json(product({ productID: "a", gtin13: "no" })), "a"],
  "a product by a GTIN that is a number": [json(product({ gtin13: 4006381333931 })), "4006381333931"],
  "a product in a list of blocks": [json([{ "@type": "Organization" }, product({ sku: "a" })]), "a"],
  "a product in a graph": [json({ "@context": "https://schema.org", "@graph": [{ "@type": "WebSite" }, { "@type": ["Product", "Book"], sku: "a" }] }), "a"],
  "the main entity of a page": [json({ "@type": "ItemPage", mainEntity: product({ sku: "a" }) }), "a"],
  "a type by its whole address": [json({ "@type": "http://schema.org/Product", sku: "a" }), "a"],
  "a group by its own id": [json({ "@type": "ProductGroup", productGroupID: "g", hasVariant: [product({ sku: "v1", url: "/elsewhere" })] }), "g"],
  "the variant of a group that has this address": [json({ "@type": "ProductGroup", productGroupID: "g", hasVariant: [product({ sku: "v1", url: "/elsewhere" }), product({ sku: "v2", url: "?" })] }).replace("?", "/canonical") + '<link rel="canonical" href="/canonical">', "v2"],
  "a product beside blocks that are broken": [`<script type="application/ld+json">{ nonsense</script>${json(product({ sku: "a" }))}`, "a"],
  "the same product said twice": [json(product({ sku: "a" })) + json(product({ sku: "a" })), "a"],
  "of several products that of this address": [json(product({ sku: "b", url: "/b" })) + json(product({ sku: "a", url: "/canonical#top" })) + '<link rel="canonical" href="/canonical">', "a"],
  "microdata": ['<div itemscope itemtype="https://schema.org/Product"><span itemprop="offers" itemscope itemtype="https://schema.org/Offer"><i itemprop="sku">offer</i></span><meta itemprop="sku" content="a"></div>', "a"],
  "microdata in the page's text": ['<div itemscope itemtype="http://schema.org/Product"><b itemprop="productID"> a </b></div>', "a"],
  "several products, of which none is the page's": [json(product({ sku: "a", url: "/a" })) + json(product({ sku: "b", url: "/b" })), undefined],
  "a list of products": [json({ "@type": "ItemList", itemListElement: [{ "@type": "ListItem", item: product({ sku: "a" }) }] }), undefined],
  "a product without an id": [json(product({ name: "a", sku: "" })), undefined],
  "a product in another thing's microdata": ['<div itemscope itemtype="https://schema.org/Recipe"><div itemprop="about" itemscope itemtype="https://schema.org/Product"><meta itemprop="sku" content="a"></div></div>', undefined],
  "nests without end": [`<script type="application/ld+json">${"[".repeat(20000)}${"]".repeat(20000)}</script>`, undefined],
};

const cards = readCandidates("popular").slice(0, 12);
const slot = `<pocketrank-carousel data-pocketrank-slot="s" data-pocketrank-candidates="popular" data-pocketrank-by="edge"><ol class="pr-track" style="display: block; margin: 0">${cards
  .map(({ id }) => `<li class="pr-card" data-item="${id}" style="display: block; height: 300px"><a href="#">${id}</a></li>`)
  .join("")}</ol></pocketrank-carousel>`;

const said = Object.entries(PRODUCTS).map(([name, [head]]) => [`/${encodeURIComponent(name)}`, `<!doctype html><title>page</title>${head}${script()}`]);
const pages = {
  ...Object.fromEntries(said),
  "/app": `<!doctype html><title>app</title><div id="app">${json(product({ sku: "a" }))}</div>${script()}`,
  "/empty": `<!doctype html><title>empty</title><div id="app"></div>${script()}`,
  "/slot": `<!doctype html><title>slot</title><body style="margin: 0">${slot}${script()}`,
};
const [browser, site] = await share(launchChromium(), openPages(pages), init());

/**
 * A visitor who agreed.
 * @param {import("node:test").TestContext} context
 * @param {string} path
 * @param {(page: Page) => Promise<unknown>} [prepare]
 */
async function visitor(context, path, prepare) {
  const page = await browser.newPage({ viewport: { width: 800, height: 660 } });
  context.after(() => page.close());
  await prepare?.(page);
  await page.goto(site.url + path);
  await agree(page);
  return page;
}

/** @param {string[]} items */
function views(...items) {
  return items.map((item) => ({ item: itemHash(item), kind: "view_item" }));
}

/** Waits until so much was recorded. @param {Page} page @param {number} count */
function recorded(page, count) {
  return until(page, async (count) => ((await window.pocketrank)?.profile.length ?? 0) >= count, count);
}

/**
 * What an application does when its visitor goes somewhere.
 * @param {Page} page
 * @param {string} url
 * @param {string} [content] of the page there, a moment later; if not given, what is there stays
 */
function navigate(page, url, content) {
  return page.evaluate(
    async ([url, content]) => {
      history.pushState({}, "", url);
      await new Promise((resolve) => setTimeout(resolve, 20));
      const app = document.querySelector("#app");
      if (content === undefined || !app) return;
      app.replaceChildren(document.createRange().createContextualFragment(content));
    },
    [url, content],
  );
}

/** Time in which what is not to happen would. @param {Page} page */
function wait(page) {
  return page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 400)));
}

describe("a page", () => {
  for (const [name, [, item]] of Object.entries(PRODUCTS)) {
    it(`that says ${name} is about ${item === undefined ? "no item" : "that one"}`, async (context) => {
      const page = await visitor(context, `/${encodeURIComponent(name)}`);
      assert.deepEqual(await profile(page), item === undefined ? [] : views(item));
    });
  }

  it("that says later what it is about is read then", async (context) => {
    const page = await visitor(context, "/empty");
    assert.deepEqual(await profile(page), []);
    await page.evaluate((text) => document.head.append(Object.assign(document.createElement("script"), { type: "application/ld+json", text })), JSON.stringify(product({ sku: "late" })));
    await recorded(page, 1);
    assert.deepEqual(await profile(page), views("late"));
  });

  it("that never stands still is read all the same", async (context) => {
    const page = await visitor(context, "/empty");
    await page.evaluate((text) => {
      document.body.setAttribute("itemscope", "");
      const ticker = document.body.appendChild(document.createElement("p"));
      let at = 0;
      setInterval(() => (ticker.textContent = `${(at += 1)}`), 20);
      document.head.append(Object.assign(document.createElement("script"), { type: "application/ld+json", text }));
    }, JSON.stringify(product({ sku: "late" })));
    await recorded(page, 1);
  });

  it("of a visitor who said nothing is not read, and nothing is loaded for it", async (context) => {
    const page = await browser.newPage();
    context.after(() => page.close());
    const from = site.requests.length;
    await page.goto(`${site.url}/app`);
    await page.evaluate(() => window.pocketrank);
    await navigate(page, "/app/b", json(product({ sku: "b" })));
    await wait(page);
    assert.deepEqual(site.requests.slice(from).filter(({ url }) => url?.includes("events")), []);
    assert.deepEqual(await profile(page), []);
  });
});

for (const [how, prepare] of Object.entries({
  "the Navigation API": async () => undefined,
  "the history alone": (/** @type {Page} */ page) => page.addInitScript(() => Object.defineProperty(window, "navigation", { value: undefined })),
})) {
  describe(`an application followed by ${how}`, () => {
    it("records each item that it comes to, and one that it comes back to", async (context) => {
      const page = await visitor(context, "/app", prepare);
      await navigate(page, "/app/b", json(product({ sku: "b" })));
      await recorded(page, 2);
      await navigate(page, "/", "");
      await wait(page);
      await navigate(page, "/app", json(product({ sku: "a" })));
      await recorded(page, 3);
      await page.goBack();
      await page.evaluate((text) => document.querySelector("#app")?.replaceChildren(Object.assign(document.createElement("script"), { type: "application/ld+json", text })), JSON.stringify(product({ sku: "b" })));
      await recorded(page, 4);
      assert.deepEqual(await profile(page), views("a", "b", "a", "b"));
    });

    it("records a view once, though data layer and schema.org data both say it", async (context) => {
      const page = await visitor(context, "/app", prepare);
      await navigate(page, "/app/b");
      await page.evaluate(() => window.dataLayer?.push({ event: "view_item", ecommerce: { items: [{ item_id: "b" }] } }));
      await navigate(page, "/app/b", json(product({ sku: "b" })));
      await wait(page);
      assert.deepEqual(await profile(page), views("a", "b"));
    });

    it("lets the data layer tell of the same item again on another page, and not on the same", async (context) => {
      const page = await visitor(context, "/empty", prepare);
      const tell = () => page.evaluate(() => void window.dataLayer?.push({ event: "view_item", ecommerce: { items: [{ item_id: "a" }] } }));
      await tell();
      await navigate(page, "/empty#reviews");
      await tell();
      assert.deepEqual(await profile(page), views("a"));
      await navigate(page, "/empty?page=2");
      await tell();
      assert.deepEqual(await profile(page), views("a", "a"));
    });

    it("takes another address of the same item for no other view", async (context) => {
      const page = await visitor(context, "/app", prepare);
      await navigate(page, "/app?colour=red");
      await wait(page);
      assert.deepEqual(await profile(page), views("a"));
    });
  });
}

describe("what is seen", () => {
  it("is recorded once each, together, of cards that were half in view for a second, and of those alone", async (context) => {
    const page = await visitor(context, "/slot", (page) => page.addInitScript(() => {
      const { setItem } = Storage.prototype;
      Object.assign(window, { writes: 0 });
      Storage.prototype.setItem = function (/** @type {[string, string]} */ ...item) {
        Object.assign(window, { writes: /** @type {any} */ (window).writes + 1 });
        setItem.apply(this, item);
      };
    }));
    const before = await page.evaluate("window.writes");
    await recorded(page, 1);
    const seen = await profile(page, { impressions: true });
    const shown = await page.evaluate(() => document.querySelector("pocketrank-carousel")?.slate.slice(0, 2).map(({ id }) => id) ?? []);
    assert.deepEqual(seen, shown.map((id) => ({ item: itemHash(id), kind: "view_item_list" })));
    assert.equal(await page.evaluate("window.writes"), Number(before) + 1, "they are written together");
    await page.evaluate(() => document.querySelector("pocketrank-carousel .pr-card")?.dispatchEvent(new CustomEvent("pocketrank:seen", { bubbles: true })));
    await page.evaluate(() => window.dispatchEvent(new Event("pagehide")));
    assert.equal((await profile(page, { impressions: true })).length, 2, "once each");
  });

  it("is recorded of a slot that comes later, and at once when the page is left", async (context) => {
    const page = await visitor(context, "/empty");
    await page.evaluate((html) => document.querySelector("#app")?.append(document.createRange().createContextualFragment(html)), slot);
    await page.evaluate(() => document.querySelector("pocketrank-carousel")?.ready);
    await until(page, () => document.querySelector("pocketrank-carousel")?.slate.some(({ seen }) => seen));
    await page.evaluate(() => window.dispatchEvent(new Event("pagehide")));
    const seen = await profile(page, { impressions: true });
    assert.ok(seen.length > 0 && seen.every(({ kind }) => kind === "view_item_list"));
  });
});

describe("who stays with an item", () => {
  const clock = (/** @type {Page} */ page) => page.clock.install();
  /** @param {Page} page @param {boolean} hidden */
  const hide = (page, hidden) =>
    page.evaluate((hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);

  it("for half a minute has looked at it twice, and not more often", async (context) => {
    const page = await visitor(context, "/app", clock);
    await page.clock.runFor(29_000);
    assert.deepEqual(await profile(page), views("a"));
    await page.clock.runFor(1_500);
    assert.deepEqual(await profile(page), views("a", "a"));
    await page.clock.runFor(120_000);
    assert.deepEqual(await profile(page), views("a", "a"));
  });

  it("does so while the page is in view only", async (context) => {
    const page = await visitor(context, "/app", clock);
    await page.clock.runFor(20_000);
    await hide(page, true);
    await page.clock.runFor(60_000);
    assert.deepEqual(await profile(page), views("a"));
    await hide(page, false);
    await page.clock.runFor(9_000);
    assert.deepEqual(await profile(page), views("a"));
    await page.clock.runFor(1_500);
    assert.deepEqual(await profile(page), views("a", "a"));
  });

  it("of whom the data layer alone tells counts as well, until they go on", async (context) => {
    const page = await visitor(context, "/empty", clock);
    const tell = (/** @type {string} */ id) => page.evaluate((id) => void window.dataLayer?.push({ event: "view_item", ecommerce: { items: [{ item_id: id }] } }), id);
    await tell("x");
    await page.clock.runFor(20_000);
    await page.evaluate(() => history.pushState({}, "", "/elsewhere"));
    await page.clock.runFor(60_000);
    assert.deepEqual(await profile(page), views("x"));
    await tell("y");
    await page.clock.runFor(31_000);
    assert.deepEqual(await profile(page), views("x", "y", "y"));
  });

  it("and takes the yes back meanwhile is forgotten", async (context) => {
    const page = await visitor(context, "/app", clock);
    await page.clock.runFor(20_000);
    await page.evaluate(async () => (await window.pocketrank)?.erase());
    await page.clock.runFor(60_000);
    assert.deepEqual(await profile(page), []);
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  });
});
