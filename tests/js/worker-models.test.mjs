/** worker/src/models.rs: an arm that ranks with another model. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { root } from "../../scripts/process.mjs";
import { Ranker } from "../../dist/npm/node.js";
import { candidates, deployed, items, now, page, range, readSlots, slot, startEdge, visitor } from "../worker/edge.mjs";
import { decided, twoArms } from "./support/decisions.mjs";

const snapshot = decided(join(root, "tests/fixtures/templates-v1.bin"), { features: { "pocketrank.model": twoArms("models", [null, "big"]) } });
const big = readFileSync(join(root, "tests/fixtures/random-v1.bin"));
const all = items(range(0, 40)).map((item, n) => ({ ...item, in_stock: n % 7 !== 3 }));
const files = { "/shop.html": page(slot("all", 6)) };
const rankers = [snapshot, big].map((bytes) => new Ranker(bytes));

/** Slates of some visitors. @param {import("../worker/edge.mjs").Options} options */
async function visits(options) {
  const edge = await startEdge({ files, ...options });
  const found = [];
  for (const seed of range(0, 12)) {
    const { profile, cookie } = visitor([[3, "view_item", 1], [8, "add_to_cart", 0]], seed * 0x9e3779b1);
    const response = await edge.fetch("/shop", { headers: { cookie } });
    const html = await response.text();
    const [first] = readSlots(html);
    found.push({ ...first, profile, html, arm: first?.experiments[0]?.key });
  }
  await edge.stop();
  return { found, warnings: edge.warnings };
}

const slate = (/** @type {Ranker | undefined} */ ranker, /** @type {import("../../www/index.d.ts").Profile} */ profile) => {
  ranker?.setProfile(profile, now);
  return ranker?.rerank(ranker.candidates(all), { count: 6, diversity: 0.3 }).map(({ row }) => row);
};

describe("an arm with another model", () => {
  const lists = { all: candidates(all) };

  it("ranks with that model, whose rows the page names", async () => {
    const { found, warnings } = await visits({ seed: { snapshot, lists, models: { big } }, vars: { PAGE_MODEL: "on" } });
    assert.deepEqual(warnings, []);
    const arms = new Set();
    for (const { arm, rows, snapshot: id, profile, html } of found) {
      const ranker = rankers[arm === "new" ? 1 : 0];
      assert.equal(id, ranker?.id);
      assert.deepEqual(rows, slate(ranker, profile));
      assert.equal(html.includes("data-pocketrank-model"), arm !== "new", "a page carries a model of what is in it alone");
      arms.add(arm);
    }
    assert.deepEqual([...arms].sort(), ["control", "new"]);
  });

  /** @type {Record<string, Record<string, Uint8Array>>} */
  const wrong = { "is not published": {}, "is damaged": { big: big.map((byte, at) => (at === 5_000 ? byte ^ 1 : byte)) } };
  for (const [name, models] of Object.entries(wrong)) {
    it(`ranks with the usual one where that ${name}, and says so`, async () => {
      const { found, warnings } = await visits({ seed: { snapshot, lists, models } });
      for (const { rows, snapshot: id, profile } of found) {
        assert.equal(id, rankers[0]?.id);
        assert.deepEqual(rows, slate(rankers[0], profile));
      }
      assert.equal(warnings.length, 1, warnings.join("\n"));
      assert.match(warnings[0] ?? "", /models\/|files\//);
    });
  }

  it("is deployed like any other file", () => {
    const published = Object.keys(deployed({ snapshot, lists, models: { big } }));
    assert.ok(published.some((path) => /\/files\/[0-9a-f]{32}\.pkr$/.test(path)), published.join());
  });
});
