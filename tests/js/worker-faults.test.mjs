/** Faults of the origin against real workerd: pages are filled each time from the model before, and the worker recovers with the origin. */
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { makeStorage, startEdge } from "../worker/edge.mjs";
import { faults, startOrigin } from "../worker/origin.mjs";
import { key, publish } from "../worker/published.mjs";
import { publication, shown, shows } from "../worker/updates.mjs";

/** @typedef {import("../worker/origin.mjs").Kind} Kind */

const [seed, update] = [publication(0, 1), publication(1, 2)];
const old = { model: 0, sequence: 1 };
const fresh = { model: 1, sequence: 2 };

/**
 * An isolate over its seed, and an origin. Waits are as many seconds at most, and answers may take as long and a second for each 8 kB.
 * @param {import("node:test").TestContext} t
 * @param {number} [interval]
 */
async function start(t, interval = 1) {
  const origin = await startOrigin();
  const storage = makeStorage();
  t.after(() => rmSync(storage, { recursive: true, force: true }));
  t.after(origin.stop);
  const edge = await startEdge({ seed, storage, vars: { MODELS_URL: origin.url, INTERVAL: String(interval) } });
  t.after(edge.stop);
  return { origin, edge };
}

/** Visits until the console has said that, and no visit may be worse than the one before. @param {import("../worker/edge.mjs").Edge} edge @param {RegExp} line */
async function visitUntil(edge, line) {
  const until = Date.now() + 30_000;
  while (!edge.console.some((said) => line.test(said))) {
    const asked = Date.now();
    await (await edge.fetch("/about")).text();
    const bare = Date.now() - asked;
    assert.deepEqual(await shown(edge), old);
    // As busy as the machine is: beside a page that needs no model.
    assert.ok(Date.now() - asked < 1_500 + 10 * bare, "a page does not wait for the origin");
    assert.ok(Date.now() < until, `${line}: ${edge.console.join("\n")}`);
    await sleep(50);
  }
  assert.deepEqual(await shown(edge), old);
}

// They wait most of the time.
describe("an origin whose", { concurrency: 5 }, () => {
  /** @type {[Kind[], keyof typeof faults, RegExp][]} */
  const cases = [
    [["manifest"], "down", /^sync network: manifest/],
    [["manifest"], "500", /^sync status: manifest, 500/],
    [["manifest"], "429", /^sync status: manifest, 429/],
    [["manifest"], "stall", /^sync timeout: manifest/],
    [["manifest"], "stall after a half", /^sync timeout: manifest/],
    [["manifest"], "cut", /^sync network: manifest/],
    [["manifest"], "short", /^sync (signature|truncated|corrupt): /],
    [["manifest"], "changed", /^sync signature: /],
    [["manifest"], "other", /^sync magic: /],
    [["manifest"], "redirect loop", /^sync redirected: manifest/],
    [["manifest"], "10 GB announced", /^sync too_long: manifest/],
    [["delta", "snapshot"], "down", /^sync network: delta/],
    [["delta", "snapshot"], "404", /^sync status: snapshot, 404/],
    [["delta", "snapshot"], "changed", /^sync snapshot_refused: /],
    [["delta", "snapshot"], "10 GB announced", /^sync too_long: snapshot/],
    [["delta", "snapshot"], "redirect loop", /^sync redirected: snapshot/],
    [["file"], "404", /^sync status: file, 404/],
    [["file"], "cut", /^sync network: file/],
    [["file"], "changed", /^sync file_refused: /],
    [["file"], "stall after a half", /^sync timeout: file/],
  ];
  for (const [kinds, fault, line] of cases) {
    it(`${kinds.join(" and ")} meets: ${fault}`, async (t) => {
      const { origin, edge } = await start(t);
      origin.publish(publish(update));
      origin.fail(faults[fault], kinds);
      await visitUntil(edge, line);
      if (fault === "10 GB announced") assert.ok(origin.sent() < 30_000_000, `${origin.sent()} bytes were taken`);
      origin.fail(undefined);
      await shows(edge, fresh);
    });
  }

  for (const fault of /** @type {const} */ (["404", "changed", "short", "10 GB announced", "redirect loop"])) {
    it(`delta meets: ${fault}, and the whole snapshot does instead`, async (t) => {
      // Long enough for any machine: what is late would count as another fault.
      const { origin, edge } = await start(t, 60);
      origin.publish(publish(update));
      origin.fail(faults[fault], ["delta"]);
      await edge.cron();
      // A loop is asked for several times.
      const kinds = origin.asked.filter((kind, at) => kind === "file" || kind !== origin.asked[at - 1]);
      assert.deepEqual(kinds, ["manifest", "delta", "snapshot", "file", "file"]);
      assert.deepEqual(await shown(edge), fresh);
    });
  }

  /** @type {Record<string, [import("../worker/published.mjs").Publication, RegExp]>} */
  const strangers = {
    "is signed by another key": [{ key: key(3) }, /^sync unsigned: /],
    "is for others": [{ audience: "others" }, /^sync audience: /],
    "is of the same sequence with other bytes": [{ sequence: 1 }, /^sync older: /],
  };
  for (const [name, [change, line]] of Object.entries(strangers)) {
    it(`manifest ${name}`, async (t) => {
      const { origin, edge } = await start(t);
      origin.publish(publish({ ...update, ...change }));
      await visitUntil(edge, line);
      assert.ok(!origin.asked.some((kind) => kind !== "manifest"));
      origin.publish(publish(update));
      await shows(edge, fresh);
    });
  }

  it("manifest is older than the one in use", async (t) => {
    const { origin, edge } = await start(t);
    origin.publish(publish(publication(2, 3)));
    await shows(edge, { model: 2, sequence: 3 });
    origin.publish(publish(update));
    const until = Date.now() + 20_000;
    while (!edge.console.some((said) => said.startsWith("sync older: "))) {
      assert.deepEqual(await shown(edge), { model: 2, sequence: 3 });
      assert.ok(Date.now() < until);
      await sleep(50);
    }
    origin.publish(publish(publication(1, 4)));
    await shows(edge, { model: 1, sequence: 4 });
  });

  it("manifest has expired: it is used, and the console says so, whether the origin answers or not", async (t) => {
    const { origin, edge } = await start(t);
    origin.publish(publish({ ...update, expires: 1_700_000_001 }));
    await shows(edge, fresh);
    for (const fault of [undefined, faults["500"], faults.down]) {
      origin.fail(fault);
      edge.console.length = 0;
      const until = Date.now() + 10_000;
      while (!edge.console.some((said) => said.startsWith("sync expired: sequence 2"))) {
        assert.deepEqual(await shown(edge), fresh);
        assert.ok(Date.now() < until, edge.console.join("\n"));
        await sleep(50);
      }
      assert.equal(edge.console.some((said) => /^sync (status|network): manifest/.test(said)), fault !== undefined);
    }
  });
});

describe("workerd, killed while it", () => {
  /** @type {[string, Kind, number][]} the request that is open when it happens */
  const moments = [
    ["asks for the manifest", "manifest", 1],
    ["fetches the delta", "delta", 1],
    ["fetches the first list", "file", 1],
    ["fetches the second list", "file", 2],
  ];
  for (const [name, kind, count] of moments) {
    it(`${name}, starts again with what it held and recovers`, async (t) => {
      const origin = await startOrigin();
      const storage = makeStorage();
      t.after(() => rmSync(storage, { recursive: true, force: true }));
      t.after(origin.stop);
      const options = { seed, storage, vars: { MODELS_URL: origin.url } };
      origin.publish(publish(update));
      // What it holds is an update already, so that it is in KV and R2.
      const first = await startEdge(options);
      t.after(first.stop);
      await first.cron();
      await first.stop();

      origin.publish(publish(publication(2, 3)));
      origin.asked.length = 0;
      let open = 0;
      origin.fail((response, whole) => void ((open += 1) < count ? response.end(whole) : undefined), [kind]);
      const second = await startEdge({ ...options, vars: { ...options.vars, INTERVAL: "1" } });
      t.after(second.stop);
      await sleep(1_100);
      const ended = second.cron().catch((error) => error);
      await origin.saw(kind, count);
      assert.deepEqual(await shown(second), fresh);
      await second.kill();
      assert.ok((await ended) instanceof Error, "it was killed in the middle");

      const before = origin.asked.length;
      origin.fail(faults.down);
      const third = await startEdge({ ...options, vars: { ...options.vars, INTERVAL: "1" } });
      t.after(third.stop);
      assert.deepEqual(await shown(third), fresh);
      assert.ok(!third.warnings.some((line) => line.startsWith("sync lost")), "what is held is whole");
      origin.fail(undefined);
      await sleep(1_100);
      await third.cron();
      assert.deepEqual(await shown(third), { model: 2, sequence: 3 });
      const again = origin.asked.slice(before).filter((kind) => kind !== "manifest");
      const stored = { manifest: 0, delta: 0, snapshot: 0, file: 1 }[kind] + (count - 1);
      assert.equal(again.length, 3 - stored, `what was stored before is not fetched again: ${again}`);
    });
  }
});
