/** worker/src/model.rs and lists.rs: what cannot be loaded leaves the page as upstream made it, and the console says why. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Response as Answer } from "miniflare";
import { candidates, expected, fallback, items, manifest, page, range, readSlots, shop, slot, snapshot, snapshotId, snapshotPath, startEdge } from "../worker/edge.mjs";

/**
 * What three requests for the home page get, and what the console says.
 * @param {import("../worker/edge.mjs").Files} files
 */
async function visit(files) {
  const edge = await startEdge({ files });
  const pages = [];
  for (let i = 0; i < 3; i++) {
    const response = await edge.fetch("/");
    assert.equal(response.status, 200);
    pages.push({ html: await response.text(), headers: response.headers });
  }
  await edge.stop();
  return { pages, warnings: edge.warnings };
}

describe("a snapshot that cannot be used", () => {
  const flipped = Uint8Array.from(snapshot);
  const middle = snapshot.length >> 1;
  flipped[middle] = (flipped[middle] ?? 0) ^ 1;
  const newer = Uint8Array.from(snapshot);
  newer[4] = 9;
  const other = manifest.replace(`"id":"${snapshotId}"`, `"id":"${"0".repeat(32)}"`);
  const away = manifest.replace(snapshotPath, "https://elsewhere.example/snapshot.bin");

  /** @type {Record<string, [import("../worker/edge.mjs").Files, RegExp]>} */
  const cases = {
    "flipped in a bit": [{ [snapshotPath]: flipped }, /snapshot-\w+\.bin: .*checksum/],
    "cut short": [{ [snapshotPath]: snapshot.subarray(0, 1000) }, /snapshot-\w+\.bin: .*cut short/],
    empty: [{ [snapshotPath]: "" }, /snapshot-\w+\.bin: .*cut short/],
    "of another version": [{ [snapshotPath]: newer }, /snapshot-\w+\.bin: .*format version 9/],
    "something else": [{ [snapshotPath]: page("") }, /snapshot-\w+\.bin: .*another kind of file/],
    "not the manifest's": [{ "/pocketrank/manifest.json": other }, /the manifest says snapshot 0{32}, this is/],
    "not the worker's own": [{ "/pocketrank/manifest.json": away }, /manifest\.json: snapshot\.url must begin with/],
    missing: [{ "/pocketrank/manifest.json": manifest.replaceAll(snapshotId, "f".repeat(32)) }, /snapshot-f{32}\.bin: answered 404/],
    "not in the manifest": [{ "/pocketrank/manifest.json": "{}" }, /manifest\.json: missing field `snapshot`/],
    "behind a manifest that is no JSON": [{ "/pocketrank/manifest.json": "<html>" }, /manifest\.json: expected value at line 1/],
  };
  for (const [name, [files, warning]] of Object.entries(cases)) {
    it(`gives the plain page: ${name}`, async () => {
      const { pages, warnings } = await visit(files);
      for (const { html, headers } of pages) {
        assert.equal(html, shop["/index.html"]);
        assert.notEqual(headers.get("cache-control"), "private, no-store");
      }
      assert.equal(warnings.length, 1, warnings.join("\n"));
      assert.match(warnings.join(), warning);
    });
  }
});

describe("a list that cannot be used", () => {
  const path = "/pocketrank/candidates/popular.json";
  /** @type {Record<string, [import("../worker/edge.mjs").Files, RegExp]>} */
  const cases = {
    missing: [{ "/index.html": page(slot("unknown") + slot("trending", 3)) }, /candidates\/unknown\.json: answered 404/],
    "no JSON": [{ [path]: "\u0000\u00ff{" }, /popular\.json: expected value at line 1/],
    "cut short": [{ [path]: candidates(items(range(0, 60))).slice(0, 500) }, /popular\.json: EOF/],
    "without items": [{ [path]: '{"ttl":900}' }, /popular\.json: missing field `items`/],
    "of wrong types": [{ [path]: '{"ttl":900,"items":[{"id":7}]}' }, /popular\.json: invalid type/],
    "nested without end": [{ [path]: `{"ttl":1,"items":${"[".repeat(100_000)}` }, /popular\.json: /],
    "too large": [{ [path]: candidates(items(range(0, 8000))) }, /popular\.json: \d+ bytes, a list has at most/],
  };
  for (const [name, [files, warning]] of Object.entries(cases)) {
    it(`leaves its slot as it is and fills the others: ${name}`, async () => {
      const { pages, warnings } = await visit(files);
      for (const { html } of pages) {
        const [kept, filled] = readSlots(html);
        assert.deepEqual([kept?.html, kept?.by, kept?.rows], [fallback, undefined, []]);
        assert.equal(filled?.html, expected(items(range(100, 140)), 3).html);
      }
      assert.equal(warnings.length, 1, warnings.join("\n"));
      assert.match(warnings.join(), warning);
    });
  }
});

describe("more lists than are kept", () => {
  it("are all served", async () => {
    const names = range(0, 300).map((n) => `similar-${n}`);
    const files = Object.fromEntries(names.map((name, n) => [`/pocketrank/candidates/${name}.json`, candidates(items(range(n, n + 10)))]));
    const half = (/** @type {string[]} */ part) => page(part.map((name) => slot(name, 3)).join(""));
    const edge = await startEdge({ files: { ...files, "/one.html": half(names.slice(0, 150)), "/two.html": half(names.slice(150)) } });
    for (const path of ["/one", "/two", "/one"]) {
      const slots = readSlots(await (await edge.fetch(path)).text());
      assert.equal(slots.length, 150);
      for (const { name, html } of slots) {
        const n = Number(name.slice("similar-".length));
        assert.equal(html, expected(items(range(n, n + 10)), 3).html, name);
      }
    }
    await edge.stop();
    assert.deepEqual(edge.warnings, []);
  });
});

describe("a list whose time to live is over", () => {
  it("is read again, and used on where that fails", async () => {
    /** @type {import("../worker/edge.mjs").Files} */
    const files = {
      ...shop,
      "/": page(slot("popular")),
      "/pocketrank/candidates/popular.json": candidates(items(range(0, 60)), 1),
    };
    const edge = await startEdge({
      assets: (request) => {
        const { pathname } = new URL(request.url);
        const file = files[pathname];
        if (file === undefined) return new Answer("no such file", { status: 503 });
        return new Answer(file, { headers: { "content-type": pathname === "/" ? "text/html" : "application/octet-stream" } });
      },
    });
    const rows = async () => readSlots(await (await edge.fetch("/")).text())[0]?.rows;
    const before = expected(items(range(0, 60)), 5).rows;
    const after = expected(items(range(60, 120)), 5).rows;
    files["/pocketrank/candidates/popular.json"] = candidates(items(range(0, 60)), 1);
    assert.deepEqual(await rows(), before);
    files["/pocketrank/candidates/popular.json"] = candidates(items(range(60, 120)), 1);
    assert.deepEqual(await rows(), before);
    await sleep(1100);
    assert.deepEqual(await rows(), after);
    delete files["/pocketrank/candidates/popular.json"];
    await sleep(1100);
    for (let i = 0; i < 3; i++) assert.deepEqual(await rows(), after);
    await edge.stop();
    assert.equal(edge.warnings.length, 1, edge.warnings.join("\n"));
    assert.match(edge.warnings.join(), /popular\.json: answered 503/);
  });
});
