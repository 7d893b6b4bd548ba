/** Replay capsules: Node and the command line make the same slate again, bit for bit, and refuse what was changed. And exports, read back. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Consent, Profile, Ranker, init, itemHash } from "../../dist/npm/node.js";
import { fromFragment, profileBytes, readCapsule, replay, toFragment, writeCapsule } from "../../dist/npm/replay.js";
import { cli } from "../../scripts/build.mjs";
import { root } from "../../scripts/process.mjs";

const NOW = 1_700_000_000;
const SNAPSHOT = join(root, "tests/fixtures/random-v1.bin");
const KINDS = /** @type {const} */ (["view_item_list", "select_item", "view_item", "add_to_cart", "purchase", "dismiss"]);
const folder = mkdtempSync(join(tmpdir(), "pocketrank-replay-"));
const items = Array.from({ length: 60 }, (_, n) => ({ id: `sku-${n * 6}`, in_stock: n % 7 !== 0 }));
/** @type {any} */
let grant;
/** @type {(held: Uint8Array, at: number) => any} */
const restore = (held, at) => Profile.restore(grant, held, at, Infinity);
const code = (/** @type {string} */ expected, /** @type {RegExp} */ text) => (/** @type {any} */ error) => error.code === expected && text.test(error.message);

before(async () => {
  await init();
  grant = new Consent({ choice: { mode: "session" } }).grant();
});
after(() => rmSync(folder, { recursive: true }));

/** A visitor of so many events. @param {number} length */
function visitor(length) {
  const profile = new Profile();
  for (let n = 0; n < length; n++) profile.record(grant, `sku-${(n * 31) % 420}`, KINDS[n % 6] ?? "dismiss", NOW - (length - n) * 5_003);
  profile.drawLot(grant, 77);
  return profile;
}

/** @param {number} length @param {any} [options] @param {any} [blend] */
function capsule(length, options = {}, blend = {}) {
  const ranker = new Ranker(readFileSync(SNAPSHOT));
  const profile = visitor(length);
  ranker.setBlend(blend);
  ranker.setProfile(profile, NOW);
  const slate = ranker.rerank(ranker.candidates(items), options);
  return { text: writeCapsule({ ranker, profile, now: NOW, candidates: items, slate, options, blend }), slate, profile };
}

/** @param {string} text */
function replayed(text, snapshot = SNAPSHOT) {
  const file = join(folder, "capsule.json");
  writeFileSync(file, text);
  return told(file, snapshot);
}

/** What the command line says of a file, or of a link. @param {string} file @returns {Promise<{ code: number, stdout: string, stderr: string }>} */
function told(file, snapshot = SNAPSHOT) {
  return new Promise((resolve) => {
    execFile(cli(), ["replay", file, "--snapshot", snapshot, "--json"], (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }));
  });
}

/** Lifts the first candidates, and pins nothing. */
const shifts = new Uint8Array(Uint32Array.of(60, ...new Uint32Array(Float32Array.from({ length: 60 }, (_, n) => (n < 5 ? 0.5 : 0)).buffer)).buffer);

for (const [name, length, options, blend] of /** @type {const} */ ([
  ["of nobody", 0, {}, {}],
  ["of some events", 30, { count: 20, diversity: 0, excludePurchased: true }, {}],
  ["with aggregates, rules and factors", 900, { count: 30, diversity: 0.7, excludeOutOfStock: false, shifts }, { popularity: 0.25, neighbours: 3 }],
])) {
  test(`a slate ${name} is the same again in Node and on the command line`, async () => {
    const { text, slate, profile } = capsule(length, options, blend);
    assert.equal(profile.aggregates().length > 0, length === 900);
    const again = replay(text, new Ranker(readFileSync(SNAPSHOT)), restore);
    assert.deepEqual(again.slate.map(({ index, row, score }) => ({ index, row, score })), slate);
    const { code, stdout, stderr } = await replayed(text);
    assert.equal(code, 0, stderr);
    const native = JSON.parse(stdout);
    assert.equal(native.slate.length, slate.length);
    for (const [place, { index, row, score, why }] of again.slate.entries()) {
      const other = native.slate[place];
      assert.deepEqual([other.index, other.row, Math.fround(other.score), other.id], [index, row, score, items[index]?.id]);
      assert.deepEqual(other.why.parts.map((/** @type {any} */ part) => Math.fround(part.value) + 0), why.parts.map(({ value }) => value + 0));
    }
    assert.equal(fromFragment(toFragment(text)), text);
  });
}

test("a capsule has no time but the clock's and no item but the visitor's and the list's", () => {
  const { text } = capsule(12);
  const { now, events, lot, snapshot } = readCapsule(text);
  assert.deepEqual([now, events.length, events.at(-1), lot, snapshot.length], [NOW, 12, [itemHash(`sku-${11 * 31}`), "dismiss", 5_003], 77, 32]);
});

test("a capsule that was changed is refused, and so is one whose slate is another", async () => {
  const { text } = capsule(30);
  const ranker = () => new Ranker(readFileSync(SNAPSHOT));
  const changed = text.replace('"count":12', '"count":11');
  assert.notEqual(changed, text);
  assert.throws(() => replay(changed, ranker(), restore), code("checksum", /was changed/));
  const { code: refused, stderr } = await replayed(changed);
  assert.equal(refused, 3);
  assert.match(stderr, /was changed since it was written/);

  // By one who writes the check anew.
  const forged = resealed(text, (capsule) => (capsule.slate[3][1] = Math.fround(capsule.slate[3][1] * 1.0000001)));
  assert.throws(() => replay(forged, ranker(), restore), code("differs", /at place 4/));
  const told = await replayed(forged);
  assert.equal(told.code, 3);
  assert.match(told.stderr, /differs at place 4/);
  assert.throws(() => replay(text.replace("replay/1", "replay/2"), ranker(), restore), code("invalid_capsule", /schema/));
  assert.throws(() => readCapsule("{"), code("invalid_capsule", /no replay capsule/));
  assert.throws(() => fromFragment("#pocketrank-replay=%"), code("invalid_capsule", /copy the whole address/));
  assert.equal(fromFragment("#top"), undefined);
});

test("a capsule of another snapshot is refused, and both are named", async () => {
  const { text } = capsule(3);
  const other = join(root, "tests/fixtures/narrow-v1.bin");
  const ranker = new Ranker(readFileSync(other));
  assert.throws(() => replay(text, ranker, restore), code("other_snapshot", new RegExp(`${readCapsule(text).snapshot}.*${ranker.id}`)));
  const { code: refused, stderr } = await replayed(text, other);
  assert.equal(refused, 3);
  assert.match(stderr, new RegExp(`${readCapsule(text).snapshot}.*${ranker.id}`));
});

test("the command line takes a link, and a file with one, as the overlay does", async () => {
  const { text, slate } = capsule(300);
  const link = `https://shop.example/category/x?y=1${toFragment(text)}`;
  for (const { code, stdout, stderr } of [await told(link), await replayed(`${link}\n`)]) {
    assert.equal(code, 0, stderr);
    assert.equal(JSON.parse(stdout).slate.length, slate.length);
  }
  for (const cut of [link.slice(0, -1), link.slice(0, -40), `${link}%`]) {
    const { code, stderr } = await told(cut);
    assert.equal(code, 3, cut.slice(-10));
    assert.match(stderr, /^pocketrank: the link: /);
    assert.ok(stderr.length < 300, stderr);
  }
});

test("the command line says what is wrong with a file", async () => {
  const { text } = capsule(30);
  const missing = await told(join(folder, "nowhere.json"));
  assert.deepEqual([missing.code, /cannot read .*nowhere\.json/.test(missing.stderr)], [1, true], missing.stderr);
  const { code, stderr } = await replayed(text, join(folder, "nowhere.bin"));
  assert.deepEqual([code, /cannot read .*nowhere\.bin/.test(stderr)], [1, true], stderr);
  for (const [wrong, says] of /** @type {[string, RegExp][]} */ ([
    [text.slice(0, -1), /no replay capsule/],
    ["", /no replay capsule/],
    [text.replace("replay/1", "replay/2"), /update pocketrank/],
    [resealed(text, (capsule) => delete capsule.slate), /missing field `slate`/],
    [resealed(text, (capsule) => (capsule.events[0][2] = -(2 ** 63 - 1024))), /`events`: the time of 0/],
    [resealed(text, (capsule) => (capsule.events = Array(65_536).fill(capsule.events[0]))), /`events`: there are 65536/],
    [resealed(text, (capsule) => capsule.events.reverse()), /no profile/],
    [resealed(text, (capsule) => (capsule.aggregates = [[capsule.events[0][0], "purchase", -(2 ** 63 - 1024), 0, 1]])), /`aggregates`: 0 has more days/],
    [resealed(text, (capsule) => (capsule.outOfStock = [60])), /there is no candidate 60/],
    [resealed(text, (capsule) => (capsule.options.shifts = "abc")), /not hexadecimal/],
    [resealed(text, (capsule) => (capsule.options.blend = { charm: 2 })), /`blend`/],
  ])) {
    const { code, stderr } = await replayed(wrong);
    assert.equal(code, 3, stderr);
    assert.match(stderr, says);
  }
});

/** The capsule with something else in it, sealed again. @param {string} text @param {(capsule: any) => void} change */
function resealed(text, change) {
  const { check, ...rest } = JSON.parse(text);
  assert.equal(check.length, 8);
  change(rest);
  const covered = JSON.stringify(rest).slice(0, -1);
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(covered)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return `${covered},"check":"${hash.toString(16).padStart(8, "0")}"}`;
}

test("an export is read back whole, and says which field is wrong", () => {
  const profile = visitor(900);
  profile.keep(grant, Uint8Array.of(77, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8));
  const held = JSON.parse(JSON.stringify(profile));
  assert.deepEqual(Profile.restore(grant, profileBytes(held), NOW).encode(grant), profile.encode(grant));
  assert.equal(Profile.restore(grant, profileBytes(held), NOW + 366 * 86_400).length, 0);
  const refused = (/** @type {any} */ change, /** @type {RegExp} */ text) =>
    assert.throws(() => profileBytes({ ...structuredClone(held), ...change }), code("invalid_profile", text));
  refused({ events: [{ ...held.events[0], kind: "stare" }] }, /events\[0\]\.kind/);
  refused({ events: [{ ...held.events[0], item: "sku-1" }] }, /events\[0\]\.item/);
  refused({ events: [{ ...held.events[0], at: -1 }] }, /events\[0\]\.at/);
  refused({ events: [null] }, /events\[0\]/);
  refused({ events: Array(257).fill(held.events[0]) }, /at most 256/);
  refused({ aggregates: [{ ...held.aggregates[0], count: 65 }] }, /aggregates\[0\]\.count/);
  refused({ aggregates: [{ ...held.aggregates[0], first: 0 }] }, /from `first` to `last`/);
  refused({ lot: 4096 }, /lot/);
  refused({ lot: undefined }, /need a `lot`/);
  assert.throws(() => Profile.restore(grant, profileBytes({ ...held, events: held.events.toReversed() }), NOW), code("corrupt", /order/));
});

test("what has a capsule's schema and check, but not its fields, is none", () => {
  const { text } = capsule(4);
  /** @param {object} changed */
  const written = (changed) => {
    const bare = JSON.stringify({ ...JSON.parse(text), ...changed, check: undefined }).slice(0, -1);
    const check = new TextEncoder().encode(bare).reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193) >>> 0, 0x811c9dc5);
    return `${bare},"check":"${check.toString(16).padStart(8, "0")}"}`;
  };
  assert.equal(written({}), text);
  const ranker = new Ranker(readFileSync(SNAPSHOT));
  for (const changed of [{ events: undefined }, { aggregates: {} }, { candidates: "sku-1" }, { outOfStock: null }, { slate: 7 }, { options: undefined }, { options: { shifts: 1 } }, { now: "today" }]) {
    assert.throws(() => replay(written(changed), ranker, restore), code("invalid_capsule", /no replay capsule/), JSON.stringify(changed));
  }
});
