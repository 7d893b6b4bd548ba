/** The slim entry: ranks as the whole does (cases.test.mjs), shares profiles with it, and has nothing of what it leaves out. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import * as whole from "../../dist/npm/node.js";
import * as slim from "../../dist/npm/slim-node.js";
import { root } from "../../scripts/process.mjs";

const read = (/** @type {string} */ path) => readFileSync(join(root, path));
const bytes = read("tests/fixtures/random-v1.bin");
const ids = Array.from({ length: 60 }, (_, n) => `sku-${n}`);
const NOW = 1_290_000_000;
const code = (/** @type {string} */ expected) => (/** @type {any} */ error) =>
  error instanceof Error && /** @type {any} */ (error).code === expected;

/** @param {typeof slim | typeof whole} entry */
function grantOf(entry) {
  return new entry.Consent({ choice: { mode: "session" } }).grant() ?? assert.fail("it was agreed");
}

describe("the slim entry", () => {
  before(() => Promise.all([slim.init(), whole.init()]));

  it("has exactly what it declares", () => {
    assert.deepEqual(Object.keys(slim).sort(), ["Consent", "Grant", "Profile", "Ranker", "init", "memoryBytes"]);
    const names = (/** @type {{ prototype: object }} */ { prototype }) => Object.getOwnPropertyNames(prototype);
    for (const name of ["meta", "explain", "labels"]) assert.ok(!names(slim.Ranker).includes(name), name);
    for (const name of ["events", "capsule"]) assert.ok(!names(slim.Profile).includes(name), name);
    assert.ok(!names(slim.Consent).includes("capsuleGrant"));
  });

  it("reads what the whole wrote, and the other way round", () => {
    const [mine, theirs] = [grantOf(slim), grantOf(whole)];
    const profile = new slim.Profile();
    ids.forEach((id, at) => profile.record(mine, id, at % 3 ? "view_item" : "purchase", NOW - at * 3_600));
    const encoded = profile.encode(mine);
    const again = whole.Profile.decode(theirs, encoded, NOW);
    assert.deepEqual(again.encode(theirs), encoded);
    assert.equal(slim.Profile.decode(mine, again.encode(theirs), NOW).length, 60);
    const rank = (/** @type {any} */ { Ranker }, /** @type {any} */ history) => {
      const ranker = new Ranker(bytes);
      ranker.setProfile(history, NOW);
      return ranker.rerank(ranker.candidates(ids), { count: 30, excludePurchased: true });
    };
    assert.deepEqual(rank(slim, profile), rank(whole, again));
    profile.erase();
    assert.equal(profile.length, 0);
  });

  it("carries a lot and what it has assigned, which it has no use for", () => {
    const [mine, theirs] = [grantOf(slim), grantOf(whole)];
    const drawn = new whole.Profile();
    drawn.drawLot(theirs, 0xfff);
    const kept = Uint8Array.from({ length: 3 + 16 * 8 }, (_, at) => [0xff, 0x0f, 16][at] ?? at);
    drawn.keep(theirs, kept);
    const profile = slim.Profile.decode(mine, drawn.encode(theirs));
    profile.record(mine, "sku-1", "view_item", NOW);
    const again = whole.Profile.decode(theirs, profile.encode(mine), NOW);
    assert.deepEqual(again.draw, kept);
    assert.equal(again.length, 1);
    profile.erase();
    assert.equal(whole.Profile.decode(theirs, profile.encode(mine)).draw.length, 0);
  });

  it("gives errors the texts and codes of the whole", () => {
    const failure = (/** @type {() => unknown} */ act) => {
      try {
        act();
      } catch (error) {
        const { message, code } = /** @type {any} */ (error);
        return { message, code };
      }
      return assert.fail("it throws");
    };
    const damaged = Uint8Array.from(bytes);
    damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1;
    /** @type {((entry: any) => unknown)[]} */
    const acts = [
      ({ Ranker }) => new Ranker(bytes.subarray(0, 40)),
      ({ Ranker }) => new Ranker(new Uint8Array(200)),
      ({ Ranker }) => new Ranker(damaged),
      (entry) => entry.Profile.decode(grantOf(entry), new Uint8Array(3)),
      (entry) => new entry.Profile().record(grantOf(entry), "a", "stare", 0),
      ({ Consent }) => new Consent({ choice: { mode: "forever" } }),
      ({ Consent }) => new Consent(7),
    ];
    for (const act of acts) {
      const { message, code } = failure(() => act(slim));
      assert.deepEqual({ message, code }, failure(() => act(whole)));
      assert.ok(message && code);
    }
  });

  it("mints no grant without a yes", () => {
    assert.equal(new slim.Consent({}).grant(), undefined);
    for (const gpc of [true, null]) assert.equal(new slim.Consent({ gpc, choice: { mode: "persistent" } }).grant(), undefined);
    assert.equal(new slim.Consent({ gpc: false, choice: { mode: "session" } }).mode, "session");
  });

  it("takes nothing for what it is not, and nothing that was given back", () => {
    const ranker = new slim.Ranker(bytes);
    const list = ranker.candidates(ids);
    const profile = new slim.Profile();
    const grant = grantOf(slim);
    const entry = /** @type {any} */ (slim);
    assert.throws(() => new entry.Grant(), code("invalid_option"));
    for (const other of [{}, 7, "grant", undefined, new entry.Consent({}), Object.create(entry.Grant.prototype)]) {
      assert.throws(() => profile.record(other, "a", "view_item", 0), code("invalid_option"));
      assert.throws(() => entry.Profile.decode(other, new Uint8Array()), code("invalid_option"));
    }
    for (const other of [{}, 7, list, undefined]) assert.throws(() => ranker.setProfile(/** @type {any} */ (other)), code("invalid_option"));
    for (const other of [{}, 7, profile, undefined]) assert.throws(() => ranker.rerank(/** @type {any} */ (other)), code("invalid_option"));
    assert.throws(() => new entry.Ranker(4096), code("magic"));
    assert.equal(new entry.Profile(4096).length, 0);
    profile.record(grant, "a", "view_item", 0);
    for (const held of [profile, list, ranker]) {
      held.free();
      held.free();
    }
    assert.throws(() => profile.length, code("freed"));
    assert.throws(() => list.rows, code("freed"));
    assert.throws(() => ranker.items, code("freed"));
  });

  it("takes any way in that the wasm can come", async () => {
    const wasm = read("dist/npm/pocketrank_slim_bg.wasm");
    const typed = (/** @type {string} */ type) => new Response(wasm, { headers: { "content-type": type } });
    const sources = [wasm, new Uint8Array(wasm).buffer, await WebAssembly.compile(wasm), typed("application/wasm"), typed("text/plain")];
    for (const [n, source] of [...sources, Promise.resolve(wasm)].entries()) {
      const fresh = await import(`../../dist/npm/slim-node.js?way=${n}`);
      await fresh.init(source);
      assert.equal(new fresh.Ranker(bytes).id, new slim.Ranker(bytes).id);
    }
    const fresh = await import(`../../dist/npm/slim-node.js?way=${"none"}`);
    const offline = async () => assert.fail("offline");
    for (const find of [() => read("README.md"), () => new Response("gone", { status: 404 }), offline]) {
      await assert.rejects(fresh.init(find()), code("not_initialised"));
    }
    await fresh.init();
    assert.equal(new fresh.Profile().length, 0);
  });

  it("loads what arrives in pieces, and refuses what is too long or wrong", async () => {
    /** @param {number} size @param {Uint8Array} [from] */
    async function* inPieces(size, from = bytes) {
      for (let at = 0; at < from.length; at += size) yield from.subarray(at, at + size);
    }
    for (const size of [1000, 70_000, bytes.length]) {
      const ranker = await slim.Ranker.load(inPieces(size));
      assert.deepEqual([ranker.id, ranker.items], [new whole.Ranker(bytes).id, new whole.Ranker(bytes).items]);
    }
    assert.equal((await slim.Ranker.load(new Response(bytes))).id, new slim.Ranker(bytes).id);
    await assert.rejects(slim.Ranker.load(inPieces(1000), { maxBytes: 1000 }), code("limit"));
    await assert.rejects(slim.Ranker.load(inPieces(1000, bytes.subarray(1))), code("magic"));
    await assert.rejects(slim.Ranker.load(inPieces(1000, bytes.subarray(0, -1))), code("truncated"));
    await assert.rejects(slim.Ranker.load(new Response("gone", { status: 404 })), code("not_loaded"));
  });

  it("says that it is not loaded", async () => {
    const fresh = await import(`../../dist/npm/slim-node.js?${Date.now()}`);
    assert.throws(() => new fresh.Ranker(bytes), code("not_initialised"));
  });

  it("uses memory again that was freed, for as long as a page lives", () => {
    const open = () => {
      const ranker = new slim.Ranker(bytes);
      const list = ranker.candidates(ids);
      ranker.rerank(list, { count: 20 });
      list.free();
      return ranker;
    };
    const turn = () => Array.from({ length: 20 }, open).forEach((ranker) => ranker.free());
    turn();
    const most = slim.memoryBytes();
    for (let times = 0; times < 200; times += 1) turn();
    assert.equal(slim.memoryBytes(), most);
  });
});
