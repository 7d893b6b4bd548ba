/** What a device keeps, in Chromium: nothing is lost that could be kept, whatever happens to storage. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { init, itemHash } from "../../dist/npm/node.js";
import { enter, launchChromium, readStorage, until } from "./support/chromium.mjs";
import { items, mode, record, records, servePage, setConsent, spoil } from "./support/device.mjs";
import { share } from "./support/share.mjs";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("playwright-core").BrowserContext} Context */

const [browser, site] = await share(launchChromium(), servePage(), init());

const hashes = (/** @type {string[]} */ ids) => ids.map(itemHash).sort();

/**
 * A visitor with a yes and a page.
 * @param {import("../../www/element.js").Choice["mode"]} [yes] none if not given
 * @param {(...args: any[]) => unknown} [prepare] runs in each page before its scripts
 */
async function visit(yes, prepare) {
  const visitor = await enter(browser, `${site.url}/`, { before: prepare });
  await visitor.page.evaluate(() => window.pocketrank);
  if (yes) await setConsent(visitor.page, { mode: yes });
  return { ...visitor, warnings: () => visitor.said.filter((text) => text.includes("pocketrank:")) };
}

/** Opens the page anew. @param {Page} page */
async function reload(page) {
  await page.reload();
  await page.evaluate(() => window.pocketrank);
}

describe("a damaged record", () => {
  for (const [what, how] of /** @type {const} */ ([["a changed byte of the profile", "damage"], ["a record that is none", "garbage"]])) {
    it(`gives way to the one before it: ${what}`, async () => {
      const { page, said, warnings, close } = await visit("persistent");
      await record(page, "view_item", ["sku-1"]);
      await record(page, "view_item", ["sku-2"]);
      await spoil(page, "visitor", how);
      await reload(page);
      assert.deepEqual([await mode(page), await items(page)], ["persistent", hashes(["sku-1"])]);
      assert.equal(warnings().length, 1, String(said));
      await record(page, "view_item", ["sku-3"]);
      await reload(page);
      assert.deepEqual(await items(page), hashes(["sku-1", "sku-3"]));
      assert.ok(!said.some((text) => text.startsWith("uncaught")), String(said));
      await close();
    });
  }

  it("is written again from what an open page has", async () => {
    const { page, close } = await visit("persistent");
    await record(page, "view_item", ["sku-1"]);
    await record(page, "view_item", ["sku-2"]);
    for (const key of /** @type {const} */ (["visitor", "before"])) await spoil(page, key, "garbage");
    await record(page, "view_item", ["sku-3"]);
    await reload(page);
    assert.deepEqual(await items(page), hashes(["sku-1", "sku-2", "sku-3"]));
    await close();
  });

  it("without one before it is no consent, and no exception", async () => {
    const { page, said, warnings, close } = await visit("persistent");
    for (const key of /** @type {const} */ (["visitor", "before"])) await spoil(page, key, "garbage");
    await reload(page);
    assert.deepEqual([await mode(page), await items(page)], ["contextual", []]);
    assert.equal(warnings().length, 1, String(said));
    await setConsent(page, { mode: "persistent" });
    await record(page, "view_item", ["sku-1"]);
    await reload(page);
    assert.deepEqual([await mode(page), await items(page)], ["persistent", hashes(["sku-1"])]);
    await close();
  });

  it("of a tab is no consent, and no exception", async () => {
    const { page, said, warnings, close } = await visit("session");
    await page.evaluate(() => sessionStorage.setItem("pocketrank", "{"));
    await reload(page);
    assert.deepEqual([await mode(page), warnings().length], ["contextual", 1], String(said));
    await close();
  });
});

describe("after a downgrade", () => {
  it("leaves the profile of a newer release as it is, and goes on in memory", async () => {
    const { page, said, warnings, close } = await visit("persistent");
    await record(page, "view_item", ["sku-1"]);
    await spoil(page, "visitor", "newer profile");
    const before = await records(page);
    await reload(page);
    assert.equal(await mode(page), "persistent");
    await record(page, "view_item", ["sku-2"]);
    await setConsent(page, { mode: "persistent", capsule: true });
    await record(page, "view_item", ["sku-3"]);
    assert.deepEqual(await items(page), hashes(["sku-2", "sku-3"]));
    assert.equal(await records(page), before);
    assert.equal(warnings().length, 1, String(said));
    await close();
  });

  it("leaves the record of a newer release as it is, also where the visitor says yes again, until they erase it", async () => {
    const { page, said, warnings, close } = await visit("persistent");
    await record(page, "view_item", ["sku-1"]);
    await spoil(page, "visitor", "newer record");
    const before = await records(page);
    await reload(page);
    assert.equal(await mode(page), "contextual");
    await setConsent(page, { mode: "persistent" });
    await record(page, "view_item", ["sku-2"]);
    assert.deepEqual([await mode(page), await items(page)], ["persistent", hashes(["sku-2"])]);
    assert.equal(await records(page), before);
    assert.equal(warnings().length, 1, String(said));
    await page.evaluate(async () => (await window.pocketrank)?.erase());
    assert.deepEqual(await readStorage(page), {});
    await close();
  });

  it("leaves the database of a newer release as it is", async () => {
    const { page, said, close } = await visit();
    await page.evaluate(
      () =>
        new Promise((resolve, reject) => {
          const request = indexedDB.open("pocketrank", 7);
          request.onupgradeneeded = () => void request.result.createObjectStore("visitors").put("new", "all");
          request.onsuccess = () => resolve(request.result.close());
          request.onerror = reject;
        }),
    );
    const before = await records(page);
    await reload(page);
    await setConsent(page, { mode: "persistent" });
    await record(page, "view_item", ["sku-1"]);
    assert.deepEqual(await items(page), hashes(["sku-1"]));
    assert.equal(await records(page), before);
    assert.ok(!said.some((text) => text.startsWith("uncaught")), String(said));
    await close();
  });
});

describe("a full device", () => {
  /** @param {Page} page @param {number} [quotaSize] bytes; as much as there is if not given */
  async function allow(page, quotaSize) {
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("Storage.overrideQuotaForOrigin", { origin: site.url, ...(quotaSize !== undefined && { quotaSize }) });
    return () => devtools.detach();
  }

  it("keeps what it has, and writes the rest once there is room", async () => {
    const { page, said, warnings, close } = await visit();
    const free = await allow(page, 20_000);
    await setConsent(page, { mode: "persistent" });
    /** @type {string[]} */
    const done = [];
    while (warnings().length === 0) {
      done.push(`sku-${done.length}`);
      await record(page, "view_item", done.slice(-1));
    }
    await record(page, "view_item", ["last"]);
    done.push("last");
    assert.deepEqual(await items(page), hashes(done));
    assert.equal(warnings().length, 1, String(said));
    const other = await page.context().newPage();
    await other.goto(page.url());
    assert.deepEqual(await items(other), hashes(done.slice(0, -2)));
    await free();
    await allow(page);
    await until(page, async () => {
      await (await window.pocketrank)?.record("view_item", ["room"]);
      return new Promise((resolve) => {
        const request = indexedDB.open("pocketrank");
        request.onsuccess = () => {
          const store = request.result.transaction("pocketrank").objectStore("pocketrank");
          const read = store.get("visitor");
          read.onsuccess = () => resolve(read.result.profile.length > 8 + 13 * 2);
          request.result.close();
        };
      });
    });
    await reload(other);
    const kept = await items(other);
    for (const item of hashes(done)) assert.ok(kept.includes(item), item);
    await close();
  });

  it("that has room for nothing keeps the profile in memory", async () => {
    const { page, said, warnings, close } = await visit();
    await allow(page, 1);
    await setConsent(page, { mode: "persistent" });
    await record(page, "view_item", ["sku-1"]);
    await record(page, "view_item", ["sku-2"]);
    assert.deepEqual([await mode(page), await items(page)], ["persistent", hashes(["sku-1", "sku-2"])]);
    assert.equal(warnings().length, 1, String(said));
    assert.ok(!said.some((text) => text.startsWith("uncaught")), String(said));
    await close();
  });
});

describe("a browser that stores nothing", () => {
  for (const [what, prepare] of /** @type {[string, () => unknown][]} */ ([
    ["has no IndexedDB", () => Object.defineProperty(window, "indexedDB", { value: undefined })],
    ["fails to open a database, as private windows did", () => {
      IDBFactory.prototype.open = () => { throw new DOMException("no", "InvalidStateError"); };
      IDBFactory.prototype.databases = async () => { throw new DOMException("no", "InvalidStateError"); };
    }],
    ["forbids storage to the page", () => {
      const get = () => { throw new DOMException("forbidden", "SecurityError"); };
      for (const name of ["sessionStorage", "indexedDB"]) Object.defineProperty(window, name, { get });
    }],
  ])) {
    it(`keeps the profile in memory, with one warning, where it ${what}`, async () => {
      const { page, said, warnings, close } = await visit("persistent", prepare);
      await record(page, "view_item", ["sku-1"]);
      await record(page, "view_item", ["sku-2"]);
      assert.deepEqual([await mode(page), await items(page)], ["persistent", hashes(["sku-1", "sku-2"])]);
      assert.equal(warnings().length, 1, String(said));
      await page.evaluate(async () => (await window.pocketrank)?.erase());
      assert.deepEqual([await mode(page), await items(page)], ["contextual", []]);
      assert.ok(!said.some((text) => text.startsWith("uncaught")), String(said));
      await close();
    });
  }

  it("keeps the profile of a session in memory where the tab has no storage", async () => {
    const { page, warnings, close } = await visit("session", () =>
      Object.defineProperty(window, "sessionStorage", { get: () => { throw new DOMException("forbidden", "SecurityError"); } }));
    await record(page, "view_item", ["sku-1"]);
    assert.deepEqual([await mode(page), await items(page), warnings().length], ["session", hashes(["sku-1"]), 1]);
    await close();
  });

  it("stores as ever where it only cannot list its databases", async () => {
    const prepare = () => void delete (/** @type {any} */ (IDBFactory.prototype).databases);
    const { page, close } = await visit("persistent", prepare);
    await record(page, "view_item", ["sku-1"]);
    await reload(page);
    assert.deepEqual([await mode(page), await items(page)], ["persistent", hashes(["sku-1"])]);
    await page.evaluate(async () => (await window.pocketrank)?.erase());
    await reload(page);
    assert.deepEqual([await mode(page), await items(page)], ["contextual", []]);
    await close();
  });
});

describe("erase()", () => {
  it("tells every place where it has looked, and that nothing is there", async () => {
    const { page, close } = await visit("persistent");
    await setConsent(page, { mode: "persistent", capsule: true });
    await record(page, "view_item", ["sku-1"]);
    await page.evaluate(async () => {
      await (await caches.open("pocketrank-slates")).put("/slate", new Response("slate"));
      await (await caches.open("shop")).put("/page", new Response("page"));
      await navigator.serviceWorker.register("/pocketrank-worker.js");
    });
    const held = await page.evaluate(async () => (await (await window.pocketrank)?.export())?.places);
    assert.deepEqual(held?.map(({ place, entries }) => [place, Math.min(entries, 1)]), [
      ["cookie", 1],
      ["sessionStorage", 0],
      ["indexedDB pocketrank", 1],
      ["indexedDB pocketrank-models", 0],
      ["caches", 1],
      ["service workers", 1],
    ]);
    const places = await page.evaluate(async () => (await window.pocketrank)?.erase());
    assert.deepEqual(places, held?.map(({ place }) => ({ place, entries: 0 })));
    assert.deepEqual(await readStorage(page), { caches: ["shop"] });
    await close();
  });

  it("fails by the name of what it could not erase", async () => {
    const { page, close } = await visit("session");
    await page.evaluate(
      () =>
        new Promise((resolve, reject) => {
          const request = indexedDB.open("pocketrank-old");
          request.onupgradeneeded = () => void request.result.createObjectStore("old").put("old", "old");
          request.onsuccess = () => resolve(request.result.close());
          request.onerror = reject;
        }),
    );
    const error = await page.evaluate(async () => (await window.pocketrank)?.erase().then(() => undefined, ({ code, message }) => `${code} ${message}`));
    assert.match(String(error), /^not_erased still held on this device: indexedDB pocketrank-old \(1\);/);
    await close();
  });
});

it("records on the next page what the page before was left with", async () => {
  const { page, close } = await visit("persistent");
  await page.evaluate(async () => {
    const pocketrank = await window.pocketrank;
    // The database is slow: the page is left before it has written.
    const open = IDBFactory.prototype.open;
    /** @param {string} name @param {number} [version] */
    IDBFactory.prototype.open = function (name, version) {
      return name === "pocketrank" ? /** @type {any} */ ({}) : open.call(this, name, version);
    };
    void pocketrank?.record("view_item", ["sku-1", "sku-2"]);
    void pocketrank?.record("add_to_cart", ["sku-2"]);
  });
  await reload(page);
  assert.deepEqual(await items(page), hashes(["sku-1", "sku-2", "sku-2"]));
  assert.deepEqual(await readStorage(page), { indexedDB: ["pocketrank"] });
  await reload(page);
  assert.deepEqual(await items(page), hashes(["sku-1", "sku-2", "sku-2"]), "and once only");
  await close();
});
