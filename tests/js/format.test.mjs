/** Every golden snapshot, read and scored by a second program that follows docs/FORMAT.md alone, is what the runtime says it is. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { build } from "esbuild";
import { root } from "../../scripts/process.mjs";
import { Consent, init, itemHash, Profile, Ranker } from "../../dist/npm/node.js";

const bundle = await build({
  stdin: { contents: ["format", "scores", "xxh64"].map((name) => `export * from "./${name}.ts";`).join("\n"), resolveDir: join(root, "tests/js/support") },
  bundle: true,
  write: false,
  format: "esm",
  platform: "node",
});
/** @type {typeof import("./support/format.ts") & typeof import("./support/scores.ts") & typeof import("./support/xxh64.ts")} */
const { readSnapshot, scorer, xxh64 } = await import(`data:text/javascript,${encodeURIComponent(bundle.outputFiles[0]?.text ?? "")}`);

/** In the order of their numbers in the document. */
const KINDS = /** @type {const} */ ([
  "view_item_list",
  "select_item",
  "view_item",
  "add_to_wishlist",
  "add_to_cart",
  "remove_from_cart",
  "begin_checkout",
  "purchase",
  "dismiss",
]);
const DAY = 86_400;

const folder = join(root, "tests/fixtures");
const names = readdirSync(folder).filter((name) => name.endsWith(".bin"));
const fixtures = names.map((name) => ({ name, bytes: readFileSync(join(folder, name)) }));

await init();
const grant = new Consent({ choice: { mode: "session" } }).grant();

test("XXH64 is the runtime's", () => {
  for (let length = 0; length < 100; length++) {
    const id = "Größe 42 ".repeat(12).slice(0, length);
    assert.equal(xxh64(id).toString(16).padStart(16, "0"), itemHash(id));
  }
});

for (const { name, bytes } of fixtures) {
  test(`${name} is read as the runtime reads it`, () => {
    const snapshot = readSnapshot(bytes);
    const { id, version, ...meta } = new Ranker(bytes).meta;
    assert.deepEqual({ id: snapshot.id, ...snapshot.meta }, { id, ...meta });
    assert.equal(version, 1);
    const ids = idsOf(snapshot.meta.items);
    const rows = ids.map((id) => snapshot.row(xxh64(id)));
    assert.deepEqual(rows.slice(0, snapshot.meta.items).sort((a, b) => Number(a) - Number(b)), ids.slice(0, snapshot.meta.items).map((_, row) => row));
    assert.deepEqual(rows, Array.from(new Ranker(bytes).candidates(ids).rows, (row) => (row === 0xffff_ffff ? undefined : row)));
  });

  test(`${name} gives the scores that the document says`, () => {
    const snapshot = readSnapshot(bytes);
    const ranker = new Ranker(bytes);
    const ids = idsOf(snapshot.meta.items);
    const random = numbers(7);
    for (let visitor = 0; visitor < 40; visitor++) {
      const now = snapshot.meta.trainedUntil + random(60 * DAY);
      const length = visitor === 0 ? 0 : 1 + random([1, 4, 12, 40][visitor % 4] ?? 1);
      const events = Array.from({ length }, () => ({ id: ids[random(ids.length)] ?? "", kind: random(9), at: now - random(90 * DAY) }));
      events.sort((a, b) => a.at - b.at);
      assert.ok(grant);
      const profile = new Profile();
      for (const { id, kind, at } of events) profile.record(grant, id, KINDS[kind] ?? "dismiss", at);
      ranker.setProfile(profile, now);
      const parts = scorer(snapshot, events.map(({ id, ...event }) => ({ item: xxh64(id), ...event })), now);
      for (let row = 0; row < snapshot.meta.items; row++) {
        const { score, parts: expected } = ranker.explain(row);
        assert.deepEqual(parts(row), expected, `visitor ${visitor}, row ${row}`);
        assert.equal(expected.reduce((sum, { value }) => Math.fround(sum + value), 0), score);
      }
    }
  });
}

/** The fixtures' ids are `sku-0` onwards; some behind them are unknown. @param {number} items */
function idsOf(items) {
  return Array.from({ length: items + 5 }, (_, item) => `sku-${item}`);
}

/** Numbers below a bound, the same every time. @param {number} seed */
function numbers(seed) {
  let state = seed;
  return (/** @type {number} */ bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}
