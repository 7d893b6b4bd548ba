/** worker/src/flags.rs: what an operator switches off while the worker runs. (The API's routes: worker-api.test.mjs.) */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fallback, makeStorage, readSlots, shop, startEdge } from "../worker/edge.mjs";

/** Which slots of the home page are filled. @param {import("../worker/edge.mjs").Edge} edge */
async function filled(edge) {
  const slots = readSlots(await (await edge.fetch("/")).text());
  for (const { by, html, rows } of slots) if (by !== "edge") assert.deepEqual([html, rows], [fallback, []]);
  return slots.filter(({ by }) => by === "edge").map(({ name }) => name);
}

/** Asks until that is so. @param {() => Promise<boolean>} holds */
async function becomes(holds) {
  for (let i = 0; i < 60; i++) {
    if (await holds()) return;
    await sleep(300);
  }
  assert.fail("it does not become so within 18 s");
}

describe("flags", { concurrency: true }, () => {
  it("switch a slot off and on again, and what cannot be read changes nothing", async () => {
    const edge = await startEdge({ storage: makeStorage() });
    await edge.flags('{ "slots": { "popular": false } }');
    assert.deepEqual(await filled(edge), ["trending"]);
    await edge.flags('{ "slots": { "popular": true ');
    const wrongs = () => edge.logs.filter(({ event, reason }) => event === "flags" && reason === "wrong");
    await becomes(async () => {
      assert.deepEqual(await filled(edge), ["trending"]);
      return wrongs().length > 0;
    });
    await edge.flags('{ "slots": { "trending": false } }');
    await becomes(async () => (await filled(edge)).join() === "popular");
    await edge.flags();
    await becomes(async () => (await filled(edge)).length === 2);
    assert.equal(wrongs().length, 1, "it is told once");
    assert.deepEqual(edge.logs.filter(({ event }) => event === "flags").map(({ reason }) => reason), ["changed", "wrong", "changed", "changed"]);
    await edge.stop();
  });

  it("switch all personalization off: the page is upstream's, and caches may keep it", async () => {
    const edge = await startEdge({ storage: makeStorage() });
    await edge.flags('{ "personalization": false }');
    const response = await edge.fetch("/");
    assert.equal(await response.text(), shop["/index.html"]);
    assert.notEqual(response.headers.get("cache-control"), "private, no-store");
    await edge.stop();
  });

  it("are all on where there are none, no KV, or a KV that fails", async () => {
    for (const storage of [undefined, makeStorage()]) {
      const edge = await startEdge(storage ? { storage } : {});
      assert.equal((await filled(edge)).length, 2);
      await edge.stop();
      assert.deepEqual(edge.logs.filter(({ event }) => event === "flags"), []);
    }
    const entry = `
      import Worker from "./index.js";
      const broken = { getWithMetadata: () => Promise.reject(new Error("out of order")), put: () => Promise.reject(new Error("out of order")) };
      export default { fetch: (request, env, context) => new Worker(context, { ...env, MANIFEST: broken }).fetch(request) };`;
    const edge = await startEdge({ storage: makeStorage(), entry });
    assert.equal((await filled(edge)).length, 2);
    await edge.stop();
    assert.deepEqual(edge.logs.filter(({ event }) => event === "storage").map(({ reason }) => reason), ["MANIFEST"]);
  });
});
