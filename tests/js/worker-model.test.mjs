/** worker/src/model.rs and lists.rs: what cannot be loaded leaves the page as upstream made it, and the console says why. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { candidates, deployed, expected, fallback, items, lists, manifestPath, page, range, readSlots, shop, slot, snapshot, snapshotPath, startEdge } from "../worker/edge.mjs";
import { key, pinned } from "../worker/published.mjs";

/**
 * What three requests for the home page get, and what the console says.
 * @param {import("../worker/edge.mjs").Options} options
 */
async function visit(options) {
  const edge = await startEdge(options);
  const pages = [];
  for (let i = 0; i < 3; i++) {
    const response = await edge.fetch("/");
    assert.equal(response.status, 200);
    pages.push({ html: await response.text(), headers: response.headers });
  }
  await edge.stop();
  return { pages, warnings: edge.warnings };
}

describe("a seed that cannot be used", () => {
  const changed = (/** @type {Uint8Array} */ bytes, /** @type {number} */ at) => bytes.map((byte, index) => (index === at ? byte ^ 1 : byte));
  const manifest = /** @type {Uint8Array} */ (deployed({ lists })[manifestPath]);
  const damaged = changed(snapshot, snapshot.length >> 1);
  const newer = changed(snapshot, 4).fill(9, 4, 5);
  const lost = /^sync lost: what was stored is damaged or gone/;

  /** @type {Record<string, [import("../worker/edge.mjs").Options, RegExp]>} */
  const cases = {
    "a snapshot flipped in a bit": [{ files: { [snapshotPath]: damaged } }, lost],
    "one cut short": [{ files: { [snapshotPath]: snapshot.subarray(0, 1000) } }, lost],
    "an empty one": [{ files: { [snapshotPath]: "" } }, lost],
    "one of another version, as published": [{ seed: { snapshot: newer } }, lost],
    "a manifest flipped in a bit": [{ files: { [manifestPath]: changed(manifest, manifest.length - 50) } }, /manifest\.pkrm: manifest: the signature of key \w{16} does not fit/],
    "one signed by another key": [{ seed: { key: key(2) } }, /manifest\.pkrm: manifest: no trusted key has signed it/],
    "one for others": [{ seed: { audience: "others" } }, /manifest\.pkrm: manifest: made for `others`, this host is `tests\.example\/edge`/],
    "one that is none": [{ files: { [manifestPath]: "<html>" } }, /manifest\.pkrm: manifest: begins with/],
  };
  for (const [name, [options, warning]] of Object.entries(cases)) {
    it(`gives the plain page: ${name}`, async () => {
      const { pages, warnings } = await visit(options);
      for (const { html, headers } of pages) {
        assert.equal(html, shop["/index.html"]);
        assert.notEqual(headers.get("cache-control"), "private, no-store");
      }
      assert.equal(warnings.length, 1, warnings.join("\n"));
      assert.match(warnings.join(), warning);
    });
  }
});

describe("a setting that is missing or wrong", () => {
  /** @type {Record<string, [Record<string, string>, RegExp]>} */
  const cases = {
    "no audience": [{ AUDIENCE: "" }, /^AUDIENCE: must be the audience .*; correct wrangler\.toml/],
    "no keys": [{ PUBLIC_KEYS: " " }, /^PUBLIC_KEYS: must be public keys/],
    "no key": [{ PUBLIC_KEYS: `${pinned} 12` }, /^PUBLIC_KEYS: must be public keys/],
    "no address": [{ MODELS_URL: "models" }, /^MODELS_URL: must be empty or an http or https URL/],
    "no interval": [{ INTERVAL: "0" }, /^INTERVAL: must be a number of seconds/],
  };
  for (const [name, [vars, warning]] of Object.entries(cases)) {
    it(`gives the plain page and says so: ${name}`, async () => {
      const { pages, warnings } = await visit({ vars });
      for (const { html } of pages) assert.equal(html, shop["/index.html"]);
      assert.equal(warnings.length, 1, warnings.join("\n"));
      assert.match(warnings.join(), warning);
    });
  }
});

describe("a list that cannot be used", () => {
  const files = deployed({ lists });
  const path = Object.keys(files).find((path) => files[path] === lists.popular) ?? "";
  /** @type {Record<string, [import("../worker/edge.mjs").Options, RegExp]>} */
  const cases = {
    missing: [{ files: { "/index.html": page(slot("unknown") + slot("trending", 3)) } }, /candidates\/unknown\.json: answered 404/],
    "not as it was published": [{ files: { [path]: candidates(items(range(0, 59))) } }, /popular\.json: file: cut short/],
    damaged: [{ files: { [path]: String(lists.popular).replace("sku-1", "sku-2") } }, /popular\.json: file: checksum/],
    "no JSON": [{ lists: { popular: "\u0000\u00ff{" } }, /popular\.json: expected value at line 1/],
    "cut short": [{ lists: { popular: candidates(items(range(0, 60))).slice(0, 500) } }, /popular\.json: EOF/],
    "without items": [{ lists: { popular: '{"ttl":900}' } }, /popular\.json: missing field `items`/],
    "of wrong types": [{ lists: { popular: '{"ttl":900,"items":[{"id":7}]}' } }, /popular\.json: invalid type/],
    "nested without end": [{ lists: { popular: `{"ttl":1,"items":${"[".repeat(100_000)}` } }, /popular\.json: /],
    "too large": [{ lists: { popular: candidates(items(range(0, 8000))) } }, /popular\.json: \d+ bytes, a list has at most/],
  };
  for (const [name, [options, warning]] of Object.entries(cases)) {
    it(`leaves its slot as it is and fills the others: ${name}`, async () => {
      const { pages, warnings } = await visit(options);
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

describe("a list that the manifest does not name", () => {
  it("is the one that was deployed under its name", async () => {
    const files = { "/index.html": page(slot("similar-1") + slot("popular")), "/pocketrank/candidates/similar-1.json": candidates(items(range(200, 230))), "/pocketrank/candidates/popular.json": "not asked for" };
    const { pages, warnings } = await visit({ files });
    for (const { html } of pages) assert.deepEqual(readSlots(html).map(({ html }) => html), [expected(items(range(200, 230)), 5).html, expected(items(range(0, 60)), 5).html]);
    assert.deepEqual(warnings, []);
  });
});

describe("more lists than are kept", () => {
  it("are all served", async () => {
    const names = range(0, 300).map((n) => `similar-${n}`);
    const lists = Object.fromEntries(names.map((name, n) => [name, candidates(items(range(n, n + 10)))]));
    const half = (/** @type {string[]} */ part) => page(part.map((name) => slot(name, 3)).join(""));
    const edge = await startEdge({ lists, files: { "/one.html": half(names.slice(0, 150)), "/two.html": half(names.slice(150)) } });
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
