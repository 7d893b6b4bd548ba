/** worker/src/follow.rs, follower.rs, drive.rs and origin.rs: how an isolate follows an origin, and what isolates share. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ids } from "../worker/edge.mjs";
import { following, get } from "../worker/following.mjs";
import { faults } from "../worker/origin.mjs";
import { publish, snapshots } from "../worker/published.mjs";
import { publication, shown, shows } from "../worker/updates.mjs";

describe("a worker that follows an origin", () => {
  const from = following();
  const { start } = from;

  it("shows the seed and asks nobody where there is no origin", async () => {
    const edge = await start({ vars: { MODELS_URL: "" } });
    assert.deepEqual(await shown(edge), { model: 0, sequence: 1 });
    await edge.cron();
    assert.deepEqual(await shown(edge), { model: 0, sequence: 1 });
    assert.deepEqual([from.origin.asked, edge.warnings], [[], []]);
  });

  it("comes to what is published by cron, by a delta", async () => {
    const edge = await start();
    assert.deepEqual(await shown(edge), { model: 0, sequence: 1 });
    await edge.cron();
    assert.deepEqual(from.origin.asked, ["manifest", "delta", "file", "file"]);
    assert.deepEqual(await shown(edge), { model: 1, sequence: 2 });
    // It is not due: cron asks for nothing.
    await edge.cron();
    assert.equal(from.origin.asked.length, 4);
    assert.deepEqual(edge.warnings, []);
    assert.equal(edge.console.filter((line) => line === `sync updated: sequence 2, snapshot ${ids[1]}`).length, 1);
  });

  it("asks on demand where nobody else does, and never before the answer", async () => {
    const edge = await start({ vars: { INTERVAL: "1" } });
    from.origin.fail(() => undefined);
    const began = Date.now();
    while (Date.now() - began < 3_000) {
      const asked = Date.now();
      assert.deepEqual(await shown(edge), { model: 0, sequence: 1 });
      assert.ok(Date.now() - asked < 900, "the page did not wait for the origin");
      await sleep(20);
    }
    assert.ok(from.origin.asked.length >= 1 && from.origin.asked.length <= 4, `${from.origin.asked.length} tries, one at a time`);
    from.origin.fail(undefined);
    await shows(edge, { model: 1, sequence: 2 });
  });

  it("follows without KV and R2 as well, from the memory of the isolate", async () => {
    const edge = await start({ storage: undefined, vars: { INTERVAL: "1" } });
    await shows(edge, { model: 1, sequence: 2 });
    from.origin.publish(publish(publication(2, 3)));
    await shows(edge, { model: 2, sequence: 3 });
    assert.ok(!from.origin.asked.includes("snapshot"));
    assert.deepEqual(await get(edge, `/pocketrank/snapshots/${ids[2]}.pkr`), Buffer.from(/** @type {Uint8Array} */ (snapshots[2])));
    assert.deepEqual(edge.warnings, []);
  });

  it("shares with other isolates: they swap without asking the origin", async () => {
    const edge = await start({ isolates: 2, vars: { INTERVAL: "2" } });
    for (const isolate of [0, 1]) assert.deepEqual(await shown(edge, isolate), { model: 0, sequence: 1 });
    const before = from.origin.asked.length;
    await edge.cron(0);
    const asked = from.origin.asked.slice(before);
    assert.deepEqual(asked, ["manifest", "delta", "file", "file"]);
    from.origin.fail(faults["500"]);
    await shows(edge, { model: 1, sequence: 2 }, 1);
    assert.ok(!from.origin.asked.slice(before + asked.length).some((kind) => kind !== "manifest"), "nothing was fetched twice");
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
    const asked = from.origin.asked.length;
    assert.equal((await edge.fetch("/trap")).status, 503);
    assert.deepEqual(await shown(edge), { model: 1, sequence: 2 });
    assert.equal(edge.console.filter((line) => line.startsWith("sync updated: sequence 2")).length, 2, "it was lost");
    from.origin.publish(publish(publication(2, 3)));
    await edge.cron();
    assert.deepEqual(await shown(edge), { model: 1, sequence: 2 }, "it is still known when the manifest was found to be current");
    assert.equal(from.origin.asked.length, asked);
  });
});
