/** What comes at a bad moment in Chromium: withdrawal while something is written, tabs that sleep or disagree, a database that somebody holds. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { init, itemHash } from "../../dist/npm/node.js";
import { launchChromium, readStorage, until } from "./support/chromium.mjs";
import { items, mode, record, reload, servePage, setConsent, spoil, visit } from "./support/device.mjs";
import { share } from "./support/share.mjs";

/** @typedef {import("playwright-core").Page} Page */

const [browser, site] = await share(launchChromium(), servePage(), init());

const persistent = { mode: /** @type {const} */ ("persistent") };
const hashes = (/** @type {string[]} */ ids) => ids.map(itemHash).sort();
const erase = (/** @type {Page} */ page) => page.evaluate(async () => (await window.pocketrank)?.erase());
/** @param {Page} page @param {string} wanted */
const untilMode = (page, wanted) => until(page, async (wanted) => (await window.pocketrank)?.mode === wanted, wanted);

/** Asserts that a tab holds nothing and keeps nothing of what it is told now. @param {Page} page */
async function isEmpty(page) {
  assert.deepEqual([await mode(page), await items(page)], ["contextual", []]);
  await record(page, "view_item", ["sku-late"]);
  assert.deepEqual(await items(page), []);
  assert.deepEqual(await readStorage(page), {});
}

describe("withdrawal", () => {
  for (const yes of /** @type {const} */ (["session", "persistent"])) {
    it(`while a write is under way leaves nothing, on the device and in the page's memory, of a ${yes} profile`, async () => {
      const { page, complaints, close } = await visit(browser, site.url, { yes: { mode: yes, capsule: true } });
      await record(page, "view_item", ["sku-1"]);
      for (const delay of [0, 1, 2, 4]) {
        await page.evaluate(
          async ([yes, delay]) => {
            const pocketrank = await window.pocketrank;
            const given = pocketrank?.setConsent({ mode: yes, capsule: true });
            const written = pocketrank?.record("view_item", ["sku-2"]);
            if (delay) await new Promise((resolve) => setTimeout(resolve, delay));
            const erased = pocketrank?.erase();
            await Promise.all([given, written, erased]);
          },
          /** @type {const} */ ([yes, delay]),
        );
        await isEmpty(page);
      }
      assert.deepEqual(complaints(), []);
      await close();
    });
  }

  it("in the midst of a yes is followed by a new one, which has nothing of before", async () => {
    const { page, close } = await visit(browser, site.url, { yes: persistent });
    await record(page, "view_item", ["sku-1"]);
    await page.evaluate(async () => {
      const pocketrank = await window.pocketrank;
      const written = pocketrank?.record("view_item", ["sku-2"]);
      const erased = pocketrank?.setConsent({ mode: "contextual" });
      const given = pocketrank?.setConsent({ mode: "persistent" });
      await Promise.all([written, erased, given, pocketrank?.record("view_item", ["sku-3"])]);
    });
    await reload(page);
    assert.deepEqual([await mode(page), await items(page)], ["persistent", hashes(["sku-3"])]);
    await close();
  });

  it("holds in a tab that was frozen meanwhile", async () => {
    const { context, page, open, close } = await visit(browser, site.url, { yes: persistent });
    const frozen = await open();
    await record(frozen, "view_item", ["sku-1"]);
    const devtools = await context.newCDPSession(frozen);
    await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
    await erase(page);
    assert.deepEqual(await readStorage(page), {});
    await devtools.send("Page.setWebLifecycleState", { state: "active" });
    await untilMode(frozen, "contextual");
    await isEmpty(frozen);
    await close();
  });

  it("that a frozen tab hears of late takes nothing from a yes that came after it", async () => {
    const { context, page, open, close } = await visit(browser, site.url, { yes: persistent });
    const frozen = await open();
    const devtools = await context.newCDPSession(frozen);
    await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
    await erase(page);
    await setConsent(page, persistent);
    await record(page, "view_item", ["sku-1"]);
    await devtools.send("Page.setWebLifecycleState", { state: "active" });
    await until(frozen, async () => (await window.pocketrank)?.profile.length === 1);
    await record(page, "view_item", ["sku-2"]);
    await reload(page);
    assert.deepEqual([await mode(page), await items(page)], ["persistent", hashes(["sku-1", "sku-2"])]);
    await close();
  });

  it("holds on a page that comes back from the browser's memory", async () => {
    const { page, close } = await visit(browser, site.url, { yes: persistent });
    await record(page, "view_item", ["sku-1"]);
    // What another page of the site does while this one is away, which hears of nothing.
    await page.evaluate(async () => {
      await new Promise((resolve, reject) => {
        const request = indexedDB.deleteDatabase("pocketrank");
        request.onsuccess = resolve;
        request.onerror = reject;
      });
      window.dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
    });
    await untilMode(page, "contextual");
    await isEmpty(page);
    await close();
  });

  it("reaches other tabs when they write next where the browser has no BroadcastChannel", async () => {
    const { page, open, complaints, close } = await visit(browser, site.url, {
      yes: persistent,
      prepare: () => void Reflect.deleteProperty(window, "BroadcastChannel"),
    });
    await record(page, "view_item", ["sku-1"]);
    const other = await open();
    assert.deepEqual(await items(other), hashes(["sku-1"]));
    await erase(page);
    await isEmpty(page);
    await record(other, "view_item", ["sku-2"]);
    await untilMode(other, "contextual");
    await isEmpty(other);
    assert.deepEqual(complaints(), []);
    await close();
  });

  it("empties a database that another page has open and does not let go of, and says that it is still there", async () => {
    const { page, open, close } = await visit(browser, site.url, { yes: persistent });
    await record(page, "view_item", ["sku-1"]);
    const holder = await open();
    await holder.evaluate(
      () =>
        new Promise((resolve) => {
          const request = indexedDB.open("pocketrank");
          request.onsuccess = () => resolve(Object.assign(window, { held: request.result }));
        }),
    );
    const error = await page.evaluate(async () => (await window.pocketrank)?.erase().then(() => undefined, ({ code, message }) => `${code} ${message}`));
    assert.match(String(error), /^not_erased still held on this device: indexedDB pocketrank \(1\)/);
    const left = await holder.evaluate(async () => {
      const { held } = /** @type {any} */ (window);
      const count = await new Promise((resolve) => {
        const request = held.transaction("pocketrank").objectStore("pocketrank").count();
        request.onsuccess = () => resolve(request.result);
      });
      held.close();
      return count;
    });
    assert.equal(left, 0);
    await until(page, async () => (await indexedDB.databases()).length === 0);
    await isEmpty(page);
    await close();
  });
});

describe("two tabs that choose opposite things at the same time", () => {
  for (const [first, second] of /** @type {const} */ ([["persistent", "contextual"], ["contextual", "persistent"], ["persistent", "session"]])) {
    it(`agree on one of them in the end: ${first} and ${second}`, async () => {
      const { page, open, complaints, close } = await visit(browser, site.url, { yes: persistent });
      const other = await open();
      await record(page, "view_item", ["sku-1"]);
      await Promise.all([setConsent(page, { mode: first }), setConsent(other, { mode: second })]);
      /** What each tab takes to hold is what is kept for it. @param {Page} tab */
      const isTrue = (tab) =>
        until(tab, async () => {
          const mode = (await window.pocketrank)?.mode;
          const isKept = (await indexedDB.databases()).some(({ name }) => name === "pocketrank");
          return mode === (isKept ? "persistent" : sessionStorage.length > 0 ? "session" : "contextual");
        });
      for (const tab of [page, other, page, other]) await isTrue(tab);
      for (const tab of [page, other]) await record(tab, "view_item", ["sku-2"]);
      const [here, there] = [await mode(page), await mode(other)];
      await reload(page);
      await reload(other);
      assert.deepEqual([await mode(page), await mode(other)], [here, there]);
      if (second === "contextual" || first === "contextual") assert.equal(here, there);
      assert.deepEqual(complaints(), []);
      await close();
    });
  }
});

it("is not put off by what another script of the site says on its channel", async () => {
  const { page, complaints, close } = await visit(browser, site.url, { yes: persistent });
  await record(page, "view_item", ["sku-1"]);
  await page.evaluate(() => {
    const channel = new BroadcastChannel("pocketrank");
    for (const said of [undefined, null, 7, "hello", {}, { source: "tcf", answer: 1 }, ["changed"]]) channel.postMessage(said);
    channel.postMessage("recorded");
  });
  await record(page, "view_item", ["sku-2"]);
  assert.deepEqual([await mode(page), await items(page)], ["persistent", hashes(["sku-1", "sku-2"])]);
  assert.deepEqual(complaints(), []);
  await close();
});

it("loses nothing where the device has no room for the second half of a write", async () => {
  const { page, complaints, close } = await visit(browser, site.url, { yes: persistent });
  await record(page, "view_item", ["sku-1"]);
  await record(page, "view_item", ["sku-2"]);
  await page.evaluate(async () => {
    const put = IDBObjectStore.prototype.put;
    let puts = 0;
    IDBObjectStore.prototype.put = function (/** @type {unknown} */ value, /** @type {IDBValidKey} */ key) {
      puts += 1;
      if (puts === 2) throw new DOMException("no room", "QuotaExceededError");
      return put.call(this, value, key);
    };
    await (await window.pocketrank)?.record("view_item", ["sku-3"]);
    IDBObjectStore.prototype.put = put;
  });
  assert.equal(complaints().length, 1, String(complaints()));
  assert.deepEqual(await items(page), hashes(["sku-1", "sku-2", "sku-3"]));
  // What was there is whole, and the next write has the rest.
  await record(page, "view_item", ["sku-4"]);
  await reload(page);
  assert.deepEqual(await items(page), hashes(["sku-1", "sku-2", "sku-3", "sku-4"]));
  await close();
});

it("loses only the last change of a damaged record while two tabs write", async () => {
  const { page, open, close } = await visit(browser, site.url, { yes: persistent });
  await record(page, "view_item", ["sku-1"]);
  await record(page, "view_item", ["sku-2"]);
  const other = await open();
  await spoil(page, "visitor", "damage");
  await Promise.all([record(page, "view_item", ["sku-3"]), record(other, "view_item", ["sku-4"])]);
  await reload(page);
  const kept = await items(page);
  for (const item of hashes(["sku-1", "sku-3", "sku-4"])) assert.ok(kept.includes(item), item);
  await reload(other);
  assert.deepEqual(await items(other), kept);
  await close();
});
