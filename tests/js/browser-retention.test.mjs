/** For how long a device keeps what the visitor did, in Chromium, and against which signals: what the script tag may say of both. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { init, itemHash } from "../../dist/npm/node.js";
import { launchChromium, readStorage, until } from "./support/chromium.mjs";
import { items, mode, record, reload, servePage, setConsent, visit } from "./support/device.mjs";
import { share } from "./support/share.mjs";

/** @typedef {import("playwright-core").Page} Page */

const [browser, site] = await share(launchChromium(), servePage(), init());

const persistent = { mode: /** @type {const} */ ("persistent") };
const hashes = (/** @type {string[]} */ ids) => ids.map(itemHash).sort();
const DAY = 86_400_000;
const ago = (/** @type {number} */ days) => new Date(Date.now() - days * DAY);
const exported = (/** @type {Page} */ page) => page.evaluate(async () => (await window.pocketrank)?.export());

describe("data-retention-days", () => {
  it("is kept to on reading: in a page that stays open, in its export, in other tabs, and in what is written next", async () => {
    const { page, open, close } = await visit(browser, site.url, { attributes: "retention-days=30" });
    await page.clock.setFixedTime(ago(40));
    await setConsent(page, persistent);
    await record(page, "view_item", ["sku-40"]);
    await page.clock.setFixedTime(ago(20));
    assert.deepEqual(await items(page), hashes(["sku-40"]));
    await record(page, "view_item", ["sku-20"]);
    await page.clock.setFixedTime(new Date());
    assert.deepEqual(await items(page), hashes(["sku-20"]));
    assert.deepEqual((await exported(page))?.events.map(({ item }) => item), hashes(["sku-20"]));
    const other = await open();
    assert.deepEqual(await items(other), hashes(["sku-20"]));
    await record(other, "view_item", ["sku-0"]);
    // What is written is without it, whoever reads it: two changes on, so is the record before.
    await record(other, "view_item", ["sku-0"]);
    await other.goto(`${site.url}/`);
    assert.deepEqual(await items(other), hashes(["sku-0", "sku-0", "sku-20"]));
    await close();
  });

  it("holds for the capsule: it goes once the oldest event in it is too old", async () => {
    const { context, page, close } = await visit(browser, site.url, { attributes: "retention-days=30" });
    await page.clock.setFixedTime(ago(20));
    await setConsent(page, { mode: "persistent", capsule: true });
    await record(page, "view_item", ["sku-20"]);
    await page.clock.setFixedTime(new Date());
    await record(page, "view_item", ["sku-0"]);
    const lasts = async () => ((await context.cookies())[0]?.expires ?? 0) - Date.now() / 1000;
    const days = (await lasts()) / 86_400;
    assert.ok(days > 9.9 && days < 11.1, `${days}`);
    await page.goto(`${site.url}/?retention-days=20`);
    await page.evaluate(() => window.pocketrank);
    const fewer = (await lasts()) / 86_400;
    assert.ok(fewer > 0 && fewer < 1.1, `${fewer}`);
    await close();
  });

  it("takes nothing in that is older", async () => {
    const from = await visit(browser, site.url, { yes: persistent });
    await from.page.clock.setFixedTime(ago(40));
    await record(from.page, "view_item", ["sku-40"]);
    await from.page.clock.setFixedTime(new Date());
    await record(from.page, "view_item", ["sku-0"]);
    const kept = await exported(from.page);
    assert.equal(kept?.events.length, 2);
    const to = await visit(browser, site.url, { yes: persistent, attributes: "retention-days=30" });
    await to.page.evaluate(async (kept) => (await window.pocketrank)?.import(/** @type {any} */ (kept)), kept);
    assert.deepEqual(await items(to.page), hashes(["sku-0"]));
    await Promise.all([from.close(), to.close()]);
  });

  for (const days of ["0", "366", "-1", "1.5", "a year", ""]) {
    it(`refuses "${days}" by its name`, async () => {
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(`${site.url}/?retention-days=${days}`);
      const error = await page.evaluate(() => window.pocketrank?.then(() => undefined, ({ code, message }) => `${code} ${message}`));
      assert.match(String(error), /^invalid_option .*`data-retention-days` must be a whole number from 1 to 365; it is /);
      await context.close();
    });
  }
});

it("takes what a clock that went wrong has put into the future for of now", async () => {
  const { page, close } = await visit(browser, site.url, { yes: persistent });
  await record(page, "view_item", ["sku-1"]);
  await page.clock.setFixedTime(ago(-4_000));
  await record(page, "view_item", ["sku-2"]);
  // In 4,000 days what was done before is long forgotten.
  assert.deepEqual(await items(page), hashes(["sku-2"]));
  await page.clock.setFixedTime(new Date());
  await reload(page);
  await record(page, "view_item", ["sku-3"]);
  const events = (await exported(page))?.events ?? [];
  assert.equal(events.length, 2);
  for (const { at } of events) assert.ok(at <= Date.now() / 1000 && at > Date.now() / 1000 - 600, `${at}`);
  await page.clock.setFixedTime(ago(-367));
  await reload(page);
  assert.deepEqual(await items(page), [], "and it is forgotten in time");
  await close();
});

describe("Global Privacy Control", () => {
  const gpc = () => Object.defineProperty(Navigator.prototype, "globalPrivacyControl", { get: () => true, configurable: true });

  for (const [attributes, what] of [["", "where the shop does not let it be overridden"], ["gpc-override", "although the shop lets it be overridden, for the visitor has not chosen so since"]]) {
    it(`ends what an earlier choice allowed, ${what}`, async () => {
      const { context, page, close } = await visit(browser, site.url, { yes: { mode: "persistent", capsule: true }, attributes });
      await record(page, "view_item", ["sku-1"]);
      await context.addInitScript(gpc);
      await reload(page);
      assert.deepEqual([await mode(page), await items(page), await readStorage(page)], ["contextual", [], {}]);
      await close();
    });
  }

  it("holds against a choice that is made under it, where the shop does not say otherwise", async () => {
    const { page, close } = await visit(browser, site.url, { yes: persistent, prepare: gpc });
    await record(page, "view_item", ["sku-1"]);
    assert.deepEqual([await mode(page), await readStorage(page)], ["contextual", {}]);
    await close();
  });

  it("is overridden by a choice that the visitor makes while it is sent, where the shop lets them; nothing is sent all the same", async () => {
    const { page, open, close } = await visit(browser, site.url, { yes: { mode: "persistent", capsule: true }, attributes: "gpc-override", prepare: gpc });
    await record(page, "view_item", ["sku-1"]);
    assert.deepEqual(await readStorage(page), { indexedDB: ["pocketrank"] });
    await reload(page);
    const other = await open();
    for (const tab of [page, other]) assert.deepEqual([await mode(tab), await items(tab)], ["persistent", hashes(["sku-1"])]);
    // A page of the site that does not say so takes the signal as it is.
    await other.goto(`${site.url}/`);
    assert.deepEqual([await mode(other), await readStorage(other)], ["contextual", {}]);
    await until(page, async () => (await window.pocketrank)?.mode === "contextual");
    await close();
  });

  it("is not overridden by a source's yes", async () => {
    const { context, page, close } = await visit(browser, site.url, { attributes: "consent=consent-mode&gpc-override", prepare: gpc });
    await page.evaluate(function () {
      (window.dataLayer ??= []).push({ 0: "consent", 1: "update", 2: { personalization_storage: "granted" } });
    });
    await record(page, "view_item", ["sku-1"]);
    assert.deepEqual([await mode(page), await readStorage(page)], ["contextual", {}]);
    await context.close();
    await close();
  });
});
