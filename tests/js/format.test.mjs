/** Every golden snapshot, read and scored by a second program that follows docs/FORMAT.md alone, is what the runtime takes it for. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { build } from "esbuild";
import { Consent, init, itemHash, Profile, Ranker } from "../../dist/npm/node.js";
import { root } from "../../scripts/process.mjs";

const bundle = await build({
  stdin: { contents: 'export * from "./format.ts"; export * from "./scores.ts"; export * from "./xxh64.ts";', resolveDir: join(root, "tests/js/support") },
  bundle: true,
  write: false,
  format: "esm",
  platform: "node",
});
/** @type {typeof import("./support/format.ts") & typeof import("./support/scores.ts") & typeof import("./support/xxh64.ts")} */
const { readSnapshot, scorer, xxh64 } = await import(`data:text/javascript,${encodeURIComponent(bundle.outputFiles[0]?.text ?? "")}`);

/** In the order of their numbers in the document. @type {import("../../www/index.d.ts").EventKind[]} */
const KINDS = [
  "view_item_list", "select_item", "view_item", "add_to_wishlist", "add_to_cart",
  "remove_from_cart", "begin_checkout", "purchase", "dismiss",
];
const DAY = 86_400;
const UNKNOWN = 0xffff_ffff;

const folder = join(root, "tests/fixtures");
const fixtures = readdirSync(folder)
  .filter((name) => name.endsWith(".bin"))
  .map((name) => {
    const bytes = readFileSync(join(folder, name));
    const snapshot = readSnapshot(bytes);
    const id = (/** @type {number} */ item) => (name.startsWith("synth-") ? `P${String(item + 1).padStart(4, "0")}` : `sku-${item}`);
    const known = Array.from({ length: snapshot.meta.items }, (_, item) => id(item));
    return { name, bytes, snapshot, known, ids: [...known, "of no", "snapshot", ""] };
  });

/** Parts that were not 0 for anyone would prove nothing. */
const seen = new Set();

await init();
const grant = new Consent({ choice: { mode: "session" } }).grant();

test("ids have the runtime's hash", () => {
  for (let length = 0; length < 100; length++) {
    const id = "Größe 42, 内容 ".repeat(10).slice(0, length);
    assert.equal(xxh64(id).toString(16).padStart(16, "0"), itemHash(id));
  }
});

test("experiments are those of the payload", () => {
  const payload = JSON.parse(readFileSync(join(root, "tests/cases/experiments.json"), "utf8"));
  const { features, experiments, groups } = fixtures.find(({ name }) => name === "experiments-v1.bin")?.snapshot.experiments ?? assert.fail("none");
  assert.deepEqual(features.map(({ key }) => key), Object.keys(payload.features).sort());
  for (const { key, default: value, rules } of features) {
    assert.deepEqual(value, payload.features[key].defaultValue);
    for (const [at, rule] of rules.entries()) {
      const from = payload.features[key].rules[at];
      if ("run" in rule) assert.deepEqual(rule.run.variations.map(({ value }) => value), from.variations);
      else assert.deepEqual(rule.force, from.force);
    }
  }
  // Weights of a half and two quarters of the nine tenths that are covered.
  const colours = features.flatMap(({ rules }) => rules).find(({ id }) => id === "colours");
  assert.deepEqual(colours && "run" in colours && colours.run.buckets, { seed: "colours", version: 2, ranges: [[0, 4500], [5000, 7250], [7500, 9750]] });
  assert.deepEqual(experiments.map(({ key, active }) => ({ key, active })), [{ key: "checkout", active: false }]);
  assert.deepEqual(groups, [payload.savedGroups.south]);
});

test("rules are those of the file", () => {
  const { rules } = JSON.parse(readFileSync(join(root, "tests/cases/rules.json"), "utf8"));
  const read = fixtures.find(({ name }) => name === "rules-v1.bin")?.snapshot.rules ?? assert.fail("none");
  const short = read.map(({ id, slot, priority, start, actions }) => ({ id, slot, priority, start, actions: actions.length }));
  const day = (/** @type {string | undefined} */ text) => (text ? Date.parse(`${text}T00:00Z`) / 1000 : 0);
  assert.deepEqual(short, rules.map((/** @type {any} */ { id, slot = "", priority = 0, start, actions }) => ({ id, slot, priority, start: day(start), actions: actions.length })));
  assert.deepEqual(read[0]?.actions[0], { pin: ["sku-31", "sku-7"].map(itemHash), place: 1 });
  assert.deepEqual(read[1]?.after, [{ event: 4, then: undefined, unless: 7, within: 30 }]);
});

for (const { name, bytes, snapshot, known, ids } of fixtures) {
  test(`${name} says of itself what the runtime reads`, () => {
    const { version, ...meta } = new Ranker(bytes).meta;
    assert.deepEqual({ id: snapshot.id, ...snapshot.meta }, meta);
    assert.equal(version, 1);
  });

  test(`${name} has the rows that the runtime finds`, () => {
    const rows = ids.map((id) => snapshot.row(xxh64(id)) ?? UNKNOWN);
    assert.deepEqual(rows, [...new Ranker(bytes).candidates(ids).rows]);
    assert.equal(new Set(rows.filter((row) => row !== UNKNOWN)).size, known.length);
  });

  test(`${name} has a name for each code`, () => {
    const { labels, attributes } = snapshot;
    const counts = labels && { category: labels.categories.length, brand: labels.brands.length, priceBand: labels.priceBands.length };
    assert.deepEqual(counts, attributes?.counts);
  });

  test(`${name} scores as the document says, part by part and bit by bit`, () => {
    const ranker = new Ranker(bytes);
    for (const { events, now } of visitors(snapshot.meta.trainedUntil, ids)) {
      const profile = profileOf(events);
      ranker.setProfile(profile, now);
      const [left, folded] = [profile.events(), profile.aggregates()].map((rows) => rows.map((row) => ({ ...row, item: BigInt(`0x${row.item}`), kind: KINDS.indexOf(row.kind) })));
      if (events.length <= 256) assert.deepEqual(left, events.map(({ id, kind, at }) => ({ item: xxh64(id), kind, at })));
      const parts = scorer(snapshot, /** @type {any} */ (left), /** @type {any} */ (folded), now);
      for (let row = 0; row < snapshot.meta.items; row++) {
        const runtime = ranker.explain(row);
        assert.deepEqual(parts(row), runtime.parts, `row ${row} for ${events.length <= 40 ? JSON.stringify(events) : events.length}`);
        for (const part of runtime.parts) if (part.value !== 0) seen.add(part.name);
        assert.equal(runtime.parts.reduce((sum, { value }) => Math.fround(sum + value), 0), runtime.score);
      }
    }
  });
}

test("the golden snapshots have and lack each section, and something in each part", () => {
  assert.equal(seen.size, 10);
  for (const section of /** @type {const} */ (["prior", "attributes", "labels", "neighbours", "factors", "content", "templates"])) {
    const has = fixtures.map(({ snapshot }) => snapshot[section] !== undefined);
    assert.deepEqual(new Set(has), new Set([true, false]), section);
  }
});

test("a snapshot that was changed or cut is refused", () => {
  for (const { bytes } of fixtures) {
    for (const at of [0, 4, 8, 20, 50, 60, bytes.length - 1]) {
      assert.throws(() => readSnapshot(bytes.map((byte, index) => (index === at ? byte ^ 1 : byte))));
    }
    assert.throws(() => readSnapshot(bytes.subarray(0, -1)), /not as long as it says/);
  }
});

/** Visitors from none to some 40 events, and one of more than a profile has room for, of all kinds, some with unknown items, days apart and a day ahead. @param {number} from @param {string[]} ids */
function visitors(from, ids) {
  const random = numbers(7);
  return Array.from({ length: 40 }, (_, visitor) => {
    const now = from + random(60 * DAY);
    const length = visitor === 39 ? 700 : visitor && 1 + random([1, 4, 12, 40][visitor % 4] ?? 1);
    const events = Array.from({ length }, () => ({ id: ids[random(ids.length)] ?? "", kind: random(9), at: now + DAY - random(90 * DAY) }));
    return { now, events: events.sort((a, b) => a.at - b.at) };
  });
}

/** @param {{ id: string, kind: number, at: number }[]} events */
function profileOf(events) {
  assert.ok(grant);
  const profile = new Profile();
  for (const { id, kind, at } of events) profile.record(grant, id, KINDS[kind] ?? "dismiss", at);
  return profile;
}

/** Numbers below a bound, the same every time. @param {number} seed */
function numbers(seed) {
  let state = seed;
  return (/** @type {number} */ bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}
