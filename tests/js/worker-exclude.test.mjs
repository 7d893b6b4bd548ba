/** What a slot leaves out at the edge (worker/src/slot.rs and lists.rs): the items that its attribute names, whoever asks and whatever rules say. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { root } from "../../scripts/process.mjs";
import { Profile, Ranker } from "../../dist/npm/node.js";
import { Decisions, init } from "../../dist/npm/decide-node.js";
import { candidates, items, now, page, range, readSlots, slot, startEdge, visitor } from "../worker/edge.mjs";
import { decided } from "./support/decisions.mjs";

await init();

const snapshot = decided(join(root, "tests/fixtures/templates-v1.bin"), {
  rules: [
    { id: "pins", slot: "pinned", actions: [{ pin: ["sku-31", "sku-8"], place: 1 }, { boost: { items: ["sku-12", "sku-13"] }, by: 0.5 }] },
    { id: "lists", slot: "reminded", actions: [{ list: "reminders" }] },
  ],
});
const ranker = new Ranker(snapshot);
const decisions = new Decisions(ranker, () => undefined);
const all = [...items(range(0, 40)).map((item) => ({ ...item, in_stock: true })), ...items([50]).map((item) => ({ ...item, id: "a&\"b'", in_stock: true }))];
const reminders = all.slice(20, 26);
/** @type {Record<string, [attribute: string, ids: string[], count: number]>} by slots' names */
const slots = {
  absent: ["", [], 6],
  empty: ['data-pocketrank-exclude=""', [], 6],
  blank: ['data-pocketrank-exclude=" \t\n"', [], 6],
  unknown: ['data-pocketrank-exclude="no-such-item sku-399 sku-"', [], 6],
  some: ['data-pocketrank-exclude="\n sku-3\tsku-1&#10;sku-2  sku-8 sku-3 "', ["sku-1", "sku-2", "sku-3", "sku-8"], 48],
  quoted: ['data-pocketrank-exclude="a&amp;&quot;b&#39; sku-0"', ["a&\"b'", "sku-0"], 48],
  many: [`data-pocketrank-exclude="${range(1, 5000).map((n) => `sku-${n}`).join(" ")}"`, range(1, 5000).map((n) => `sku-${n}`), 48],
  pinned: ['data-pocketrank-exclude="sku-31 sku-12"', ["sku-31", "sku-12"], 6],
  reminded: ['data-pocketrank-exclude="sku-21 sku-22"', ["sku-21", "sku-22"], 6],
};
/** Slots with nothing to leave out show the same. */
const plain = ["absent", "empty", "blank", "unknown"];

describe("what a slot leaves out at the edge", () => {
  /** @type {import("../worker/edge.mjs").Edge} */
  let edge;
  before(async () => {
    const body = Object.entries(slots).map(([name, [attribute, , count]]) => slot("all", count, name).replace(">", ` ${attribute}>`));
    const every = slot("reminders", 6, "nothing").replace(">", ` data-pocketrank-exclude="${reminders.map(({ id }) => id).join(" ")}">`);
    edge = await startEdge({
      seed: { snapshot, lists: { all: candidates(all), reminders: candidates(reminders) } },
      files: { "/shop.html": page(body.join("")), "/nothing.html": page(every) },
    });
  });
  after(() => edge.stop());

  /** @param {string} path @param {Record<string, string>} [headers] */
  async function read(path, headers = {}) {
    const response = await edge.fetch(path, { headers });
    assert.equal(response.status, 200);
    return readSlots(await response.text());
  }
  const ids = (/** @type {{ html: string }} */ { html }) => [...html.matchAll(/data-item="([^"]*)"/g)].map(([, id = ""]) => id.replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&amp;", "&"));

  /** What Node ranks where these items are not to be had. @param {string} name @param {Profile} profile @param {any} attributes */
  function expected(name, profile, attributes) {
    const [, out, count] = slots[name] ?? assert.fail(name);
    const { list, rules } = decisions.make(name, { attributes, profile, now });
    const shown = (list === "reminders" ? reminders : all).map((item) => ({ ...item, in_stock: !out.includes(item.id) }));
    ranker.setProfile(profile, now);
    const resolved = ranker.candidates(shown);
    return ranker.rerank(resolved, { count, shifts: decisions.moves(rules, ranker, resolved) }).map(({ index }) => shown[index]?.id);
  }

  const known = visitor([[3, "view_item", 2], [1, "view_item", 1], [12, "add_to_cart", 0]]);
  for (const [who, headers, profile] of /** @type {const} */ ([
    ["nobody in particular", {}, new Profile()],
    ["a visitor who is known", { cookie: known.cookie }, known.profile],
    ["who sends Global Privacy Control", { cookie: known.cookie, "sec-gpc": "1" }, new Profile()],
  ])) {
    it(`is not there for ${who}, pinned or not, in the slot's own list or a rule's`, async () => {
      const found = await read("/shop", headers);
      assert.deepEqual(found.map(({ name }) => name), Object.keys(slots));
      for (const slot of found) {
        assert.equal(slot.by, "edge", slot.name);
        assert.deepEqual(ids(slot), expected(slot.name, profile, slot.page), slot.name);
      }
      const of = (/** @type {string} */ name) => ids(found.find((slot) => slot.name === name) ?? assert.fail(name));
      for (const name of plain) assert.deepEqual(of(name), of("absent"), name);
      assert.equal(of("some").length, all.length - 4);
      assert.equal(of("quoted").length, all.length - 2);
      assert.deepEqual(of("many").sort(), ["a&\"b'", "sku-0"]);
      assert.equal(of("pinned")[1], "sku-8", "what else is pinned has its own place");
      assert.deepEqual(of("reminded").sort(), ["sku-20", "sku-23", "sku-24", "sku-25"]);
    });
  }

  it("leaves a slot of which it leaves nothing as upstream has it", async () => {
    const [nothing] = await read("/nothing");
    assert.deepEqual([nothing?.by, ids(nothing ?? assert.fail())], [undefined, ["upstream"]]);
  });

  it("says nothing to the log", () => assert.deepEqual(edge.warnings, []));
});
