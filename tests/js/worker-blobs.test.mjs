/** worker/src/blobs.rs and files.rs: what the manifest names, for the worker and for browsers, whole or not at all. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { deployed, manifestPath } from "../worker/edge.mjs";
import { bucketOf, following, get } from "../worker/following.mjs";
import { faults } from "../worker/origin.mjs";
import { publish, snapshots } from "../worker/published.mjs";
import { publication, shown } from "../worker/updates.mjs";

describe("what the manifest names", () => {
  const from = following();
  const { start } = from;
  const seed = publication(0, 1);

  it("goes over two deltas, and serves browsers what it has come to", async () => {
    const published = publish(publication(2, 3));
    from.origin.publish(published);
    const edge = await start();
    assert.deepEqual(await get(edge, manifestPath), deployed(seed)[manifestPath]);
    await edge.cron();
    assert.deepEqual(from.origin.asked, ["manifest", "delta", "delta", "file", "file"]);
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
    from.origin.publish(newer);
    const [path = ""] = Object.keys(newer).filter((url) => !(url in published));
    assert.deepEqual(await get(edge, `/pocketrank/${path}`), Buffer.from(/** @type {string} */ (newer[path])));
    const asked = from.origin.asked.length;
    for (const path of ["files/none.json", "manifests/1.pkrm", "..%2fmodels%2fmanifest.pkrm", "files/"]) assert.equal((await edge.fetch(`/pocketrank/${path}`)).status, 404, path);
    assert.equal(from.origin.asked.length, asked);
    assert.deepEqual(edge.warnings, []);
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
    from.origin.fail(faults["500"]);
    from.origin.asked.length = 0;
    for (const [url] of lists) {
      const response = await second.fetch(`/pocketrank/${url}`);
      assert.deepEqual([response.status, response.headers.get("cache-control"), (await response.arrayBuffer()).byteLength], [500, "no-store", 0], url);
    }
    assert.ok(from.origin.asked.length >= 2 && from.origin.asked.every((kind) => kind === "file"));
    from.origin.fail(undefined);
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
    from.origin.publish(newer);
    const unknown = Object.keys(newer).filter((url) => !(url in now));
    assert.deepEqual(unknown.map((url) => url.split("/")[0]).sort(), ["deltas", "files", "files", "snapshots"]);
    /** @type {[string, number][]} */
    const cases = [
      ["404", 404], ["500", 500], ["down", 502], ["short", 502], ["changed", 502], ["other", 502], ["cut", 502], ["redirect loop", 502],
      ["10 GB announced", 502], ["stall", 502], ["stall after a half", 502],
    ];
    for (const [fault, status] of cases) {
      from.origin.fail(faults[fault], ["delta", "file", "snapshot"]);
      await Promise.all(
        unknown.map(async (url) => {
          const asked = Date.now();
          const response = await edge.fetch(`/pocketrank/${url}`);
          const told = `${url}, ${fault}`;
          assert.deepEqual([response.status, response.headers.get("cache-control"), (await response.arrayBuffer()).byteLength], [status, "no-store", 0], told);
          assert.ok(Date.now() - asked < 4_000, told);
        }),
      );
    }
    assert.ok(from.origin.sent() < 60_000_000, `${from.origin.sent()} bytes were taken`);
    from.origin.fail(undefined);
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
});
