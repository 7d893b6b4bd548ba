/** Visits without a network in Chromium: what is kept for them, under which consent, and that it goes with it. */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { init } from "../../dist/npm/node.js";
import { root } from "../../scripts/process.mjs";
import { launchChromium, readStorage, until, watchRequests } from "./support/chromium.mjs";
import { share } from "./support/share.mjs";
import { agree, carousel, expected, items, openPages, order, stands, viewed, visit } from "./support/slots.mjs";

/** @typedef {import("playwright-core").Page} Page */

const [browser] = await share(launchChromium(), init());
/** @type {Awaited<ReturnType<typeof openPages>>} */
let pages;
beforeEach(async () => {
  pages = await openPages();
  copyFileSync(join(root, "dist/npm/offline.js"), join(pages.site, "pocketrank-worker.js"));
});
afterEach(() => pages.stop());

const low = { viewport: { width: 900, height: 120 } };
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const write = () => pages.write(carousel(), { attributes: 'data-offline="/pocketrank-worker.js"' });

/** Waits until everything is kept. @param {Page} page */
async function kept(page) {
  await until(page, async () => (await navigator.serviceWorker.getRegistrations()).some(({ active }) => active));
}

/** The addresses that are kept. @param {Page} page @returns {Promise<string[]>} */
function addresses(page) {
  return page.evaluate(async () => {
    const names = await caches.keys();
    const all = await Promise.all(names.map(async (name) => (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname)));
    return all.flat().sort();
  });
}

/**
 * Opens the page of a visitor again, with the server gone.
 * @param {Page} page
 */
async function comeBack(page) {
  const html = readFileSync(join(pages.site, "page.html"), "utf8");
  const style = readFileSync(join(pages.site, "page.css"), "utf8");
  const { url } = pages;
  await pages.stop();
  const context = page.context();
  // The page and its style are the shop's to keep: here the test gives them.
  await context.route(`${url}/page`, (route) => route.fulfill({ body: html, contentType: "text/html" }));
  await context.route(`${url}/page.css`, (route) => route.fulfill({ body: style, contentType: "text/css" }));
  const cdp = await context.newCDPSession(page);
  await cdp.send("Network.clearBrowserCache");
  await page.goto(`${url}/page`);
  await page.evaluate(() => document.querySelector("pocketrank-carousel")?.ready);
}

/** Lists that no manifest names, as those of single products are. @param {number} count */
function writeLists(count) {
  mkdirSync(join(pages.place, "candidates"), { recursive: true });
  const lists = Array.from({ length: count }, (_, at) => `similar-${at}`);
  for (const list of lists) writeFileSync(join(pages.place, `candidates/${list}.json`), JSON.stringify({ items }));
  return lists;
}

const carouselOf = (/** @type {string} */ list) => carousel().replace('candidates="home"', `candidates="${list}"`);

describe("under a yes that lasts", () => {
  it("the next visit has its slate with the server gone, and the runtime and nothing else is kept for it", async () => {
    const page = await visit(browser, write(), low);
    await agree(page, { mode: "persistent" });
    await stands(page, expected(viewed));
    await kept(page);
    const others = (await addresses(page)).filter((path) => path !== "/events.js");
    assert.deepEqual(others, ["/cards.js", "/element.js", "/keeping.js", "/moves.js", "/pocketrank_bg.wasm", "/pocketrank_sync_bg.wasm", "/sync.js"].sort());
    assert.deepEqual(await page.evaluate(() => caches.keys()), [`pocketrank-${version}`]);
    await comeBack(page);
    assert.deepEqual(await order(page), expected(viewed));
    await page.context().close();
  });

  it("the next visit has the list of a single product as well, which no manifest names", async () => {
    const [list = ""] = writeLists(1);
    const page = await visit(browser, pages.write(carouselOf(list), { attributes: 'data-offline="/pocketrank-worker.js"' }), low);
    await agree(page, { mode: "persistent" });
    await stands(page, expected(viewed));
    await kept(page);
    await until(page, async () => await caches.match("/models/candidates/similar-0.json"));
    await comeBack(page);
    assert.deepEqual(await order(page), expected(viewed));
    await page.context().close();
  });

  it("what the page comes to use later is kept too, and of lists the newest thirty", async () => {
    const [later = "", ...lists] = writeLists(34);
    const page = await visit(browser, write(), low);
    await agree(page, { mode: "persistent" });
    await kept(page);
    assert.ok(!(await addresses(page)).includes("/why.js"));
    await page.locator(".pr-why-button").first().click();
    await page.evaluate(async (lists) => {
      const pocketrank = await window.pocketrank;
      for (const list of lists) await pocketrank?.candidates(list);
    }, lists);
    await until(page, async () => (await caches.match("/why.js")) && (await caches.match("/models/candidates/similar-33.json")));
    await until(page, async () => !(await caches.match("/models/candidates/similar-3.json")));
    const listed = (await addresses(page)).filter((path) => path.includes("/candidates/"));
    assert.deepEqual(listed.sort(), lists.slice(3).map((list) => `/models/candidates/${list}.json`).sort());
    await page.evaluate(async () => void (await (await window.pocketrank)?.erase()));
    // Nothing is kept of what comes after.
    await page.evaluate(async (list) => void (await (await window.pocketrank)?.candidates(list)), later);
    await page.waitForTimeout(300);
    assert.deepEqual(await readStorage(page), {});
    await page.context().close();
  });

  it("of scripts that a bundler has named by what is in them, the hundred that were used last are kept", async () => {
    const page = await visit(browser, write(), low);
    await agree(page, { mode: "persistent" });
    await kept(page);
    await page.evaluate(async () => {
      const cache = await caches.open((await caches.keys())[0] ?? "");
      for (let at = 0; at < 110; at += 1) await cache.put(`/old-${at}.js`, new Response(""));
    });
    await page.reload();
    await until(page, async () => !(await caches.match("/old-9.js")) && (await caches.match("/keeping.js")));
    await until(page, async () => (await (await caches.open((await caches.keys())[0] ?? "")).keys()).length === 100);
    const now = await addresses(page);
    for (const path of ["/element.js", "/keeping.js", "/pocketrank_bg.wasm", "/old-109.js"]) assert.ok(now.includes(path), path);
    await page.context().close();
  });

  it("who withdraws has no worker and no cache any more, in the middle of it as well", async () => {
    const page = await visit(browser, write(), low);
    await agree(page, { mode: "persistent" });
    await kept(page);
    await page.evaluate(async () => void (await (await window.pocketrank)?.erase()));
    assert.deepEqual(await readStorage(page), {});
    // Back to front: withdrawn while it is being kept.
    await page.evaluate(async () => {
      const pocketrank = await window.pocketrank;
      await pocketrank?.setConsent({ mode: "persistent" });
      await pocketrank?.erase();
    });
    await page.waitForTimeout(500);
    assert.deepEqual(await readStorage(page), {});
    await page.context().close();
  });

  it("a worker of another name is not registered, for it would not be found again", async () => {
    copyFileSync(join(root, "dist/npm/offline.js"), join(pages.site, "worker.js"));
    const page = await visit(browser, pages.write(carousel(), { attributes: 'data-offline="/worker.js"' }), low);
    const warned = page.waitForEvent("console", (message) => message.type() === "warning");
    await agree(page, { mode: "persistent" });
    assert.match((await warned).text(), /must begin with pocketrank/);
    assert.equal((await readStorage(page)).serviceWorkers, undefined);
    await page.context().close();
  });

  it("nothing is kept where the shop does not want it", async () => {
    const page = await visit(browser, pages.write(carousel()), low);
    await agree(page, { mode: "persistent" });
    await stands(page, expected(viewed));
    await page.waitForTimeout(500);
    const { caches, serviceWorkers } = await readStorage(page);
    assert.deepEqual([caches, serviceWorkers], [undefined, undefined]);
    await page.context().close();
  });
});

for (const mode of /** @type {const} */ (["contextual", "session"])) {
  it(`nothing is kept or registered in ${mode}`, async () => {
    const context = await browser.newContext(low);
    const requests = watchRequests(context);
    const page = await context.newPage();
    await page.goto(write());
    await page.evaluate(() => document.querySelector("pocketrank-carousel")?.ready);
    if (mode === "session") {
      await agree(page);
      await stands(page, expected(viewed));
    }
    await page.waitForTimeout(500);
    const { caches, serviceWorkers } = await readStorage(page);
    assert.deepEqual([caches, serviceWorkers], [undefined, undefined]);
    assert.ok(requests.every(({ url }) => !/worker|keeping/.test(url)));
    await context.close();
  });
}
