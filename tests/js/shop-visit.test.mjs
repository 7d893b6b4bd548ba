/** A visit to the demo shop from the first page to the last: what the visitor sees of it, and what is held meanwhile. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { root } from "../../scripts/process.mjs";
import { launchChromium, readStorage, until } from "./support/chromium.mjs";
import { share } from "./support/share.mjs";
import { answer, open, openEdge, profile, readCandidates, settled, slate, tastes } from "./support/shop.mjs";

const [[first, second, third] = []] = tastes();
const wanted = [first, second, third].flatMap((product) => product ?? []);

const [browser, edge] = await share(launchChromium(), openEdge());

/** @param {import("playwright-core").BrowserContextOptions} [options] */
async function visitor(options) {
  const page = await (await browser.newContext({ reducedMotion: "reduce", ...options })).newPage();
  // What moves without the visitor's doing, on every page of the visit.
  await page.addInitScript(() => {
    new PerformanceObserver((list) => {
      for (const entry of /** @type {any[]} */ (list.getEntries())) {
        if (!entry.hadRecentInput) document.documentElement.dataset.shifted = String(Number(document.documentElement.dataset.shifted ?? 0) + entry.value);
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
  return page;
}

/** @param {import("playwright-core").Page} page */
async function standsStill(page) {
  assert.equal(await page.evaluate(() => document.documentElement.dataset.shifted ?? "0"), "0", page.url());
}

/** Follows a link of the page. @param {import("playwright-core").Page} page @param {string} name */
async function follow(page, name) {
  await Promise.all([page.waitForNavigation(), page.getByRole("link", { name }).first().click()]);
  await settled(page);
  // The cart page waits for the shop's list.
  await until(page, () => document.querySelectorAll(".cart-body:not([data-ready])").length === 0);
}

/** @param {import("playwright-core").Page} page */
function badge(page) {
  return page.locator('[data-shop="cart-count"]').textContent();
}

describe("a visit", () => {
  it("agrees, looks around, is understood, buys, takes it along, and leaves nothing", async () => {
    const page = await visitor();
    await open(page, edge.url);
    const usual = await slate(page, "home-for-you");
    assert.equal(await page.locator(".shelf-note.adapted").count(), 0);
    await answer(page, "Only this visit");
    for (const { url } of wanted) await open(page, edge.url + url);
    await open(page, edge.url);
    assert.notDeepEqual(await slate(page, "home-for-you"), usual);
    const note = page.locator("#for-you .shelf-note.adapted");
    await note.waitFor();
    assert.match((await note.textContent()) ?? "", /^Because you looked at /);
    assert.ok(wanted.map(({ name }) => name).includes((await note.locator("a").textContent()) ?? ""));
    await standsStill(page);

    await open(page, edge.url + wanted[0]?.url);
    await page.getByRole("button", { name: "Add to cart" }).click();
    await follow(page, "Cart");
    await page.getByRole("button", { name: "One more of" }).click();
    assert.equal(await badge(page), "2");
    await standsStill(page);
    await page.getByRole("button", { name: "Check out" }).click();
    await page.getByRole("button", { name: "Place the order" }).click();
    await page.getByRole("heading", { name: "Thank you" }).waitFor();
    assert.equal(await page.locator('[data-shop="cart-count"]').isVisible(), false);
    assert.ok((await profile(page)).some(({ kind }) => kind === "purchase"));

    await follow(page, "Account");
    await page.locator('[data-shop="bought"]').getByText(wanted[0]?.name ?? "").waitFor();
    await standsStill(page);
    await open(page, `${edge.url}/privacy`);
    await page.locator('[data-shop="events"] .history').waitFor();
    await standsStill(page);
    await page.locator('[data-shop="places"] li', { hasText: "sessionStorage" }).getByText("1 record").waitFor();
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download it" }).click()]);
    const kept = JSON.parse(readFileSync(await download.path(), "utf8"));
    assert.equal(kept.mode, "session");
    assert.ok(JSON.stringify(kept).includes("purchase"));

    await page.locator("main").getByRole("button", { name: "Forget me" }).click();
    const proof = page.locator('[data-shop="proof"] li');
    await proof.first().waitFor();
    for (const text of await proof.allTextContents()) assert.match(text, /nothing$/);
    assert.deepEqual(await readStorage(page), {});
    await open(page, edge.url);
    assert.deepEqual(await slate(page, "home-for-you"), usual);
    await page.context().close();
  });
});

describe("a visit without a network", () => {
  it("still has every shelf of a page in the visitor's order, the list of its product too", async () => {
    const shop = await openEdge();
    const page = await visitor();
    const path = wanted[0]?.url ?? "";
    await open(page, shop.url);
    await answer(page, "Accept all");
    for (const { url } of wanted) await open(page, shop.url + url);
    await open(page, shop.url + path);
    const list = await page.locator('[data-pocketrank-slot="product-similar"]').getAttribute("data-pocketrank-candidates");
    await until(page, async (list) => (await navigator.serviceWorker.getRegistration())?.active && (await caches.match(`/pocketrank/candidates/${list}.json`)), list);
    await shop.stop();

    const context = page.context();
    // The page and its style are the shop's to keep: here the test gives them, as the shop sends them to everybody.
    const give = (/** @type {string} */ file) => ({ path: join(root, "dist/shop", file) });
    await context.route(shop.url + path, (route) => route.fulfill({ ...give(`${path}.html`), contentType: "text/html" }));
    await context.route(`${shop.url}/assets/*.css`, (route) => route.fulfill(give(new URL(route.request().url()).pathname)));
    await (await context.newCDPSession(page)).send("Network.clearBrowserCache");
    /** @type {string[]} */
    const kept = [];
    page.on("console", (message) => void (/keeps its cards/.test(message.text()) && kept.push(message.text())));
    await open(page, shop.url + path);
    assert.deepEqual(kept, []);
    const html = readFileSync(join(root, "dist/shop", `${path}.html`), "utf8");
    for (const shelf of ["product-similar", "product-for-you"]) {
      const [, cards = ""] = /<ol(.*?)<\/ol>/s.exec(html.slice(html.indexOf(`data-pocketrank-slot="${shelf}"`))) ?? [];
      const usual = [...cards.matchAll(/data-item="([^"]+)"/g)].map(([, id]) => id);
      const shown = await slate(page, shelf);
      assert.equal(shown.length, usual.length, shelf);
      assert.notDeepEqual(shown, usual, shelf);
    }
    await context.close();
  });
});

describe("Global Privacy Control", () => {
  it("is not asked about: the first page of a visit says that nothing is remembered, and the privacy page that nothing is there", async () => {
    const page = await visitor({ extraHTTPHeaders: { "Sec-GPC": "1" } });
    await page.addInitScript(() => void Object.defineProperty(Navigator.prototype, "globalPrivacyControl", { get: () => true }));
    await open(page, edge.url);
    await page.getByRole("status").getByText("Your browser sends Global Privacy Control: nothing is remembered").waitFor();
    assert.equal(await page.locator(".consent").count(), 0);
    await standsStill(page);
    await open(page, `${edge.url}/privacy`);
    const places = page.locator('[data-shop="places"] li');
    await places.first().waitFor();
    for (const text of await places.allTextContents()) assert.match(text, /nothing$/);
    await page.context().close();
  });
});

describe("the cart", () => {
  it("works without a yes, and is stored nowhere", async () => {
    const page = await visitor();
    await open(page, edge.url + wanted[0]?.url);
    await answer(page, "Decline");
    await page.getByRole("button", { name: "Add to cart" }).click();
    await follow(page, "Cart");
    assert.equal(await page.locator(".cart-line").count(), 1);
    await page.reload();
    await settled(page);
    await page.getByRole("button", { name: "One more of" }).click();
    assert.equal(await page.locator(".quantity-number").textContent(), "Quantity 2");
    assert.ok(await page.getByRole("button", { name: "One more of" }).evaluate((button) => button === document.activeElement));
    await follow(page, "Account");
    assert.equal(await badge(page), "2");
    assert.deepEqual(await readStorage(page), {});
    await follow(page, "Cart");
    await page.getByRole("button", { name: /^Remove/ }).click();
    await page.getByText("Your cart is empty.").waitFor();
    assert.equal(new URL(page.url()).hash, "");
    await page.context().close();
  });

  it("moves into the tab's storage with a yes, and out of it with the yes", async () => {
    const page = await visitor();
    await open(page, edge.url + wanted[0]?.url);
    await page.getByRole("button", { name: "Add to cart" }).click();
    assert.match(new URL(page.url()).hash, /^#cart=1\*/);
    await answer(page, "Only this visit");
    await until(page, () => sessionStorage.getItem("cart") !== null && location.hash === "");
    await page.evaluate(async () => (await window.pocketrank)?.setConsent({ mode: "contextual" }));
    assert.deepEqual(await readStorage(page), {});
    assert.equal(await badge(page), "1");
    await page.context().close();
  });

  it("takes neither names nor prices from an address, and no nonsense", async () => {
    const page = await visitor();
    await open(page, `${edge.url}/cart#cart=3*${encodeURIComponent(wanted[1]?.id ?? "")}+7*no-such-thing+0*x+%3Cb%3E`);
    await page.locator(".cart-line").waitFor();
    assert.deepEqual(await page.locator(".cart-line a").allTextContents(), [wanted[1]?.name]);
    await page.context().close();
  });
});

describe("a shelf", () => {
  for (const choice of /** @type {const} */ (["Decline", "Only this visit"])) {
    it(`has neither the page's own product nor what is in the cart, after "${choice}"`, async () => {
      const page = await visitor({ viewport: { width: 1280, height: 400 } });
      await open(page, `${edge.url}/cart`);
      await answer(page, choice);
      const [favourite = ""] = await slate(page, "cart-for-you");
      const url = readCandidates("popular").find(({ id }) => id === favourite)?.url ?? assert.fail(favourite);
      await open(page, edge.url + url);
      const beside = await slate(page, "product-for-you");
      assert.deepEqual([beside.length, beside.includes(favourite)], [12, false]);
      await page.getByRole("button", { name: "Add to cart" }).click();
      await follow(page, "Cart");
      await until(page, (id) => !document.querySelector(`[data-pocketrank-slot="cart-for-you"] [data-item="${id}"]`), favourite);
      assert.equal((await slate(page, "cart-for-you")).length, 12);
      await standsStill(page);
      await page.getByRole("button", { name: /^Remove/ }).click();
      await until(page, (id) => !!document.querySelector(`[data-pocketrank-slot="cart-for-you"] [data-item="${id}"]`), favourite);
      await page.context().close();
    });
  }
});

describe("under the hood", () => {
  it("opens from the foot of the page, again after it was closed, and the cart is still there", async () => {
    const page = await visitor();
    await open(page, edge.url + wanted[0]?.url);
    await answer(page, "Decline");
    await page.getByRole("button", { name: "Add to cart" }).click();
    for (let time = 0; time < 2; time += 1) {
      await page.getByRole("link", { name: "Look under the hood" }).click();
      await page.getByRole("button", { name: "Close" }).waitFor();
      await page.getByRole("button", { name: "Close" }).click();
      await page.getByRole("button", { name: "Close" }).waitFor({ state: "detached" });
    }
    await follow(page, "Cart");
    assert.equal(await badge(page), "1");
    assert.equal(await page.locator(".cart-line").count(), 1);
    await page.context().close();
  });
});

describe("the theme", () => {
  it("turns for the visit, is there before the page is painted, and is stored nowhere", async () => {
    const page = await visitor({ colorScheme: "light" });
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await open(page, edge.url);
    const light = await paper();
    await answer(page, "Decline");
    await page.getByRole("button", { name: "Dark theme" }).click();
    const dark = await paper();
    assert.notEqual(dark, light);
    // The shop's script comes too late to be what sets it.
    await page.route(/\/assets\/shop-.*\.js$/, (route) => route.abort());
    await Promise.all([page.waitForNavigation(), page.getByRole("link", { name: "Account" }).first().click()]);
    assert.equal(await paper(), dark);
    assert.deepEqual(await readStorage(page), {});
    await page.unroute(/\/assets\/shop-.*\.js$/);
    await page.reload();
    await settled(page);
    await page.getByRole("button", { name: "Dark theme", pressed: true }).click();
    assert.equal(await paper(), light);
    assert.equal(new URL(page.url()).hash, "");
    await page.context().close();
  });
});
