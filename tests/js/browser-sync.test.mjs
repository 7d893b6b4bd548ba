/** The browser script that follows, in Chromium: what a page shows, asks for and stores while models change, in each state of consent. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Consent, Profile, Ranker, init } from "../../dist/npm/node.js";
import { Renderer } from "../../dist/npm/render.js";
import { root } from "../../scripts/process.mjs";
import { launchChromium, readStorage, until } from "./support/chromium.mjs";
import { AUDIENCE, faults, openOrigin } from "./support/origin.mjs";
import { share } from "./support/share.mjs";
import { settled } from "./support/shop.mjs";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("../../www/index.js").CandidateItem} Item */

const [browser] = await share(launchChromium(), init());
/** @type {Awaited<ReturnType<typeof openOrigin>>} */
let origin;

/** @type {Item[]} */
const items = Array.from({ length: 30 }, (_, at) => ({ id: `sku-${at}`, name: `Thing ${at}`, url: `/thing-${at}`, image: "/thing.svg", price_text: "£2" }));
const COUNT = 12;
const viewed = ["sku-20", "sku-25", "sku-3"];
/** The list of each release: in the second some are sold out. */
const lists = [items, items.map((item, at) => ({ ...item, in_stock: at % 3 !== 0 }))];

beforeEach(async () => {
  const slot = new Renderer(new Ranker(readFileSync(join(root, "tests/fixtures/random-v1.bin"))), items.slice(0, COUNT)).slot();
  origin = await openOrigin([join(root, "dist/npm")]);
  const site = join(origin.folder, "site");
  mkdirSync(site);
  origin.sites.push(site);
  writeFileSync(
    join(site, "page.html"),
    `<!doctype html><html lang="en"><title>Page</title><link rel="icon" href="data:,"><style>.pr-card { height: 100px }</style>
<script type="module" src="/element.js" data-manifest="/models/manifest.pkrm" data-audience="${AUDIENCE}" data-keys="${origin.key.hex}"></script>
<pocketrank-carousel data-pocketrank-slot="home" data-pocketrank-candidates="home" data-pocketrank-count="${COUNT}">
${slot}</pocketrank-carousel></html>`,
  );
});
afterEach(() => origin.stop());

/** @param {number} at */
const publish = (at) => origin.publish(at, { files: { "candidates/home.json": { items: lists[at] }, "items.json": {} } });

/** What Node makes of a release. @param {number} at @param {string[]} [history] */
function expected(at, history = []) {
  const now = Math.floor(Date.now() / 1000);
  const grant = new Consent({ choice: { mode: "session" } }).grant() ?? assert.fail();
  const profile = new Profile();
  for (const id of history) profile.record(grant, id, "view_item", now);
  const ranker = new Ranker(origin.snapshots[at] ?? Buffer.alloc(0));
  ranker.setProfile(profile, now);
  const list = lists[at] ?? [];
  return ranker.rerank(ranker.candidates(list), { count: COUNT }).map(({ index }) => list[index]?.id);
}

/** A visitor whose clock can be put forward. */
async function visit() {
  const context = await browser.newContext({ viewport: { width: 800, height: 350 } });
  const page = await context.newPage();
  await page.clock.install();
  await page.goto(`${origin.url}/page`);
  await settled(page);
  return page;
}

/** @param {Page} page */
const shown = (page) => page.evaluate(() => document.querySelector("pocketrank-carousel")?.slate ?? []);
/** @param {Page} page */
const ids = async (page) => (await shown(page)).map(({ id }) => id);

/** @param {Page} page @param {"session" | "persistent"} mode */
async function agree(page, mode) {
  await page.evaluate(
    async ({ mode, viewed }) => {
      const pocketrank = await window.pocketrank;
      await pocketrank?.setConsent({ mode });
      for (const id of viewed) await pocketrank?.record("view_item", [id]);
    },
    { mode, viewed },
  );
}

/** Lets an hour pass, and waits until the page has followed to a snapshot. @param {Page} page @param {number} at */
async function follow(page, at) {
  const { id } = new Ranker(origin.snapshots[at] ?? Buffer.alloc(0));
  await page.clock.fastForward("01:00:01");
  await until(page, async (id) => (await (await window.pocketrank)?.ranker().catch(() => undefined))?.id === id, id);
}

const kinds = () => origin.asked().map((path) => path.split("/")[0] ?? "");

describe("a page that is shown while models change", () => {
  it("goes on from them with what was not seen, by a delta, under a yes", async () => {
    publish(0);
    const page = await visit();
    await agree(page, "session");
    await until(page, (first) => document.querySelector("pocketrank-carousel")?.slate[0]?.id === first, expected(0, viewed)[0]);
    await page.clock.runFor(2_000);
    const before = await shown(page);
    const seen = before.filter(({ seen }) => seen).map(({ id }) => id);
    assert.ok(seen.length >= 2 && seen.length < COUNT, `${seen.length} seen`);
    kinds();
    publish(1);
    await follow(page, 1);
    assert.deepEqual(kinds(), ["manifest.pkrm", "deltas", "files"]);
    const rest = expected(1, viewed).filter((id) => !seen.includes(id ?? ""));
    const after = await ids(page);
    assert.deepEqual(after.slice(0, seen.length), seen);
    assert.deepEqual(after.slice(seen.length, 9), rest.slice(0, 9 - seen.length));
    assert.notDeepEqual(after, before.map(({ id }) => id));
    await page.context().close();
  });

  it("stores nothing and asks for no delta without a yes", async () => {
    publish(0);
    const page = await visit();
    assert.deepEqual(await ids(page), expected(0));
    kinds();
    publish(1);
    await follow(page, 1);
    assert.deepEqual(kinds(), ["manifest.pkrm", "snapshots", "files"]);
    assert.deepEqual(await readStorage(page), {});
    await page.context().close();
  });

  it("stores models under a yes that lasts: the next page asks for nothing, and a withdrawal leaves nothing", async () => {
    publish(0);
    const page = await visit();
    await agree(page, "persistent");
    await until(page, async () => (await indexedDB.databases()).some(({ name }) => name === "pocketrank-models"));
    await until(page, (first) => document.querySelector("pocketrank-carousel")?.slate[0]?.id === first, expected(0, viewed)[0]);
    // What was fetched before the yes is stored from the browser's cache.
    await until(page, () =>
        new Promise((resolve) => {
          const request = indexedDB.open("pocketrank-models");
          request.onsuccess = () => {
            const database = request.result;
            const all = database.transaction("models").objectStore("models").getAllKeys();
            all.onsuccess = () => (database.close(), resolve(all.result.includes("checked")));
          };
        }),
    );
    kinds();
    const other = await page.context().newPage();
    await other.goto(`${origin.url}/page`);
    await settled(other);
    assert.deepEqual(await ids(other), expected(0, viewed));
    assert.deepEqual(kinds(), []);

    // In the middle of an update.
    origin.faulty.set("/deltas/", faults.stalled ?? assert.fail());
    publish(1);
    await page.clock.fastForward("01:00:01");
    while (!kinds().includes("deltas")) await sleep(20);
    await other.evaluate(async () => (await window.pocketrank)?.erase());
    for (const tab of [page, other]) {
      await until(tab, async () => (await indexedDB.databases()).length === 0);
      assert.deepEqual(await readStorage(tab), {});
    }
    origin.faulty.clear();
    await follow(page, 1);
    assert.deepEqual(await readStorage(page), {});
    await page.context().close();
  });

  /** A visitor whose yes lasts, with models stored. */
  async function stored() {
    publish(0);
    const page = await visit();
    await agree(page, "persistent");
    await until(page, async () => (await indexedDB.databases()).some(({ name }) => name === "pocketrank-models"));
    return page;
  }

  it("leaves no models behind where the page was left in the middle of a withdrawal", async () => {
    const page = await stored();
    await page.evaluate(async () => {
      const erase = IDBFactory.prototype.deleteDatabase;
      const reached = new Promise((resolve) => {
        IDBFactory.prototype.deleteDatabase = function (/** @type {string} */ name) {
          if (name !== "pocketrank-models") return erase.call(this, name);
          resolve(undefined);
          return /** @type {IDBOpenDBRequest} */ ({});
        };
      });
      void (await window.pocketrank)?.erase();
      await reached;
    });
    assert.deepEqual(await readStorage(page), { indexedDB: ["pocketrank-models"] });
    await page.goto(`${origin.url}/page`);
    await until(page, async () => (await indexedDB.databases()).length === 0);
    await settled(page);
    assert.deepEqual(await readStorage(page), {});
    await page.context().close();
  });

  it("does not store models again for who asks while they are erased", async () => {
    const before = await stored();
    const page = await before.context().newPage();
    await before.close();
    writeFileSync(
      join(origin.folder, "site/bare.html"),
      `<!doctype html><script type="module" src="/element.js" data-manifest="/models/manifest.pkrm" data-audience="${AUDIENCE}" data-keys="${origin.key.hex}"></script>`,
    );
    await page.goto(`${origin.url}/bare`);
    await page.evaluate(async () => {
      const pocketrank = await window.pocketrank;
      const erase = IDBFactory.prototype.deleteDatabase;
      const asked = new Promise((resolve) => {
        IDBFactory.prototype.deleteDatabase = function (/** @type {string} */ name) {
          const request = erase.call(this, name);
          if (name === "pocketrank-models") resolve(pocketrank?.ranker());
          return request;
        };
      });
      await Promise.all([pocketrank?.erase(), asked]);
    });
    assert.deepEqual(await readStorage(page), {});
    await page.context().close();
  });

  it("leaves the models where a tab comes to the yes of another one, which lasts", async () => {
    publish(0);
    const page = await visit();
    await agree(page, "session");
    const other = await page.context().newPage();
    await other.goto(`${origin.url}/page`);
    await settled(other);
    await agree(other, "persistent");
    await until(other, async () => (await indexedDB.databases()).length === 2);
    await page.reload();
    await settled(page);
    assert.equal(await page.evaluate(async () => (await window.pocketrank)?.mode), "persistent");
    // Its writes come one after the other: once this is written, what it had to erase is.
    await page.evaluate(async () => (await window.pocketrank)?.record("view_item", ["sku-1"]));
    assert.deepEqual((await readStorage(page)).indexedDB?.sort(), ["pocketrank", "pocketrank-models"]);
    await page.context().close();
  });

  it("has its cards, whatever the origin does, and goes on when it can", async () => {
    publish(0);
    for (const [fault, answer] of Object.entries(faults)) {
      origin.faulty.set("/models/", answer);
      const context = await browser.newContext({ viewport: { width: 800, height: 350 } });
      const page = await context.newPage();
      await page.clock.install();
      /** @type {string[]} */
      const errors = [];
      page.on("pageerror", ({ message }) => errors.push(message));
      await page.goto(`${origin.url}/page`);
      assert.deepEqual(await ids(page), items.slice(0, COUNT).map(({ id }) => id), fault);
      await settled(page);
      assert.deepEqual(await ids(page), items.slice(0, COUNT).map(({ id }) => id), fault);
      origin.faulty.clear();
      await follow(page, 0);
      const seen = (await shown(page)).filter(({ seen }) => seen).map(({ id }) => id);
      await until(page, (last) => document.querySelector("pocketrank-carousel")?.slate.at(-1)?.id === last, expected(0).filter((id) => !seen.includes(id ?? ""))[COUNT - 1 - seen.length]);
      assert.deepEqual(errors, [], fault);
      await context.close();
    }
  });
});
