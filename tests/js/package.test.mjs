/** www/src/ranking/ranker.ts: what the facade adds to the wasm's surface. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { Consent, Profile, Ranker, capsuleChoice, init, memoryBytes } from "../../dist/npm/node.js";
import { root } from "../../scripts/process.mjs";

const bytes = readFileSync(join(root, "tests/fixtures/random-v1.bin"));
const ids = Array.from({ length: 60 }, (_, n) => `sku-${n}`);
const code = (/** @type {string} */ expected) => (/** @type {any} */ error) =>
  error instanceof Error && /** @type {any} */ (error).code === expected;

describe("the package", () => {
  it("says that it is not loaded", async () => {
    const fresh = await import(`../../dist/npm/node.js?${Date.now()}`);
    assert.throws(() => new fresh.Ranker(bytes), code("not_initialised"));
    await assert.rejects(fresh.init(new Uint8Array([0, 1, 2])), code("not_initialised"));
    await fresh.init();
    assert.equal(new fresh.Ranker(bytes).items, new fresh.Ranker(bytes).items);
  });
});

describe("what is for pages", () => {
  it("can be imported where there is none, and does nothing", async () => {
    const [{ pocketrank }, { show, hide }] = await Promise.all([import("pocketrank/element"), import("pocketrank/devtools")]);
    await new Promise((resolve) => setImmediate(resolve));
    await assert.rejects(pocketrank, code("not_initialised"));
    await show();
    hide();
  });
});

describe("the facade", () => {
  before(() => init());

  it("loads once", async () => {
    await Promise.all([init(), init()]);
    assert.match(new Ranker(bytes).id, /^[0-9a-f]{32}$/);
  });

  it("multiplies the weights of parts, and puts them back", () => {
    const ranker = new Ranker(bytes);
    const grant = new Consent({ choice: { mode: "session" } }).grant() ?? assert.fail("it was agreed");
    const profile = new Profile();
    ids.slice(0, 9).forEach((id, at) => profile.record(grant, id, "view_item", 1_290_000_000 + at));
    const candidates = ranker.candidates(ids);
    const parts = () => {
      ranker.setProfile(profile, 1_290_000_000);
      const slate = ranker.rerank(candidates, { count: 60 });
      const rows = [...candidates.rows];
      return { slate, parts: rows.map((row) => Object.fromEntries(ranker.explain(row).parts.map(({ name, value }) => [name, value]))) };
    };
    const own = parts();
    for (const name of /** @type {const} */ (["neighbours", "repeat", "factors", "content", "category", "brand", "price_band", "popularity", "trend", "newness"])) {
      assert.ok(own.parts.some((parts) => parts[name] !== 0), `nothing has a part of ${name}`);
      // A power of 2, so that nothing is rounded.
      ranker.setBlend({ [name]: 0.5 });
      const halved = own.parts.map((parts) => ({ ...parts, [name]: /** @type {number} */ (parts[name]) / 2 }));
      assert.deepEqual(parts().parts, halved, name);
    }
    assert.notDeepEqual(parts().slate, own.slate);
    ranker.setBlend();
    assert.deepEqual(parts(), own);
    for (const wrong of [{ popularty: 1 }, { trend: -1 }, { trend: 101 }, { trend: NaN }]) {
      assert.throws(() => ranker.setBlend(/** @type {any} */ (wrong)), code("weight"));
    }
    assert.deepEqual(parts(), own);
  });

  it("hands experiments over, and keeps what they assigned to the same lot", () => {
    assert.deepEqual(new Ranker(bytes).experiments, new Uint8Array());
    assert.ok(new Ranker(readFileSync(join(root, "tests/fixtures/experiments-v1.bin"))).experiments.length > 500);
    const grant = new Consent({ choice: { mode: "session" } }).grant() ?? assert.fail("it was agreed");
    const profile = new Profile();
    assert.equal(profile.draw.length, 0);
    profile.keep(grant, Uint8Array.of(0x23, 1, 0));
    assert.equal(profile.draw.length, 0, "no lot was drawn");
    profile.drawLot(grant, 0xabcd_e123);
    assert.deepEqual([...profile.draw], [0x23, 1, 0]);
    const kept = Uint8Array.of(0x23, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8);
    profile.keep(grant, kept);
    assert.deepEqual(profile.draw, kept);
    profile.keep(grant, Uint8Array.of(0x24, 1, 0));
    assert.throws(() => profile.keep(grant, kept.subarray(0, 9)), code("corrupt"));
    assert.deepEqual(profile.draw, kept);
    profile.drawLot(grant, 0x123);
    assert.deepEqual([...profile.draw], [0x23, 1, 0], "what it had assigned is forgotten");
  });

  it("takes an ArrayBuffer as well as bytes", () => {
    const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
    assert.equal(new Ranker(/** @type {ArrayBuffer} */ (buffer)).id, new Ranker(bytes).id);
  });

  it("loads what arrives in pieces, from a response, a stream or anything that can be iterated", async () => {
    const pieces = [bytes.subarray(0, 5), bytes.subarray(5, 20), bytes.subarray(20)];
    const stream = () => new Response(bytes).body ?? assert.fail();
    async function* iterated() {
      yield* pieces;
    }
    for (const source of [new Response(bytes), stream(), iterated()]) assert.equal((await Ranker.load(source)).id, new Ranker(bytes).id);
  });

  it("says what is wrong with what arrives, and stops taking it", async () => {
    let cancelled = false;
    const endless = new ReadableStream({ pull: (to) => to.enqueue(new Uint8Array(1000)), cancel: () => void (cancelled = true) });
    await assert.rejects(Ranker.load(endless), code("magic"));
    assert.ok(cancelled);
    await assert.rejects(Ranker.load(new Response(bytes), { maxBytes: bytes.length - 1 }), code("limit"));
    await assert.rejects(Ranker.load(new Response(bytes.subarray(0, 900))), code("truncated"));
    await assert.rejects(Ranker.load(new Response(bytes, { status: 404 })), code("not_loaded"));
    await assert.rejects(Ranker.load(new Response(null)), code("truncated"));
    const flipped = Uint8Array.from(bytes);
    flipped[bytes.length - 1] = (flipped[bytes.length - 1] ?? 0) ^ 1;
    await assert.rejects(Ranker.load(new Response(flipped)), code("checksum"));
    assert.equal((await Ranker.load(new Response(flipped), { verify: false })).items, new Ranker(bytes).items);
  });

  it("holds a snapshot that arrives in pieces once", async () => {
    // A header that claims 60 MB, and then as many bytes: what matters here is where they go.
    const length = 60_000_000;
    const head = Uint8Array.from(bytes.subarray(0, 48));
    new DataView(head.buffer).setBigUint64(8, BigInt(length), true);
    let sent = head.length;
    let most = 0;
    const before = memoryBytes();
    const stream = new ReadableStream({
      start: (to) => to.enqueue(head),
      pull: (to) => {
        most = Math.max(most, memoryBytes());
        const piece = new Uint8Array(Math.min(65_536, length - sent));
        sent += piece.length;
        if (piece.length > 0) to.enqueue(piece);
        else to.close();
      },
    });
    await assert.rejects(Ranker.load(stream), code("corrupt"));
    assert.equal(sent, length);
    most = Math.max(most, memoryBytes());
    assert.ok(most >= length && most <= before + length + 2_000_000, `${most} bytes, ${before} before`);
  });

  it("sees the same memory after it has grown", () => {
    const ranker = new Ranker(bytes);
    const list = ranker.candidates(ids);
    const rows = [...list.rows];
    const slate = ranker.rerank(list, { count: 20 });
    // Enough snapshots that linear memory must grow, which leaves every older view empty.
    const others = Array.from({ length: Math.ceil(32e6 / bytes.length) }, () => new Ranker(bytes));
    assert.deepEqual([...list.rows], rows);
    assert.deepEqual(ranker.rerank(list, { count: 20 }), slate);
    list.setOutOfStock(slate[0]?.index ?? -1);
    assert.ok(ranker.rerank(list, { count: 20 }).every(({ index }) => index !== slate[0]?.index));
    for (const other of others) other.free();
  });

  it("takes stock from a candidates list", () => {
    const ranker = new Ranker(bytes);
    const list = ranker.candidates(ids.map((id, at) => ({ id, in_stock: at % 2 === 0 })));
    assert.ok(ranker.rerank(list, { count: 60 }).every(({ index }) => index % 2 === 0));
    assert.equal(ranker.rerank(list, { count: 60, excludeOutOfStock: false }).length, 60);
    assert.throws(() => list.setOutOfStock(60), code("invalid_option"));
  });

  it("ranks rows as it ranks ids, and unknown items last", () => {
    const ranker = new Ranker(bytes);
    const list = ranker.candidates(["no-such-item", ...ids]);
    assert.equal(list.rows[0], 0xffff_ffff);
    assert.deepEqual(
      ranker.rerank(ranker.candidatesOfRows(list.rows), { count: 9 }),
      ranker.rerank(list, { count: 9 }),
    );
  });

  it("explains a score by parts that add up to it", () => {
    const grant = new Consent({ choice: { mode: "session" } }).grant();
    assert.ok(grant);
    const profile = new Profile();
    for (const id of ids.slice(0, 5)) profile.record(grant, id, "view_item", 1_290_000_000);
    const ranker = new Ranker(bytes);
    ranker.setProfile(profile, 1_290_000_000);
    for (const { row, score } of ranker.rerank(ranker.candidates(ids), { count: 20 })) {
      const { parts, score: explained } = ranker.explain(row);
      assert.equal(explained, score);
      assert.equal(
        parts.reduce((sum, { value }) => Math.fround(sum + value), 0),
        score,
      );
    }
  });

  it("gives every error a code", () => {
    const grant = new Consent({ choice: { mode: "session" } }).grant();
    assert.ok(grant);
    assert.throws(() => new Ranker(bytes.subarray(0, 40)), code("truncated"));
    assert.throws(() => new Ranker(new Uint8Array(200)), code("magic"));
    assert.throws(() => new Profile().record(grant, "a", /** @type {any} */ ("stare"), 0), code("unknown_name"));
    assert.throws(() => Profile.decode(grant, new Uint8Array(3)), code("truncated"));
    assert.throws(() => new Consent(/** @type {any} */ ({ choice: { mode: "forever" } })), code("invalid_option"));
    assert.throws(() => capsuleChoice("?", 0), code("corrupt"));
    assert.throws(() => new Profile().record(/** @type {any} */ ({}), "a", "view_item", 0), code("invalid_option"));
    assert.throws(() => new Ranker(bytes).setProfile(/** @type {any} */ (undefined)), code("invalid_option"));
    const freed = new Profile();
    freed.free();
    assert.throws(() => freed.length, code("freed"));
    assert.throws(() => new Ranker(bytes).setProfile(freed), code("freed"));
  });

  it("mints no grant without a yes", () => {
    assert.equal(new Consent({}).grant(), undefined);
    for (const gpc of [true, null])
      assert.equal(new Consent({ gpc, choice: { mode: "persistent", capsule: true } }).grant(), undefined);
    const session = new Consent({ gpc: false, choice: { mode: "session" } });
    assert.deepEqual([session.mode, session.capsuleGrant()], ["session", undefined]);
  });
});
