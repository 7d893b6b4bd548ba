/** worker/src/slices.rs: the model that a page carries of its own lists, where the shop has switched that on. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Consent, Profile, Ranker } from "pocketrank";
import { root } from "../../scripts/process.mjs";
import { candidates, items, now, page, range, readSlots, slot, snapshot, snapshotId, startEdge, visitor } from "../worker/edge.mjs";

const on = { PAGE_MODEL: "on" };
const carrier = /<script type="application\/vnd\.pocketrank\.snapshot" data-pocketrank-model data-pocketrank-snapshot="([0-9a-f]{32})" data-pocketrank-lists="([a-z0-9 -]+)">([A-Za-z0-9+/]+=*)<\/script>/g;

/**
 * The models that a page carries.
 * @param {string} html
 */
function readModels(html) {
  const models = [...html.matchAll(carrier)].map(([element, id = "", lists = "", text = ""]) => ({ element, id, lists: lists.split(" "), bytes: Buffer.from(text, "base64") }));
  assert.equal(models.length, html.split("data-pocketrank-model").length - 1, "each is as it must be");
  return models;
}

/**
 * The one model that a page carries, opened and verified.
 * @param {string} html
 */
function readModel(html) {
  const [model, ...more] = readModels(html);
  assert.ok(model);
  assert.deepEqual(more, []);
  return { ...model, ranker: new Ranker(model.bytes) };
}

/**
 * The visible part of a list's slate, with scores.
 * @param {Ranker} ranker
 * @param {import("../worker/edge.mjs").Item[]} list
 * @param {Profile} profile
 */
function slate(ranker, list, profile) {
  ranker.setProfile(profile, now);
  return ranker.rerank(ranker.candidates(list), { count: 20 }).map(({ index, score }) => [index, score]);
}

describe("a page's own model", () => {
  /** @type {import("../worker/edge.mjs").Edge} */
  let edge;
  before(async () => {
    edge = await startEdge({
      vars: on,
      lists: {
        sold: candidates(items([1, 2]).map((item) => ({ ...item, in_stock: false }))),
        // Known, unknown and twice: all that a list may have.
        odd: candidates([...items([3, 3]), ...items([4]).map((item) => ({ ...item, id: "no such item" }))]),
      },
      files: {
        "/twice.html": page(slot("trending") + slot("popular", 3, "one") + slot("popular", 5, "two")),
        "/part.html": page(slot("popular") + slot("missing") + slot("trending", 0, "wrong") + slot("sold")),
        "/none.html": page(slot("missing") + slot("sold")),
        "/odd.html": page(slot("odd")),
      },
    });
  });
  after(() => edge.stop());
  const read = async (/** @type {string} */ path, headers = {}) => (await edge.fetch(path, { headers })).text();

  it("stands once at its end and changes nothing else", async () => {
    const html = await read("/");
    const { element, id, lists } = readModel(html);
    assert.ok(html.endsWith(`</html>${element}`));
    assert.deepEqual([id, lists], [snapshotId, ["popular", "trending"]]);
    const off = await startEdge();
    assert.equal(await (await off.fetch("/")).text(), html.slice(0, -element.length));
    await off.stop();
  });

  it("is the same for every visitor and for every order of the slots", async () => {
    const { element } = readModel(await read("/"));
    const one = await read("/", { cookie: visitor([[3, "view_item", 2], [5, "add_to_cart", 1]]).cookie });
    const other = await read("/", { cookie: visitor([[30, "purchase", 1]]).cookie });
    assert.notDeepEqual(readSlots(one), readSlots(other));
    for (const html of [one, other, await read("/", { "Sec-GPC": "1" }), await read("/twice")]) assert.equal(readModel(html).element, element);
  });

  it("knows what the whole does of its lists, factors apart", async () => {
    const { ranker } = readModel(await read("/"));
    const whole = new Ranker(snapshot);
    const { profile } = visitor([[3, "view_item", 2], [5, "add_to_cart", 1], [105, "purchase", 0]]);
    const list = items([...range(0, 60), ...range(100, 140)]);
    const [carried, expected] = [ranker, whole].map((host) => {
      host.setProfile(profile, now);
      return [...host.candidates(list).rows].map((row) => host.explain(row).parts.filter(({ name }) => name !== "factors"));
    });
    assert.deepEqual(carried, expected);
    assert.ok(ranker.items < whole.items);
  });

  it("is of the lists that were filled, and of no others", async () => {
    assert.deepEqual(readModel(await read("/part")).lists, ["popular"]);
    assert.deepEqual(readModel(await read("/odd")).lists, ["odd"]);
    for (const path of ["/about", "/none"]) assert.deepEqual(readModels(await read(path)), [], path);
  });
});

describe("a page's own model of a snapshot without factors", () => {
  it("ranks its lists bit for bit as the whole does", async () => {
    const bytes = readFileSync(join(root, "tests/fixtures/synth-v1.bin"));
    const whole = new Ranker(bytes);
    const list = items(range(1, 61)).map((item, n) => ({ ...item, id: `P${String(n + 1).padStart(4, "0")}` }));
    const lists = { popular: list.slice(0, 40), trending: list.slice(30) };
    const edge = await startEdge({
      vars: on,
      seed: { snapshot: bytes },
      lists: { popular: candidates(lists.popular), trending: candidates(lists.trending) },
    });
    const { id, ranker } = readModel(await (await edge.fetch("/")).text());
    await edge.stop();
    assert.equal(id, whole.id);
    const grant = new Consent({ choice: { mode: "session" } }).grant();
    assert.ok(grant);
    const profile = new Profile();
    for (const members of Object.values(lists)) assert.deepEqual(slate(ranker, members, profile), slate(whole, members, profile));
    for (const { id } of list.filter((_, n) => n % 7 === 3)) profile.record(grant, id, "view_item", now);
    for (const members of Object.values(lists)) assert.deepEqual(slate(ranker, members, profile), slate(whole, members, profile));
  });
});

describe("the switch for it", () => {
  it("is off unless the shop turns it on", async () => {
    for (const PAGE_MODEL of [undefined, "", "off"]) {
      const edge = await startEdge(PAGE_MODEL === undefined ? {} : { vars: { PAGE_MODEL } });
      const html = await (await edge.fetch("/")).text();
      await edge.stop();
      assert.deepEqual(readModels(html), []);
      assert.equal(readSlots(html)[0]?.by, "edge");
    }
  });
});

describe("slices that are kept", () => {
  const lists = (/** @type {number} */ count) => Object.fromEntries(range(0, count).map((n) => [`similar-${n}`, candidates(items(range(n, n + 10)))]));

  it("are few, and more pages than that have each its own", async () => {
    const pages = Object.fromEntries(range(0, 40).map((n) => [`/${n}.html`, page(slot(`similar-${n}`))]));
    const edge = await startEdge({ vars: on, lists: lists(40), files: pages });
    for (const n of [...range(0, 40), 0, 39, 20]) {
      const { lists, ranker } = readModel(await (await edge.fetch(`/${n}`)).text());
      assert.deepEqual(lists, [`similar-${n}`]);
      // Items that were asked for come first.
      assert.deepEqual([...ranker.candidates(items(range(n, n + 10))).rows], range(0, 10));
    }
    await edge.stop();
    assert.deepEqual(edge.warnings, []);
  });

  it("are left out where there can be none, and the console says so once", async () => {
    // More lists than the isolate keeps: at the end of the page the first are gone.
    const edge = await startEdge({ vars: on, lists: lists(300), files: { "/many.html": page(range(0, 300).map((n) => slot(`similar-${n}`, 1)).join("")) } });
    const html = await (await edge.fetch("/many")).text();
    assert.equal(readSlots(html).filter(({ by }) => by === "edge").length, 300);
    assert.match(html, /<\/body><\/html>$/);
    assert.equal(readModel(await (await edge.fetch("/")).text()).lists.length, 2);
    await edge.stop();
    assert.equal(edge.warnings.length, 1, edge.warnings.join("\n"));
    assert.match(edge.warnings.join(), /model of a page of 300 lists, candidates\/similar-0\.json first: .* is kept no longer; such pages go without/);
  });
});
