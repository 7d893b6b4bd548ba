/** `pocketrank/sync` in Chromium: what is asked for and stored, by one tab or two, whatever origin, storage and browser do. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { root } from "../../scripts/process.mjs";
import { launchChromium, launchOn } from "./support/chromium.mjs";
import { codeOf, faults, openOrigin } from "./support/origin.mjs";
import { share } from "./support/share.mjs";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {{ ranker?: string, list?: number, sequence?: number, codes: string[] }} State */

const [browser] = await share(launchChromium());

/**
 * An origin, a page of a browser that has nothing yet, and what follows the one in the other.
 * @param {import("node:test").TestContext} t
 */
async function start(t) {
  const [origin, context] = await Promise.all([openOrigin([join(root, "dist/npm"), join(root, "tests/js/support/pages")]), browser.newContext()]);
  t.after(async () => {
    await context.close();
    await origin.stop();
  });
  /** Follows in a page, which asks each second at least. @param {Page} page @param {Partial<import("../../www/sync.js").Options<unknown>>} [options] */
  async function follow(page, options = {}) {
    if (!page.url().startsWith(origin.url)) await page.goto(`${origin.url}/empty`);
    await page.evaluate(
      async ({ url, ...options }) => {
        const [{ follow }, { Ranker, init }] = await Promise.all([import(/** @type {string} */ ("/sync.js")), import(/** @type {string} */ ("/browser.js"))]);
        await init();
        /** @type {string[]} */
        const codes = [];
        const onReport = (/** @type {{ code: string }} */ { code }) => codes.push(code);
        const open = (/** @type {Uint8Array} */ snapshot) => new Ranker(snapshot);
        const models = await follow(url, { ...options, open, onReport });
        Object.assign(window, { models, codes });
      },
      { url: origin.manifest, storage: "models", ...origin.quick, ...options },
    );
  }
  /** @param {Page} page @param {number} at @param {number} [sequence] */
  async function assertUses(page, at, sequence) {
    const { ranker, list, sequence: got } = await state(page);
    assert.deepEqual([ranker, list], [origin.ids[at], at]);
    if (sequence !== undefined) assert.equal(got, sequence);
  }
  return { origin, context, page: await context.newPage(), follow, assertUses };
}

/** What a page has in use. @param {Page} page @returns {Promise<State>} */
function state(page) {
  return page.evaluate(async () => {
    const { models, codes } = /** @type {any} */ (window);
    const list = await models.file("candidates/home.json");
    return { ranker: models.ranker?.id, list: list && JSON.parse(new TextDecoder().decode(list)).snapshot, sequence: models.sequence, codes };
  });
}

/** @param {Page} page @param {number} sequence */
async function follows(page, sequence) {
  await page.waitForFunction((sequence) => /** @type {any} */ (window).models.sequence === sequence, sequence, { timeout: 15_000, polling: 50 });
}

// They wait most of the time.
describe("a page that follows", { concurrency: 4 }, () => {
  it("goes on from its database without asking, and by a delta", async (t) => {
    const { origin, page, follow, assertUses } = await start(t);
    origin.publish(0);
    await follow(page, { interval: 3_600 });
    await assertUses(page, 0, 1);
    assert.deepEqual(origin.kinds(), ["snapshots", "files"]);
    await page.reload();
    await follow(page, { interval: 3_600 });
    await assertUses(page, 0, 1);
    assert.deepEqual(origin.asked(), []);

    origin.publish(1);
    await page.reload();
    await follow(page);
    await follows(page, 2);
    await assertUses(page, 1, 2);
    assert.deepEqual(origin.kinds(), ["deltas", "files"]);
  });

  it("takes the whole where the delta is gone", async (t) => {
    const { origin, page, follow, assertUses } = await start(t);
    origin.publish(0);
    await follow(page);
    origin.kinds();
    origin.faulty.set("/deltas/", faults["answered by 404"] ?? assert.fail());
    origin.publish(1);
    await follows(page, 2);
    await assertUses(page, 1);
    assert.deepEqual(origin.kinds(), ["deltas", "snapshots", "files"]);
  });

  for (const [fault, answer] of Object.entries(faults)) {
    it(`keeps what is in use while all is ${fault}, and goes on after that`, async (t) => {
      const { origin, page, follow, assertUses } = await start(t);
      origin.publish(0);
      await follow(page, { files: [], ...(fault === "stalled" && { timeout: 1_000 }) });
      origin.faulty.set("/models/", answer);
      origin.publish(1);
      await page.waitForFunction(() => /** @type {any} */ (window).codes.length >= 2);
      const { ranker, codes } = await state(page);
      assert.equal(ranker, origin.ids[0]);
      // A browser does not tell why it gave up on redirections.
      assert.equal(codes[1], fault === "led in circles" ? "network" : codeOf(fault, "manifest"));
      origin.faulty.clear();
      await follows(page, 2);
      await assertUses(page, 1);
    });
  }

  it("is not held up by a copy in the cache that is damaged", async (t) => {
    const { origin, page, follow, assertUses } = await start(t);
    origin.publish(0);
    const { files } = origin.publish(0);
    origin.faulty.set("/snapshots/", (response, body) =>
      response.writeHead(200, { "cache-control": "max-age=31536000, immutable" }).end(Buffer.alloc(body.length, 7)),
    );
    await follow(page);
    assert.deepEqual((await state(page)).codes, ["snapshot_refused"]);
    origin.faulty.clear();
    await follows(page, 2);
    await assertUses(page, 0);
    assert.equal(files.length, 1);
  });

  it("refuses what others signed, what is for others, and what is older", async (t) => {
    const { origin, page, follow, assertUses } = await start(t);
    origin.publish(0);
    origin.publish(1);
    await follow(page);
    for (const [code, publish] of Object.entries(origin.strangers)) {
      publish();
      await page.waitForFunction((code) => /** @type {any} */ (window).codes.includes(code), code);
      await assertUses(page, 1, 2);
    }
  });

  for (const [what, name, broken] of /** @type {[string, string, () => void][]} */ ([
    [
      "is full",
      "not_stored",
      () => {
        IDBObjectStore.prototype.put = () => {
          throw new DOMException("The quota has been exceeded.", "QuotaExceededError");
        };
      },
    ],
    [
      "cannot be opened",
      "not_stored",
      () => {
        IDBFactory.prototype.open = () => {
          throw new DOMException("denied", "SecurityError");
        };
      },
    ],
  ])) {
    it(`has models in memory where the storage ${what}`, async (t) => {
      const { origin, page, follow, assertUses } = await start(t);
      await page.addInitScript(broken);
      origin.publish(0);
      await follow(page);
      await assertUses(page, 0, 1);
      assert.ok((await state(page)).codes.includes(name));
      origin.publish(1);
      await follows(page, 2);
      await assertUses(page, 1);
      assert.ok(!origin.kinds().slice(2).includes("snapshots"));
    });
  }

  it("does not make a database again that was erased", async (t) => {
    const { origin, page, follow, assertUses } = await start(t);
    origin.publish(0);
    await follow(page);
    await page.evaluate(
      () => new Promise((resolve, reject) => Object.assign(indexedDB.deleteDatabase("models"), { onsuccess: resolve, onerror: reject })),
    );
    origin.publish(1);
    await follows(page, 2);
    await assertUses(page, 1);
    assert.deepEqual(await page.evaluate(() => indexedDB.databases()), []);
  });
});

describe("tabs of one browser", () => {
  it("share what one of them fetches, and swap together", async (t) => {
    const { origin, context, follow, assertUses } = await start(t);
    origin.publish(0);
    const tabs = await Promise.all([1, 2, 3].map(() => context.newPage()));
    await Promise.all(tabs.map((tab) => tab.goto(`${origin.url}/empty`)));
    await Promise.all(tabs.map((tab) => follow(tab)));
    for (const tab of tabs) await assertUses(tab, 0, 1);
    assert.deepEqual(origin.kinds(), ["snapshots", "files"]);
    origin.publish(1);
    await Promise.all(tabs.map((tab) => follows(tab, 2)));
    for (const tab of tabs) await assertUses(tab, 1, 2);
    assert.deepEqual(origin.kinds(), ["deltas", "files"]);
    // Nor do they ask for the manifest each for themselves: it is one question in half a second to a second.
    origin.asked();
    await sleep(3_000);
    assert.ok(origin.asked().length <= 7);
  });

  for (const [what, end] of /** @type {[string, (tab: Page) => Promise<unknown>][]} */ ([
    ["is closed", (tab) => tab.close()],
    // The answer does not come: its process is gone.
    ["is killed", async (tab) => void (await tab.context().newCDPSession(tab)).send("Page.crash").catch(() => undefined)],
  ])) {
    it(`go on when the one that fetches ${what} in the middle`, async (t) => {
      const { origin, context, follow, assertUses } = await start(t);
      const tabs = [await context.newPage(), await context.newPage()];
      origin.publish(0);
      for (const tab of tabs) await follow(tab, { timeout: 60_000 });
      const asks = Promise.race(
        tabs.map((tab) => tab.waitForRequest(/\/deltas\//).then(() => tab)),
      );
      origin.faulty.set("/deltas/", faults.stalled ?? assert.fail());
      origin.publish(1);
      const fetching = await asks;
      const other = tabs.find((tab) => tab !== fetching) ?? assert.fail();
      await assertUses(other, 0, 1);
      await end(fetching);
      origin.faulty.clear();
      await follows(other, 2);
      await assertUses(other, 1);
    });
  }
});

describe("a browser that is killed", () => {
  it("holds the old or the new when it starts again", async (t) => {
    const { origin, follow } = await start(t);
    const profile = mkdtempSync(join(tmpdir(), "pocketrank-profile-"));
    try {
      let last = 0;
      for (let round = 0; round < 5; round += 1) {
        origin.publish(round % 3);
        origin.asked();
        const killed = await launchOn(profile);
        const page = await killed.context.newPage();
        const following = follow(page).catch(() => undefined);
        // The first time all is stored; then it is killed at other moments after it has asked.
        while (origin.asked().length === 0) await sleep(5);
        if (round === 0) await following;
        else await sleep(round * 12);
        await killed.kill();
        await following;

        const again = await launchOn(profile);
        const held = await again.context.newPage();
        await held.goto(`${origin.url}/empty`);
        origin.faulty.set("/models/", faults["answered by 500"] ?? assert.fail());
        await follow(held);
        const { ranker, list, sequence } = await state(held);
        if (ranker !== undefined) {
          assert.ok((sequence ?? 0) >= last);
          last = sequence ?? 0;
          assert.deepEqual([ranker, list], [origin.ids[(last - 1) % 3], (last - 1) % 3]);
        }
        await again.close();
        origin.faulty.clear();
      }
      assert.ok(last > 0);
    } finally {
      // The processes of a killed browser end after it, and write until then.
      rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    }
  });
});
