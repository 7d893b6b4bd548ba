/** `npm start -- --events` on a real shop: its products are on the page, and the slate is the native one. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { cli } from "../../scripts/build.mjs";
import { root } from "../../scripts/process.mjs";
import { makeShop } from "../../scripts/start.mjs";
import { launchChromium } from "../js/support/chromium.mjs";
import { answer, open, openEdge, readCandidates, slate } from "../js/support/shop.mjs";

const events = join(String(process.env.POCKETRANK_DATA), "online-retail/online_retail.parquet");

/**
 * What the native program makes of the landing page's list after views of these products, today.
 * @param {string[]} viewed
 * @returns {string[]}
 */
function native(viewed) {
  const flags = viewed.flatMap((id) => ["--event", `view_item:${id}`]);
  const list = join(root, "dist/data/candidates/popular.json");
  const now = String(Math.floor(Date.now() / 1000));
  const args = ["rerank", join(root, "dist/data/snapshot.bin"), "--candidates", list, "--now", now, "--json", ...flags];
  return JSON.parse(execFileSync(cli(), args, { encoding: "utf8" })).slate.map((/** @type {{ id: string }} */ { id }) => id);
}

describe("UCI Online Retail II as a shop", () => {
  /** @type {Awaited<ReturnType<typeof openEdge>>} */
  let edge;
  /** @type {import("playwright-core").Browser} */
  let browser;
  before(async () => {
    await makeShop({ events });
    [edge, browser] = await Promise.all([openEdge(), launchChromium()]);
  });
  after(() => Promise.all([edge?.stop(), browser?.close()]));

  it("shows its real products", async () => {
    const page = await browser.newPage();
    await open(page, edge.url);
    const text = await page.locator('[data-pocketrank-slot="home-for-you"]').innerText();
    // The two best sellers of that year.
    assert.match(text, /white hanging heart t-light holder/i);
    assert.match(text, /£\d+\.\d\d/);
    await page.close();
  });

  it("shows the native slate of three products that were looked at, and another of another three", async () => {
    const shown = [];
    for (const words of [/christmas/i, /bag/i]) {
      const products = readCandidates("popular").filter(({ name }) => words.test(String(name))).slice(0, 3);
      assert.equal(products.length, 3);
      const context = await browser.newContext();
      const page = await context.newPage();
      await open(page, edge.url);
      await answer(page, "Accept all");
      for (const { url } of products) await open(page, edge.url + url);
      await open(page, edge.url);
      shown.push(await slate(page, "home-for-you"));
      assert.deepEqual(shown.at(-1), native(products.map(({ id }) => id)));
      await context.close();
    }
    assert.notDeepEqual(shown[0], shown[1]);
  });
});
