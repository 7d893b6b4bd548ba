/** The page's data layer, as shops and tag managers write it: what is recorded of it, and that its push goes on whatever is pushed. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { init, itemHash } from "../../dist/npm/node.js";
import { agree, openPages, script } from "./support/bare.mjs";
import { enter, launchChromium } from "./support/chromium.mjs";
import { share } from "./support/share.mjs";
import { profile } from "./support/shop.mjs";

/** @typedef {import("playwright-core").Page} Page */

const early = `<script>
  window.dataLayer = [{ event: "view_item", ecommerce: { items: [{ item_id: "early" }] } }];
  function gtag() { dataLayer.push(arguments); }
  gtag("event", "add_to_cart", { items: [{ item_id: "early too" }] });
</script>`;
const frozen = `<script>window.dataLayer = Object.freeze([])</script>`;
const pages = {
  "/plain": `<!doctype html><title>plain</title>${script()}`,
  "/early": `<!doctype html><title>early</title>${early}${script()}`,
  "/named": `<!doctype html><title>named</title>${script('data-layer="myLayer"')}`,
  "/frozen": `<!doctype html><title>frozen</title>${frozen}${script()}`,
  "/none": `<!doctype html><title>none</title><script>window.dataLayer = { push() { return 7; } }</script>${script()}`,
};
const [browser, site] = await share(launchChromium(), openPages(pages), init());

/**
 * A visitor who agreed.
 * @param {import("node:test").TestContext} context
 * @param {string} path
 */
async function visitor(context, path = "/plain") {
  const { page, said, close } = await enter(browser, site.url + path);
  context.after(close);
  await agree(page);
  return { page, said };
}

/**
 * What is recorded when these are pushed, one after the other.
 * @param {Page} page
 * @param {unknown[]} entries
 */
async function recorded(page, ...entries) {
  await page.evaluate((entries) => {
    for (const entry of entries) window.dataLayer?.push(entry);
  }, entries);
  return profile(page, { impressions: true });
}

const kinds = ["view_item_list", "select_item", "view_item", "add_to_wishlist", "add_to_cart", "remove_from_cart", "begin_checkout", "purchase"];

describe("the data layer", () => {
  for (const kind of kinds) {
    it(`tells of ${kind}, by a tag manager's entry and by gtag`, async (context) => {
      const { page, said } = await visitor(context);
      await page.evaluate((event) => {
        const gtag = /** @type {(...entry: unknown[]) => void} */ (
          function () {
            window.dataLayer?.push(arguments);
          }
        );
        window.dataLayer?.push({ event, ecommerce: { currency: "EUR", value: 7, items: [{ item_id: "a", price: 7, quantity: 2 }] } });
        gtag("event", event, { items: [{ item_id: "b" }, { item_id: 7 }] });
        gtag("consent", "update", {});
      }, kind);
      const items = ["a", "b", "7"].map(itemHash);
      assert.deepEqual(await profile(page, { impressions: true }), items.map((item) => ({ item, kind })));
      assert.deepEqual(said, []);
    });
  }

  it("is read from its beginning, also what came before the script and before the yes", async (context) => {
    const { page } = await visitor(context, "/early");
    assert.deepEqual(await profile(page), [
      { item: itemHash("early"), kind: "view_item" },
      { item: itemHash("early too"), kind: "add_to_cart" },
    ]);
  });

  it("has the name that the script tag says", async (context) => {
    const { page } = await visitor(context, "/named");
    await page.evaluate(() => {
      const layer = /** @type {any} */ (window).myLayer;
      layer.push({ event: "add_to_cart", ecommerce: { items: [{ item_id: "a" }] } });
    });
    assert.deepEqual(await profile(page), [{ item: itemHash("a"), kind: "add_to_cart" }]);
    assert.equal(await page.evaluate("window.dataLayer"), undefined);
  });

  it("counts an item of an event once, however many there are of it, by the id that GA4 has or the older one", async (context) => {
    const { page } = await visitor(context);
    const items = [{ item_id: "a", id: "no", quantity: 5 }, { item_id: "a", item_variant: "red" }, { id: "b" }, { item_name: "no id" }, { item_id: "" }, { item_id: NaN }, null, "c"];
    const seen = await recorded(page, { event: "purchase", ecommerce: { items } });
    assert.deepEqual(seen.map(({ item }) => item), ["a", "b"].map(itemHash));
  });

  it("does not let a long list drown the rest", async (context) => {
    const { page } = await visitor(context);
    const items = Array.from({ length: 5000 }, (_, at) => ({ item_id: `i${at}` }));
    assert.equal((await recorded(page, { event: "view_item_list", ecommerce: { items } })).length, 4);
    assert.equal((await recorded(page, { event: "purchase", ecommerce: { items } })).length, 204);
  });

  it("has `ecommerce` wait for the event that it was pushed before, until it is reset", async (context) => {
    const { page } = await visitor(context);
    const ecommerce = { items: [{ item_id: "a" }] };
    assert.deepEqual(await recorded(page, { ecommerce }, { event: "gtm.click" }, { event: "add_to_cart" }), [{ item: itemHash("a"), kind: "add_to_cart" }]);
    assert.equal((await recorded(page, { ecommerce: null }, { event: "purchase" })).length, 1, "was reset");
    assert.equal((await recorded(page, { ecommerce }, { event: "purchase", ecommerce: null }, { event: "purchase" })).length, 1, "was reset by an event");
    assert.equal((await recorded(page, { event: "begin_checkout", ecommerce }, { event: "purchase" })).length, 2, "an event's own is not the next one's");
  });

  it("says nothing by other events and other shapes", async (context) => {
    const { page, said } = await visitor(context);
    const items = [{ item_id: "x" }];
    const others = [null, 7, "text", [], {}, { event: "view_item" }, { ecommerce: {} }, { event: "dismiss", ecommerce: { items } }, { event: "page_view", ecommerce: { items } }];
    const shapes = [{ event: "purchase", ecommerce: "items" }, { event: "purchase", ecommerce: { items: { 0: { item_id: "x" } } } }, { event: 7, ecommerce: { items } }, { event: "toString", ecommerce: { items } }];
    assert.deepEqual(await recorded(page, ...others, ...shapes), []);
    assert.deepEqual(said, []);
  });

  it("is pushed to as before, whatever throws where it is read", async (context) => {
    const { page, said } = await visitor(context);
    const lengths = await page.evaluate(() => {
      const broken = () => {
        throw new Error("not to be read");
      };
      const layer = window.dataLayer ?? [];
      const proxy = new Proxy({}, { get: broken, has: broken, ownKeys: broken, getPrototypeOf: broken });
      const { proxy: revoked, revoke } = Proxy.revocable({}, {});
      revoke();
      return [
        layer.push({ get event() { return broken(); } }),
        layer.push(proxy, revoked),
        layer.push({ event: "purchase", ecommerce: { items: new Proxy([1, 2], { get: broken }) } }),
        layer.push({ event: "purchase", ecommerce: { items: [proxy, { get item_id() { return broken(); } }] } }),
        layer.push({ event: "purchase", ecommerce: { items: [{ item_id: "a" }] } }),
      ];
    });
    assert.deepEqual(lengths, [1, 3, 4, 5, 6]);
    assert.deepEqual(await profile(page), [{ item: itemHash("a"), kind: "purchase" }]);
    assert.equal(said.length, 5);
    assert.ok(said.every((text) => text.startsWith("warning: pocketrank: an entry of the data layer cannot be read")), said.join("\n"));
  });

  it("goes on where others listen to it as well, before and after", async (context) => {
    const { page } = await visitor(context);
    const heard = await page.evaluate(() => {
      const layer = window.dataLayer ?? [];
      const own = layer.push;
      const heard = /** @type {unknown[]} */ ([]);
      layer.push = (...entries) => {
        heard.push(...entries);
        return own(...entries);
      };
      layer.push({ event: "purchase", ecommerce: { items: [{ item_id: "a" }] } });
      return heard.length;
    });
    assert.equal(heard, 1);
    assert.equal((await profile(page)).length, 1);
  });

  for (const path of ["/frozen", "/none"]) {
    it(`that cannot be listened to (${path}) is left alone, with one warning`, async (context) => {
      const { page, said } = await visitor(context, path);
      assert.equal(said.length, 1, said.join("\n"));
      assert.match(said[0] ?? "", /window\.dataLayer is no array that grows/);
      await page.evaluate(async () => (await window.pocketrank)?.record("view_item", ["a"]));
      assert.deepEqual(await profile(page), [{ item: itemHash("a"), kind: "view_item" }]);
    });
  }
});

describe("what a page records by itself", () => {
  it("is refused by name where it is not what it must be, and nothing of it is recorded", async (context) => {
    const { page } = await visitor(context);
    const codes = await page.evaluate(async () => {
      const pocketrank = /** @type {any} */ (await window.pocketrank);
      const calls = [["stare", ["a"]], ["view_item", "a"], ["view_item", ["a", 7]], ["view_item"], [undefined, ["a"]]];
      return Promise.all(calls.map((call) => pocketrank.record(...call).then(() => "recorded", (/** @type {any} */ { code }) => code)));
    });
    assert.deepEqual(codes, ["unknown_name", "invalid_option", "invalid_option", "invalid_option", "unknown_name"]);
    assert.deepEqual(await profile(page), []);
  });
});
