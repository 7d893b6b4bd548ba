/** worker/src/store.rs and bindings.rs: what is kept in KV and R2, and what becomes of an isolate where they fail. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { makeStorage, startEdge } from "../worker/edge.mjs";
import { bucketOf, following, kvOf } from "../worker/following.mjs";
import { faults, startOrigin } from "../worker/origin.mjs";
import { publish } from "../worker/published.mjs";
import { publication, shown, shows } from "../worker/updates.mjs";

describe("what is stored", () => {
  const from = following();
  const { start } = from;

  it("starts with what is stored, and with the seed where that is newer", async () => {
    const first = await start();
    await first.cron();
    await first.stop();
    const asked = from.origin.asked.length;
    const second = await start();
    assert.deepEqual(await shown(second), { model: 1, sequence: 2 });
    assert.equal(from.origin.asked.length, asked);
    await second.stop();
    const third = await start({ seed: publication(2, 3) });
    assert.deepEqual(await shown(third), { model: 2, sequence: 3 });
    for (const edge of [second, third]) assert.deepEqual(edge.warnings, []);
  });

  it("takes no older manifest from KV", async () => {
    const first = await start();
    await first.cron();
    const old = await (await kvOf(first)).get("manifest", "arrayBuffer");
    await (await kvOf(first)).delete("manifest");
    await first.stop();
    from.origin.publish(publish(publication(2, 3)));
    const second = await start({ vars: { INTERVAL: "1" } });
    await second.cron();
    assert.deepEqual(await shown(second), { model: 2, sequence: 3 });
    from.origin.fail(faults["500"]);
    await (await kvOf(second)).put("manifest", old);
    const until = Date.now() + 2_500;
    while (Date.now() < until) {
      assert.deepEqual(await shown(second), { model: 2, sequence: 3 });
      await sleep(100);
    }
  });

  it("writes no older manifest to KV than is there, and cron mends one that got there", async () => {
    from.origin.publish(publish(publication(2, 3)));
    const first = await start();
    await first.cron();
    const read = async (/** @type {import("../worker/edge.mjs").Edge} */ edge) => Buffer.from(await (await kvOf(edge)).get("manifest", "arrayBuffer"));
    const newest = await read(first);
    await (await kvOf(first)).delete("manifest");
    await first.stop();

    // While this one is on its way to an older manifest, another isolate has come to the newest.
    from.origin.publish(publish(publication(1, 2)));
    const second = await start({ vars: { INTERVAL: "1" } });
    const kv = await kvOf(second);
    from.origin.fail((response, whole) => void kv.put("manifest", Uint8Array.from(newest)).then(() => response.end(whole)), ["delta"]);
    await second.cron();
    assert.ok(from.origin.asked.includes("delta"));
    assert.deepEqual(await read(second), newest, "it stays in KV");
    from.origin.fail(undefined);
    await shows(second, { model: 2, sequence: 3 });

    // The older one got there all the same, or something else, or it is gone.
    from.origin.publish(publish(publication(2, 3)));
    const old = publish(publication(1, 2))["manifest.pkrm"];
    for (const wrong of [old, "something else", undefined]) {
      if (wrong === undefined) await kv.delete("manifest");
      else await kv.put("manifest", Uint8Array.from(Buffer.from(wrong)));
      await second.cron();
      assert.deepEqual(await shown(second), { model: 2, sequence: 3 });
      assert.deepEqual(await read(second), newest);
    }
    from.origin.fail(faults["500"]);
    const third = await start();
    assert.deepEqual(await shown(third), { model: 2, sequence: 3 });
  });

  it("deletes from R2 what was not needed for a day, and nothing else", async () => {
    const keys = async (/** @type {import("../worker/edge.mjs").Edge} */ edge) => (await (await bucketOf(edge)).list({ prefix: "blobs/" })).objects.map((/** @type {{ key: string }} */ { key }) => key);
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
    from.origin.publish(publish(publication(2, 3)));
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
  /** @type {import("../worker/origin.mjs").Origin} */
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
