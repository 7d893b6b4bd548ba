/** Histories that come together in Chromium: of another device, by the visitor's own hand, and of tabs that were kept apart. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { init, itemHash } from "../../dist/npm/node.js";
import { launchChromium, readStorage, until } from "./support/chromium.mjs";
import { items, mode, record, reload, servePage, setConsent, visit } from "./support/device.mjs";
import { share } from "./support/share.mjs";

/** @typedef {import("playwright-core").Page} Page */

const [browser, site] = await share(launchChromium(), servePage(), init());

const session = { mode: /** @type {const} */ ("session") };
const persistent = { mode: /** @type {const} */ ("persistent") };
const hashes = (/** @type {string[]} */ ids) => ids.map(itemHash).sort();
const exported = (/** @type {Page} */ page) => page.evaluate(async () => (await window.pocketrank)?.export());
/** @param {Page} page @param {unknown} kept */
const take = (page, kept) =>
  page.evaluate(async (kept) => (await window.pocketrank)?.import(/** @type {string} */ (kept)).then(() => undefined, ({ code }) => code), kept);

/** What is kept of each item, events and aggregates together. @param {Page} page */
async function counts(page) {
  /** @type {Record<string, number>} */
  const found = {};
  const { events = [], aggregates = [] } = (await exported(page)) ?? {};
  for (const { item } of events) found[item] = (found[item] ?? 0) + 1;
  for (const { item, count } of aggregates) found[item] = (found[item] ?? 0) + count;
  return found;
}

describe("import()", () => {
  it("moves what export() gave to a new device, all of it, by the visitor's own hand", async () => {
    const [from, to] = [await visit(browser, site.url, { yes: session }), await visit(browser, site.url)];
    await record(from.page, "view_item", ["sku-1", "sku-2"]);
    const kept = await exported(from.page);
    assert.equal(await take(to.page, kept), "no_consent");
    assert.deepEqual(await readStorage(to.page), {});
    await setConsent(to.page, persistent);
    assert.equal(await take(to.page, JSON.stringify(kept)), undefined);
    await reload(to.page);
    const there = await exported(to.page);
    assert.deepEqual([there?.events, there?.lot, there?.profile], [kept?.events, kept?.lot, kept?.profile]);
    assert.equal(there?.events.length, 2);
    await Promise.all([from.close(), to.close()]);
  });

  it("has both histories, each event once, however often the same is imported", async () => {
    const [phone, laptop] = [await visit(browser, site.url, { yes: persistent }), await visit(browser, site.url, { yes: persistent })];
    await record(phone.page, "view_item", ["sku-1", "sku-2"]);
    await record(laptop.page, "view_item", ["sku-3"]);
    assert.equal(await take(laptop.page, await exported(phone.page)), undefined);
    assert.deepEqual(await items(laptop.page), hashes(["sku-1", "sku-2", "sku-3"]));
    const once = (await exported(laptop.page))?.profile;
    const other = await laptop.open();
    // Also in another tab, from its text, and what came back from the laptop.
    assert.equal(await take(other, JSON.stringify(await exported(phone.page))), undefined);
    assert.equal(await take(phone.page, await exported(laptop.page)), undefined);
    assert.equal(await take(laptop.page, await exported(phone.page)), undefined);
    await reload(laptop.page);
    assert.equal((await exported(laptop.page))?.profile, once);
    assert.deepEqual(await items(phone.page), hashes(["sku-1", "sku-2", "sku-3"]));
    await Promise.all([phone.close(), laptop.close()]);
  });

  it("counts what both have folded, and stays within its bounds", async () => {
    const [phone, laptop] = [await visit(browser, site.url, { yes: persistent }), await visit(browser, site.url, { yes: persistent })];
    const views = Array.from({ length: 300 }, (_, at) => `sku-${at % 20}`);
    await record(phone.page, "view_item", views);
    await record(laptop.page, "view_item", ["sku-1", ...views.map((id) => `laptop-${id}`)]);
    const [before, own] = [await counts(phone.page), await counts(laptop.page)];
    assert.equal(await take(laptop.page, await exported(phone.page)), undefined);
    const both = await counts(laptop.page);
    const kept = await exported(laptop.page);
    assert.equal(kept?.events.length, 256);
    assert.ok((kept?.aggregates.length ?? 0) <= 256);
    for (const [item, count] of Object.entries({ ...before, ...own })) {
      // On the same day nobody can tell whether these are the same: nothing is lost of the greater, and nothing is counted twice.
      const [least, most] = [Math.max(before[item] ?? 0, own[item] ?? 0), (before[item] ?? 0) + (own[item] ?? 0)];
      assert.ok((both[item] ?? 0) >= least && (both[item] ?? 0) <= most, `${item} ${count}: ${both[item]}, of ${least} to ${most}`);
    }
    assert.equal(await take(laptop.page, await exported(phone.page)), undefined);
    await reload(laptop.page);
    assert.equal((await exported(laptop.page))?.profile, kept?.profile);
    await Promise.all([phone.close(), laptop.close()]);
  });

  it("takes what another tab has recorded meanwhile, and tells it", async () => {
    const [from, to] = [await visit(browser, site.url, { yes: session }), await visit(browser, site.url, { yes: persistent })];
    await record(from.page, "view_item", ["sku-1"]);
    const kept = await exported(from.page);
    const other = await to.open();
    await Promise.all([take(to.page, kept), record(other, "view_item", ["sku-2"]), record(to.page, "view_item", ["sku-3"])]);
    for (const tab of [to.page, other]) await until(tab, async () => (await window.pocketrank)?.profile.length === 3);
    await Promise.all([from.close(), to.close()]);
  });

  it("refuses what is no export, and leaves what is there", async () => {
    const { page, close } = await visit(browser, site.url, { yes: persistent });
    await record(page, "view_item", ["sku-1"]);
    const kept = await exported(page);
    const changed = `${kept?.profile?.slice(0, -8)}AAAAAAA=`;
    for (const wrong of ["", "[1", null, {}, { ...kept, profile: "?" }]) assert.equal(await take(page, wrong), "invalid_option", JSON.stringify(wrong));
    assert.equal(await take(page, { ...kept, profile: changed }), "checksum");
    await record(page, "view_item", ["sku-2"]);
    await reload(page);
    assert.deepEqual(await items(page), hashes(["sku-1", "sku-2"]));
    await close();
  });
});

describe("a tab of a session", () => {
  /** A tab for this visit alone, and another in which a yes lasts; each has an event. */
  async function apart() {
    const made = await visit(browser, site.url, { yes: session });
    await record(made.page, "view_item", ["sku-1"]);
    // The other tab's yes is given while the first hears of nothing.
    await made.page.goto("about:blank");
    const other = await made.open();
    await setConsent(other, persistent);
    await record(other, "view_item", ["sku-2"]);
    return { ...made, other };
  }

  it("brings what it has where the visitor says in it that it may last, and a profile lasts already", async () => {
    const { page, open, close } = await visit(browser, site.url, { yes: session });
    await record(page, "view_item", ["sku-1"]);
    const other = await open();
    // Nothing tells the first tab of the second's yes.
    await other.evaluate(() => void (BroadcastChannel.prototype.postMessage = () => undefined));
    await setConsent(other, persistent);
    await record(other, "view_item", ["sku-2"]);
    assert.equal(await mode(page), "session");
    await setConsent(page, persistent);
    await record(page, "view_item", ["sku-3"]);
    await reload(other);
    for (const tab of [page, other]) assert.deepEqual(await items(tab), hashes(["sku-1", "sku-2", "sku-3"]));
    assert.deepEqual(await readStorage(page), { indexedDB: ["pocketrank"] });
    await close();
  });

  it("follows a later yes of another tab that lasts, with what it has", async () => {
    const { page, open, close } = await visit(browser, site.url, { yes: session });
    await record(page, "view_item", ["sku-1"]);
    const other = await open();
    await setConsent(other, persistent);
    await record(other, "view_item", ["sku-2"]);
    await until(page, async () => (await window.pocketrank)?.mode === "persistent" && sessionStorage.length === 0);
    for (const tab of [page, other]) await until(tab, async () => (await window.pocketrank)?.profile.length === 2);
    await close();
  });

  it("follows it on its next page, with what it has kept", async () => {
    const { page, other, close } = await apart();
    await page.goto(site.url);
    assert.deepEqual([await mode(page), await items(page)], ["persistent", hashes(["sku-1", "sku-2"])]);
    await until(other, async () => (await window.pocketrank)?.profile.length === 2);
    assert.deepEqual(await readStorage(page), { indexedDB: ["pocketrank"] });
    await close();
  });

  it("loses nothing that is on its way to be kept when the visitor says that it may last", async () => {
    const { page, close } = await visit(browser, site.url, { yes: session });
    await page.evaluate(async () => {
      const pocketrank = await window.pocketrank;
      await Promise.all([
        pocketrank?.record("view_item", ["sku-1"]),
        pocketrank?.setConsent({ mode: "persistent" }),
        pocketrank?.record("view_item", ["sku-2"]),
      ]);
    });
    await reload(page);
    assert.deepEqual([await mode(page), await items(page)], ["persistent", hashes(["sku-1", "sku-2"])]);
    await close();
  });
});

it("keeps a profile where a shop comes to take its source's yes for one that lasts, or no longer does", async () => {
  const says = () => Object.assign(window, { __tcfapi: (/** @type {string} */ _, /** @type {number} */ __, /** @type {any} */ back) =>
    back({ cmpStatus: "loaded", gdprApplies: true, eventStatus: "tcloaded", publisher: { consents: { 1: true, 5: true, 6: true } } }, true) });
  const { page, close } = await visit(browser, site.url, { attributes: "consent=tcf", prepare: says });
  await until(page, async () => (await window.pocketrank)?.mode === "session");
  await record(page, "view_item", ["sku-1"]);
  for (const grants of ["persistent", "session"]) {
    await page.goto(`${site.url}/?consent=tcf&consent-grants=${grants}`);
    await until(page, async (grants) => (await window.pocketrank)?.mode === grants, grants);
    await until(page, async () => (await window.pocketrank)?.profile.length === 1);
  }
  await close();
});
