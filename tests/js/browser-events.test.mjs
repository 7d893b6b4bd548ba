/** What is recorded: from `dataLayer`, from the page's schema.org data, from clicks; once, and only after a yes. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { init, itemHash } from "../../dist/npm/node.js";
import { launchChromium, until } from "./support/chromium.mjs";
import { share } from "./support/share.mjs";
import { answer, open, openFiles, profile, settled, tastes } from "./support/shop.mjs";

/** @typedef {import("playwright-core").Page} Page */

const [[product] = []] = tastes();
assert.ok(product);

const [browser, site] = await share(launchChromium(), openFiles(), init());

/** A visitor who said yes for this visit. @param {string} path */
async function visitor(path) {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 1400 } })).newPage();
  await open(page, site.url + path);
  await answer(page, "Only this visit");
  return page;
}

/** @param {Page} page */
async function kinds(page) {
  return (await profile(page)).map(({ kind }) => kind);
}

describe("events", () => {
  it("of a shop: view, wish, cart, check-out, purchase", async () => {
    const page = await visitor(product.url);
    assert.deepEqual(await profile(page), [{ item: itemHash(product.id), kind: "view_item" }]);
    await page.getByRole("button", { name: "Save for later" }).click();
    await page.getByRole("button", { name: "Add to cart" }).click();
    assert.equal(await page.locator(".badge").textContent(), "1");
    await open(page, `${site.url}/cart`);
    await page.getByRole("button", { name: "Check out" }).click();
    await page.getByRole("button", { name: "Place the order" }).click();
    const done = await profile(page);
    assert.deepEqual(
      done.map(({ kind }) => kind),
      ["view_item", "add_to_wishlist", "add_to_cart", "begin_checkout", "purchase"],
    );
    assert.ok(done.every(({ item }) => item === itemHash(product.id)));
    await page.context().close();
  });

  it("of a click on a card", async () => {
    const page = await visitor("/");
    const id = await page.locator(".pr-card").first().getAttribute("data-item");
    await page.locator(".pr-link").first().click();
    await page.waitForURL(/product/);
    await settled(page);
    const item = itemHash(id ?? "");
    assert.deepEqual(await profile(page), [
      { item, kind: "select_item" },
      { item, kind: "view_item" },
    ]);
    await page.context().close();
  });

  it("before a yes are not kept aside, and the page that the visitor is on is read after it, once", async () => {
    const page = await (await browser.newContext()).newPage();
    for (const path of ["/", product.url]) await open(page, site.url + path);
    assert.deepEqual(await profile(page), []);
    await answer(page, "Only this visit");
    assert.deepEqual(await kinds(page), ["view_item"]);
    await page.evaluate(
      (id) => window.dataLayer?.push({ event: "view_item", ecommerce: { items: [{ item_id: id }] } }),
      product.id,
    );
    assert.deepEqual(await kinds(page), ["view_item"]);
    await page.getByRole("button", { name: "Forget me" }).click();
    await until(page, async () => (await window.pocketrank)?.mode === "contextual");
    await page.evaluate(async () => (await window.pocketrank)?.record("purchase", ["x"]));
    assert.deepEqual(await profile(page), []);
    await page.getByRole("button", { name: "Privacy choices" }).click();
    await answer(page, "Only this visit");
    assert.deepEqual(await kinds(page), ["view_item"]);
    await page.context().close();
  });

  it("of a page that is left at once are kept, however slow the device's databases are", async () => {
    const page = await visitor("/");
    await page.context().addInitScript(() => {
      const { databases } = IDBFactory.prototype;
      IDBFactory.prototype.databases = async function () {
        await new Promise((resolve) => setTimeout(resolve, 2000));
        return databases.call(this);
      };
    });
    await open(page, site.url + product.url);
    await open(page, `${site.url}/cart`);
    assert.deepEqual(await kinds(page), ["view_item"]);
    await page.context().close();
  });

  it("can be read and taken away on the privacy page, and brought to another device", async () => {
    const page = await visitor(product.url);
    await open(page, `${site.url}/privacy`);
    await page.locator(".history a").getByText(product.name).waitFor();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Download it" }).click(),
    ]);
    const chunks = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk);
    const taken = JSON.parse(Buffer.concat(chunks).toString());
    assert.deepEqual(taken.choice, { mode: "session" });
    assert.deepEqual(
      taken.events.map((/** @type {any} */ { item, kind }) => [item, kind]),
      [[itemHash(product.id), "view_item"]],
    );
    await page.context().close();

    const there = await visitor("/cart");
    await open(there, `${site.url}/privacy`);
    await there.getByText("Nothing.").waitFor();
    const [chooser] = await Promise.all([there.waitForEvent("filechooser"), there.getByRole("button", { name: "Bring it from another device" }).click()]);
    await chooser.setFiles({ name: "pocketrank.json", mimeType: "application/json", buffer: Buffer.concat(chunks) });
    await there.locator(".history a").getByText(product.name).waitFor();
    await there.context().close();
  });

  it("of a profile that was damaged begin anew", async () => {
    const page = await visitor(product.url);
    await page.evaluate(() => {
      const kept = JSON.parse(sessionStorage.getItem("pocketrank") ?? "");
      sessionStorage.setItem("pocketrank", JSON.stringify({ ...kept, profile: btoa("damaged") }));
    });
    await open(page, site.url + product.url);
    assert.deepEqual(await kinds(page), ["view_item"]);
    await page.context().close();
  });
});
