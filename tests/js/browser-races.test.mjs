/** What happens to a visitor's profile where things are asked for at the same time, in Chromium: nobody waits for what they asked before. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { enter, launchChromium, readStorage, until } from "./support/chromium.mjs";
import { items, mode, records, servePage } from "./support/device.mjs";
import { share } from "./support/share.mjs";

const [browser, site] = await share(launchChromium(), servePage());

/** @param {string} [attributes] @param {() => void} [first] runs before the page */
async function visit(attributes = "", first) {
  const visitor = await enter(browser, `${site.url}/${attributes}`, { before: first });
  await visitor.page.evaluate(() => window.pocketrank);
  return visitor;
}

describe("a withdrawal", () => {
  for (const kept of /** @type {const} */ (["session", "persistent"])) {
    it(`leaves no profile in the page's memory where a write was under way: ${kept}`, async () => {
      const { context, page } = await visit();
      const found = await page.evaluate(async (mode) => {
        const pocketrank = await window.pocketrank;
        if (!pocketrank) throw new Error("the page has no script");
        await pocketrank.setConsent({ mode });
        await pocketrank.record("view_item", ["tea"]);
        const recorded = pocketrank.record("view_item", ["pot"]);
        // The write has begun.
        await new Promise((resolve) => setTimeout(resolve));
        const erased = pocketrank.erase();
        await Promise.all([recorded, erased]);
        return { length: pocketrank.profile.length, events: (await pocketrank.export()).events };
      }, kept);
      assert.deepEqual(found, { length: 0, events: [] });
      assert.deepEqual(await readStorage(page), {});
      await context.close();
    });

    it(`leaves nothing that a new yes brings back: ${kept}`, async () => {
      const { context, page } = await visit();
      await page.evaluate(async (mode) => {
        const pocketrank = await window.pocketrank;
        if (!pocketrank) throw new Error("the page has no script");
        await pocketrank.setConsent({ mode });
        await pocketrank.record("view_item", ["tea"]);
        const recorded = pocketrank.record("view_item", ["pot"]);
        await new Promise((resolve) => setTimeout(resolve));
        const erased = pocketrank.setConsent({ mode: "contextual" });
        const renewed = pocketrank.setConsent({ mode });
        const again = pocketrank.record("view_item", ["cup"]);
        await Promise.all([recorded, erased, renewed, again]);
      }, kept);
      assert.equal((await items(page)).length, 1);
      await page.reload();
      assert.equal((await items(page)).length, 1, "what is kept");
      assert.equal(await mode(page), kept);
      await context.close();
    });
  }

  it("holds also where it comes before its yes has been written", async () => {
    const { context, page } = await visit();
    const draw = await page.evaluate(async () => {
      const pocketrank = await window.pocketrank;
      if (!pocketrank) throw new Error("the page has no script");
      await Promise.all([pocketrank.setConsent({ mode: "persistent" }), pocketrank.setConsent({ mode: "contextual" })]);
      return pocketrank.profile.draw.length;
    });
    assert.equal(draw, 0, "a lot without a yes");
    assert.equal(await mode(page), "contextual");
    assert.deepEqual(await readStorage(page), {});
    await context.close();
  });
});

describe("an import", () => {
  it("and a write that is under way undo nothing of each other", async () => {
    const { context, page } = await visit();
    await page.evaluate(async () => {
      const pocketrank = await window.pocketrank;
      if (!pocketrank) throw new Error("the page has no script");
      await pocketrank.setConsent({ mode: "persistent" });
      await pocketrank.record("view_item", ["tea"]);
      const kept = await pocketrank.export();
      await pocketrank.record("view_item", ["pot", "cup"]);
      const recorded = pocketrank.record("view_item", ["jug"]);
      await new Promise((resolve) => setTimeout(resolve));
      await Promise.all([recorded, pocketrank.import(kept)]);
    });
    assert.equal((await items(page)).length, 4);
    await page.reload();
    assert.equal((await items(page)).length, 4, "what is kept");
    await context.close();
  });
});

describe("a choice", () => {
  it("is kept as what it says, and as nothing else that the page has on it", async () => {
    const { context, page, said } = await visit();
    await page.evaluate(async () => {
      const choice = new Proxy({ mode: "persistent", customer: "c-7", then: () => undefined }, {});
      await (await window.pocketrank)?.setConsent(/** @type {any} */ (choice));
    });
    assert.doesNotMatch(await records(page), /c-7/);
    assert.deepEqual(said, []);
    await page.reload();
    assert.equal(await mode(page), "persistent");
    await context.close();
  });

  it("that cannot be understood is refused, and nothing else follows from it", async () => {
    const { context, page, said } = await visit("?consent=consent-mode");
    const codes = await page.evaluate(async () => {
      const pocketrank = await window.pocketrank;
      return Promise.all([undefined, {}, { mode: "always" }, { mode: "session", capsule: "no" }].map((choice) => pocketrank?.setConsent(/** @type {any} */ (choice)).catch((/** @type {any} */ error) => error.code)));
    });
    assert.deepEqual(codes, Array(4).fill("invalid_option"));
    await page.evaluate(() => window.dataLayer?.push({ 0: "consent", 1: "update", 2: { personalization_storage: "granted" } }));
    await until(page, async () => (await window.pocketrank)?.mode === "session");
    assert.deepEqual(said, []);
    await context.close();
  });

  it("that is narrower than what is kept holds once a source that was awaited allows it", async () => {
    const { context, page } = await visit("?consent=tcf", () => {
      Object.assign(window, { __tcfapi: (/** @type {string} */ _, /** @type {number} */ __, /** @type {any} */ back) => void Object.assign(window, { back }) });
    });
    const answer = () =>
      page.evaluate(() => {
        const consents = { 1: true, 5: true, 6: true };
        /** @type {any} */ (window).back({ gdprApplies: true, eventStatus: "tcloaded", publisher: { consents } }, true);
      });
    await answer();
    await page.evaluate(async () => (await window.pocketrank)?.setConsent({ mode: "persistent", capsule: true }));
    await page.reload();
    await page.evaluate(() => window.pocketrank);
    await page.evaluate(async () => (await window.pocketrank)?.setConsent({ mode: "session" }));
    await answer();
    await until(page, async () => (await window.pocketrank)?.mode !== "contextual");
    assert.equal(await mode(page), "session");
    await context.close();
  });
});

describe("what is said on the console", () => {
  it("has nothing of a record that is damaged", async () => {
    const { context, page, said } = await visit();
    await page.evaluate(async () => {
      const pocketrank = await window.pocketrank;
      await pocketrank?.setConsent({ mode: "persistent" });
      await pocketrank?.record("view_item", ["tea"]);
      /** @param {IDBRequest} request @returns {Promise<any>} */
      const done = (request) => new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
      const database = await done(indexedDB.open("pocketrank"));
      const store = database.transaction("pocketrank", "readwrite").objectStore("pocketrank");
      await done(store.put({ secret: "what-they-did" }, "visitor"));
      database.close();
    });
    /** @type {import("playwright-core").JSHandle[][]} */
    const handles = [];
    page.on("console", (message) => handles.push(message.args()));
    await page.reload();
    await page.evaluate(() => window.pocketrank);
    assert.equal(said.filter((line) => line.includes("damaged")).length, 1);
    const args = await Promise.all(handles.flat().map((handle) => handle.jsonValue()));
    assert.doesNotMatch(JSON.stringify(args), /what-they-did/);
    await context.close();
  });
});
