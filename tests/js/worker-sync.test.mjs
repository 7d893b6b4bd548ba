/** worker/src/follow.rs: how an isolate follows an origin, and what isolates share. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { deployed, ids, makeStorage, manifestPath, startEdge } from "../worker/edge.mjs";
import { faults, startOrigin } from "../worker/origin.mjs";
import { publish, snapshots } from "../worker/published.mjs";
import { publication, shown, shows } from "../worker/updates.mjs";

/** @typedef {import("../worker/edge.mjs").Edge} Edge */
/** @typedef {import("../worker/origin.mjs").Origin} Origin */

const bucketOf = async (/** @type {Edge} */ edge) => /** @type {any} */ (await edge.miniflare.getR2Bucket("BLOBS", "edge-0"));
const kvOf = async (/** @type {Edge} */ edge) => /** @type {any} */ (await edge.miniflare.getKVNamespace("MANIFEST", "edge-0"));

/** What a browser gets of the models. @param {Edge} edge @param {string} path */
const get = async (edge, path) => Buffer.from(await (await edge.fetch(path)).arrayBuffer());

describe("a worker that follows an origin", () => {
  /** @type {Origin} */
  let origin;
  /** @type {string} */
  let storage;
  /** @type {Edge[]} */
  let edges = [];
  beforeEach(async () => {
    origin = await startOrigin();
    storage = makeStorage();
    origin.publish(publish(publication(1, 2)));
  });
  afterEach(async () => {
    await Promise.all(edges.map((edge) => edge.stop()));
    edges = [];
    await origin.stop();
    rmSync(storage, { recursive: true, force: true });
  });
  const seed = publication(0, 1);
  const start = async (/** @type {Partial<import("../worker/edge.mjs").Options>} */ options = {}) =>
{
    const edge = await startEdge({ seed, storage, ...options, vars: { MODELS_URL: origin.url, ...options.vars } });
    edges.push(edge);
    return edge;
  };

  it("shows the seed and asks nobody where there is no origin", async () => {
    const edge = await start({ vars: { MODELS_URL: "" } });
    assert.deepEqual(await shown(edge), { model: 0, sequence: 1 });
    await edge.cron();
    assert.deepEqual(await shown(edge), { model: 0, sequence: 1 });
    assert.deepEqual([origin.asked, edge.warnings], [[], []]);
  });

  it("comes to what is published by cron, by a delta", async () => {
    const edge = await start();
    assert.deepEqual(await shown(edge), { model: 0, sequence: 1 });
    await edge.cron();
    assert.deepEqual(origin.asked, ["manifest", "delta", "file", "file"]);
    assert.deepEqual(await shown(edge), { model: 1, sequence: 2 });
    // It is not due: cron asks for nothing.
    await edge.cron();
    assert.equal(origin.asked.length, 4);
    assert.deepEqual(edge.warnings, []);
    assert.equal(edge.console.filter((line) => line === `sync updated: sequence 2, snapshot ${ids[1]}`).length, 1);
  });

  it("goes over two deltas, and serves browsers what it has come to", async () => {
    const published = publish(publication(2, 3));
    origin.publish(published);
    const edge = await start();
    assert.deepEqual(await get(edge, manifestPath), deployed(seed)[manifestPath]);
    await edge.cron();
    assert.deepEqual(origin.asked, ["manifest", "delta", "delta", "file", "file"]);
    assert.deepEqual(await shown(edge), { model: 2, sequence: 3 });
    for (const [url, content] of Object.entries(published)) {
      const response = await edge.fetch(`/pocketrank/${url}`);
      assert.deepEqual(Buffer.from(await response.arrayBuffer()), Buffer.from(content), url);
      const headers = Object.fromEntries(response.headers);
      assert.match(headers.etag ?? "", /^"[^"]+"$/, url);
      assert.equal(headers["cache-control"], url === "manifest.pkrm" ? "no-cache" : "public, max-age=31536000, immutable");
      assert.equal(headers["content-type"], url.endsWith(".json") ? "application/json" : "application/octet-stream");
      const again = await edge.fetch(`/pocketrank/${url}`, { headers: { "If-None-Match": headers.etag ?? "" } });
      assert.deepEqual([again.status, (await again.arrayBuffer()).byteLength], [304, 0], url);
      const head = await edge.fetch(`/pocketrank/${url}`, { method: "HEAD" });
      assert.deepEqual([head.status, head.headers.get("etag")], [200, headers.etag]);
    }
    // What only another manifest names comes from the origin, and nothing else does.
    const newer = publish(publication(2, 4));
    origin.publish(newer);
    const [path = ""] = Object.keys(newer).filter((url) => !(url in published));
    assert.deepEqual(await get(edge, `/pocketrank/${path}`), Buffer.from(/** @type {string} */ (newer[path])));
    const asked = origin.asked.length;
    for (const path of ["files/none.json", "manifests/1.pkrm", "..%2fmodels%2fmanifest.pkrm", "files/"]) assert.equal((await edge.fetch(`/pocketrank/${path}`)).status, 404, path);
    assert.equal(origin.asked.length, asked);
    assert.deepEqual(edge.warnings, []);
  });

  it("asks on demand where nobody else does, and never before the answer", async () => {
    const edge = await start({ vars: { INTERVAL: "1" } });
    origin.fail(() => undefined);
    const began = Date.now();
    while (Date.now() - began < 3_000) {
      const asked = Date.now();
      assert.deepEqual(await shown(edge), { model: 0, sequence: 1 });
      assert.ok(Date.now() - asked < 900, "the page did not wait for the origin");
      await sleep(20);
    }
    assert.ok(origin.asked.length >= 1 && origin.asked.length <= 4, `${origin.asked.length} tries, one at a time`);
    origin.fail(undefined);
    await shows(edge, { model: 1, sequence: 2 });
  });

  it("follows without KV and R2 as well, from the memory of the isolate", async () => {
    const edge = await start({ storage: undefined, vars: { INTERVAL: "1" } });
    await shows(edge, { model: 1, sequence: 2 });
    origin.publish(publish(publication(2, 3)));
    await shows(edge, { model: 2, sequence: 3 });
    assert.ok(!origin.asked.includes("snapshot"));
    assert.deepEqual(await get(edge, `/pocketrank/snapshots/${ids[2]}.pkr`), Buffer.from(/** @type {Uint8Array} */ (snapshots[2])));
    assert.deepEqual(edge.warnings, []);
  });

  it("shares with other isolates: they swap without asking the origin", async () => {
    const edge = await start({ isolates: 2, vars: { INTERVAL: "2" } });
    for (const isolate of [0, 1]) assert.deepEqual(await shown(edge, isolate), { model: 0, sequence: 1 });
    const before = origin.asked.length;
    await edge.cron(0);
    const asked = origin.asked.slice(before);
    assert.deepEqual(asked, ["manifest", "delta", "file", "file"]);
    origin.fail(faults["500"]);
    await shows(edge, { model: 1, sequence: 2 }, 1);
    assert.ok(!origin.asked.slice(before + asked.length).some((kind) => kind !== "manifest"), "nothing was fetched twice");
  });

  it("starts with what is stored, and with the seed where that is newer", async () => {
    const first = await start();
    await first.cron();
    await first.stop();
    const asked = origin.asked.length;
    const second = await start();
    assert.deepEqual(await shown(second), { model: 1, sequence: 2 });
    assert.equal(origin.asked.length, asked);
    await second.stop();
    const third = await start({ seed: publication(2, 3) });
    assert.deepEqual(await shown(third), { model: 2, sequence: 3 });
    for (const edge of [second, third]) assert.deepEqual(edge.warnings, []);
  });

  it("fetches again what is gone or damaged in R2, and shows the seed meanwhile", async () => {
    const first = await start();
    await first.cron();
    const bucket = await bucketOf(first);
    const { objects } = await bucket.list({ prefix: "blobs/" });
    assert.equal(objects.length, 3);
    for (const { key, size } of objects) {
      if (size === snapshots[1]?.length) await bucket.put(key, "damaged");
      else await bucket.delete(key);
    }
    await first.stop();
    const second = await start();
    assert.deepEqual(await shown(second), { model: 0, sequence: 1 });
    await second.cron();
    assert.deepEqual(await shown(second), { model: 1, sequence: 2 });
    assert.match(second.warnings.join("\n"), /^sync lost: /m);
    await second.stop();
    const third = await start();
    assert.deepEqual(await shown(third), { model: 1, sequence: 2 });
    assert.deepEqual(third.warnings, []);
  });

  it("loads again what is stored, when a trap has lost all of the instance's memory", async () => {
    const entry = `
      import Worker from "./index.js";
      // What the wasm asks it for it dies of.
      const trap = { method: "POST", get url() { throw new WebAssembly.RuntimeError("unreachable"); } };
      export default {
        async fetch(request, env, context) {
          if (new URL(request.url).pathname !== "/trap") return new Worker(context, env).fetch(request);
          return new Worker(context, env).fetch(trap);
        },
        scheduled: (event, env, context) => new Worker(context, env).scheduled(event),
      };`;
    const edge = await start({ entry });
    await edge.cron();
    assert.deepEqual(await shown(edge), { model: 1, sequence: 2 });
    const asked = origin.asked.length;
    assert.equal((await edge.fetch("/trap")).status, 503);
    assert.deepEqual(await shown(edge), { model: 1, sequence: 2 });
    assert.equal(edge.console.filter((line) => line.startsWith("sync updated: sequence 2")).length, 2, "it was lost");
    origin.publish(publish(publication(2, 3)));
    await edge.cron();
    assert.deepEqual(await shown(edge), { model: 1, sequence: 2 }, "it is still known when the manifest was found to be current");
    assert.equal(origin.asked.length, asked);
  });

  it("takes no older manifest from KV", async () => {
    const first = await start();
    await first.cron();
    const old = await (await kvOf(first)).get("manifest", "arrayBuffer");
    await (await kvOf(first)).delete("manifest");
    await first.stop();
    origin.publish(publish(publication(2, 3)));
    const second = await start({ vars: { INTERVAL: "1" } });
    await second.cron();
    assert.deepEqual(await shown(second), { model: 2, sequence: 3 });
    origin.fail(faults["500"]);
    await (await kvOf(second)).put("manifest", old);
    const until = Date.now() + 2_500;
    while (Date.now() < until) {
      assert.deepEqual(await shown(second), { model: 2, sequence: 3 });
      await sleep(100);
    }
  });

  it("hands browsers nothing damaged that R2 has, and fetches it again", async () => {
    const first = await start();
    await first.cron();
    const bucket = await bucketOf(first);
    const lists = Object.entries(publish(publication(1, 2))).filter(([url]) => url.startsWith("files/"));
    const { objects } = await bucket.list({ prefix: "blobs/" });
    const keys = objects.filter((/** @type {{ size: number }} */ { size }) => size !== snapshots[1]?.length).map((/** @type {{ key: string }} */ { key }) => key);
    assert.deepEqual([keys.length, lists.length], [2, 2]);
    const whole = await Promise.all(keys.map(async (/** @type {string} */ key) => Buffer.from(await (await bucket.get(key)).arrayBuffer())));
    // One of another length, one with another byte.
    await bucket.put(keys[0], "damaged");
    await bucket.put(keys[1], Uint8Array.from(whole[1], (byte, at) => (at === 9 ? byte ^ 1 : byte)));
    await first.stop();
    const second = await start({ vars: { INTERVAL: "1" } });
    origin.fail(faults["500"]);
    origin.asked.length = 0;
    for (const [url] of lists) {
      const response = await second.fetch(`/pocketrank/${url}`);
      assert.deepEqual([response.status, response.headers.get("cache-control"), (await response.arrayBuffer()).byteLength], [500, "no-store", 0], url);
    }
    assert.ok(origin.asked.length >= 2 && origin.asked.every((kind) => kind === "file"));
    origin.fail(undefined);
    for (const [url, content] of lists) {
      const response = await second.fetch(`/pocketrank/${url}`);
      assert.equal(await response.text(), content, url);
      assert.match(response.headers.get("cache-control") ?? "", /immutable/);
    }
    await sleep(1_100);
    await second.cron();
    const again = await bucketOf(second);
    for (const [at, key] of keys.entries()) assert.deepEqual(Buffer.from(await (await again.get(key)).arrayBuffer()), whole[at], "R2 is mended too");
    assert.match(second.warnings.join("\n"), /^sync lost: /m);
  });

  it("relays what its name stands for and nothing else, within the limits of time and bytes", async () => {
    const edge = await start({ vars: { INTERVAL: "1" } });
    await edge.cron();
    const now = publish(publication(1, 2));
    const newer = publish(publication(2, 3));
    origin.publish(newer);
    const unknown = Object.keys(newer).filter((url) => !(url in now));
    assert.deepEqual(unknown.map((url) => url.split("/")[0]).sort(), ["deltas", "files", "files", "snapshots"]);
    /** @type {[string, number][]} */
    const cases = [
      ["404", 404], ["500", 500], ["down", 502], ["short", 502], ["changed", 502], ["other", 502], ["cut", 502], ["redirect loop", 502],
      ["10 GB announced", 502], ["stall", 502], ["stall after a half", 502],
    ];
    for (const [fault, status] of cases) {
      origin.fail(faults[fault], ["delta", "file", "snapshot"]);
      for (const url of unknown) {
        const asked = Date.now();
        const response = await edge.fetch(`/pocketrank/${url}`);
        const told = `${url}, ${fault}`;
        assert.deepEqual([response.status, response.headers.get("cache-control"), (await response.arrayBuffer()).byteLength], [status, "no-store", 0], told);
        assert.ok(Date.now() - asked < 4_000, told);
      }
    }
    assert.ok(origin.sent() < 60_000_000, `${origin.sent()} bytes were taken`);
    origin.fail(undefined);
    for (const url of unknown) {
      const response = await edge.fetch(`/pocketrank/${url}`);
      assert.deepEqual(Buffer.from(await response.arrayBuffer()), Buffer.from(/** @type {string} */ (newer[url])), url);
      assert.match(response.headers.get("cache-control") ?? "", /immutable/);
      const again = await edge.fetch(`/pocketrank/${url}`, { headers: { "If-None-Match": response.headers.get("etag") ?? "" } });
      assert.equal(again.status, 304);
      const head = await edge.fetch(`/pocketrank/${url}`, { method: "HEAD" });
      assert.deepEqual([head.status, (await head.arrayBuffer()).byteLength], [200, 0]);
    }
  });

  it("writes no older manifest to KV than is there, and cron mends one that got there", async () => {
    origin.publish(publish(publication(2, 3)));
    const first = await start();
    await first.cron();
    const read = async (/** @type {Edge} */ edge) => Buffer.from(await (await kvOf(edge)).get("manifest", "arrayBuffer"));
    const newest = await read(first);
    await (await kvOf(first)).delete("manifest");
    await first.stop();

    // While this one is on its way to an older manifest, another isolate has come to the newest.
    origin.publish(publish(publication(1, 2)));
    const second = await start({ vars: { INTERVAL: "1" } });
    const kv = await kvOf(second);
    origin.fail((response, whole) => void kv.put("manifest", Uint8Array.from(newest)).then(() => response.end(whole)), ["delta"]);
    await second.cron();
    assert.ok(origin.asked.includes("delta"));
    assert.deepEqual(await read(second), newest, "it stays in KV");
    origin.fail(undefined);
    await shows(second, { model: 2, sequence: 3 });

    // The older one got there all the same, or something else, or it is gone.
    origin.publish(publish(publication(2, 3)));
    const old = publish(publication(1, 2))["manifest.pkrm"];
    for (const wrong of [old, "something else", undefined]) {
      if (wrong === undefined) await kv.delete("manifest");
      else await kv.put("manifest", Uint8Array.from(Buffer.from(wrong)));
      await second.cron();
      assert.deepEqual(await shown(second), { model: 2, sequence: 3 });
      assert.deepEqual(await read(second), newest);
    }
    origin.fail(faults["500"]);
    const third = await start();
    assert.deepEqual(await shown(third), { model: 2, sequence: 3 });
  });

  it("deletes from R2 what was not needed for a day, and nothing else", async () => {
    const keys = async (/** @type {Edge} */ edge) => (await (await bucketOf(edge)).list({ prefix: "blobs/" })).objects.map((/** @type {{ key: string }} */ { key }) => key);
    const first = await start();
    await first.cron();
    const before = await keys(first);
    const stray = `blobs/${"ab".repeat(32)}`;
    await (await bucketOf(first)).put(stray, "stray");
    // Noted a day ago.
    const note = Buffer.alloc(40, Buffer.from("ab", "hex"));
    note.writeBigUInt64LE(BigInt(Date.now() - 86_400_001), 32);
    await (await bucketOf(first)).put("forget", Uint8Array.from(note));
    await first.stop();
    origin.publish(publish(publication(2, 3)));
    const second = await start({ vars: { INTERVAL: "1" } });
    await sleep(1_100);
    await second.cron();
    assert.deepEqual(await shown(second), { model: 2, sequence: 3 });
    const kept = await keys(second);
    assert.ok(!kept.includes(stray));
    for (const key of before) assert.ok(kept.includes(key), "what was needed until now stays for a day");
    assert.equal(kept.length, before.length + 3);
  });
});

describe("storage that takes nothing", () => {
  /** @type {Origin} */
  let origin;
  before(async () => {
    origin = await startOrigin();
    origin.publish(publish(publication(1, 2)));
  });
  after(() => origin.stop());
  /** @type {Record<string, string>} what fails */
  const cases = {
    "KV refuses to write": "MANIFEST: without(env.MANIFEST, { put: refuse })",
    "R2 refuses to write": "BLOBS: without(env.BLOBS, { put: refuse })",
    "all of it fails": "BLOBS: without(env.BLOBS, { put: refuse, get: refuse, list: refuse, delete: refuse }), MANIFEST: without(env.MANIFEST, { put: refuse, getWithMetadata: refuse })",
    "all of it stalls": "BLOBS: without(env.BLOBS, { get: stall }), MANIFEST: without(env.MANIFEST, { getWithMetadata: stall })",
  };
  for (const [name, broken] of Object.entries(cases)) {
    it(`does without: ${name}`, async (t) => {
      const storage = makeStorage();
      const entry = `
        import Worker from "./index.js";
        const refuse = async () => { throw new Error("10 GB are full"); };
        const stall = () => scheduler.wait(3_600_000);
        const without = (binding, methods) => ({ ...Object.fromEntries(["get", "getWithMetadata", "put", "list", "delete"].map((name) => [name, (...given) => binding[name](...given)])), ...methods });
        const changed = (env) => ({ ...env, ${broken} });
        export default {
          fetch: (request, env, context) => new Worker(context, changed(env)).fetch(request),
          scheduled: (event, env, context) => new Worker(context, changed(env)).scheduled(event),
        };`;
      t.after(() => rmSync(storage, { recursive: true, force: true }));
      const edge = await startEdge({ seed: publication(0, 1), storage, entry, vars: { MODELS_URL: origin.url } });
      t.after(edge.stop);
      const began = Date.now();
      assert.deepEqual(await shown(edge), { model: 0, sequence: 1 });
      assert.ok(Date.now() - began < 6_000, "a page does not wait without end");
      origin.asked.length = 0;
      await edge.cron();
      assert.deepEqual(origin.asked, ["manifest", "delta", "file", "file"]);
      for (let i = 0; i < 3; i++) assert.deepEqual(await shown(edge), { model: 1, sequence: 2 });
      await edge.cron();
      assert.equal(origin.asked.length, 4, "nothing is fetched twice");
      const told = edge.warnings.join("\n");
      if (name.includes("stalls")) return assert.match(told, /^MANIFEST: it does not answer; what is in use stays/m);
      assert.match(told, /^(MANIFEST|BLOBS): 10 GB are full; what is in use stays/m);
      assert.equal(told.split("sync not_stored: ").length - 1, 1, told);
    });
  }
});
