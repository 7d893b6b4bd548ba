/** `pocketrank compile`: one wasm, which ranks the golden cases in every host as the runtime and the snapshot apart do, and fetches nothing. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { after, before, test } from "node:test";
import { Miniflare } from "miniflare";
import { cli } from "../../scripts/build.mjs";
import { root } from "../../scripts/process.mjs";
import { launchChromium, watchRequests } from "./support/chromium.mjs";
import { replayCases } from "./support/replay.mjs";
import { serveSite } from "./support/site.mjs";

const fixture = join(root, "tests/fixtures/random-v1.bin");
const replay = readFileSync(join(root, "tests/js/support/replay.mjs"));
/** @type {any[]} */
const cases = JSON.parse(readFileSync(join(root, "tests/cases/rerank.json"), "utf8"));
const golden = cases.map(({ slate }) => slate);

const folder = mkdtempSync(join(tmpdir(), "pocketrank-compile-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const made = (/** @type {string} */ name) => readFileSync(join(folder, name));
const load = (/** @type {string} */ path) => import(path);

before(() => {
  // The runtime is found in dist/npm.
  execFileSync(cli(), ["compile", fixture, "-o", join(folder, "shop model.wasm"), "--js"], { cwd: root });
});

test("Node ranks the golden cases by what the script finds beside it", async (context) => {
  const fetch = context.mock.method(globalThis, "fetch", () => assert.fail("nothing is fetched"));
  const model = await load(pathToFileURL(join(folder, "shop model.js")).href);
  await model.init();
  assert.deepEqual(replayCases(model, model.Ranker.embedded(), cases), golden);
  assert.equal(model.Ranker.embedded().id, new model.Ranker(readFileSync(fixture)).id);
  assert.equal(fetch.mock.callCount(), 0);
});

test("the snapshot is used where it lies, and nothing else gets its place", async () => {
  const model = await load("../../dist/npm/node.js?compiled");
  await model.init(made("shop model.wasm"));
  const length = readFileSync(fixture).length;
  const before = model.memoryBytes();
  assert.ok(before <= length + 2_000_000, `${before} bytes`);
  const rankers = Array.from({ length: 200 }, () => model.Ranker.embedded());
  const embedded = model.memoryBytes() - before;
  const others = Array.from({ length: 200 }, () => new model.Ranker(new Uint8Array(readFileSync(fixture))));
  // Both have room for a history; the others have the snapshot besides.
  const held = model.memoryBytes() - before - embedded;
  assert.ok(held - embedded > 200 * length * 0.9, `${embedded} bytes for 200 rankers, and ${held} for 200 with snapshots of ${length}`);
  assert.deepEqual(replayCases(model, model.Ranker.embedded(), cases), golden);
  for (const ranker of [...rankers, ...others]) ranker.free();
  assert.deepEqual(replayCases(model, model.Ranker.embedded(), cases), golden);
});

test("Chromium ranks the golden cases under a strict policy, with one request for the wasm", async (context) => {
  const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; require-trusted-types-for 'script'";
  const site = await serveSite(folder, ({ url }) => {
    if (url === "/replay.mjs") return { headers: { "content-type": "text/javascript" }, body: replay };
    if (url !== "/") return undefined;
    const headers = { "content-type": "text/html", "content-security-policy": policy };
    return { headers, body: "<!doctype html><title>compiled</title>" };
  });
  context.after(site.stop);
  const browser = await launchChromium();
  context.after(() => browser.close());
  const page = await browser.newPage();
  const requests = watchRequests(page.context());
  await page.goto(site.url);
  const slates = await page.evaluate(async (cases) => {
    const load = (/** @type {string} */ path) => import(path);
    const [model, { replayCases }] = await Promise.all([load("/shop model.js"), load("/replay.mjs")]);
    await model.init();
    return replayCases(model, model.Ranker.embedded(), cases);
  }, cases);
  assert.deepEqual(slates, golden);
  const asked = requests.map(({ url }) => decodeURIComponent(new URL(url).pathname)).sort();
  assert.deepEqual(asked, ["/", "/replay.mjs", "/shop model.js", "/shop model.wasm"]);
});

/**
 * @param {import("node:test").TestContext} context
 * @param {Buffer} script the package
 * @param {string} body of the worker's answer to a request that brings the cases
 */
async function askWorker(context, script, body) {
  /** @type {string[]} */
  const fetched = [];
  const worker = `
    import model from "./model.wasm";
    import * as pocketrank from "./script.js";
    import { replayCases } from "./replay.mjs";
    export default { async fetch(request) { ${body} } };`;
  const miniflare = new Miniflare({
    compatibilityDate: "2026-04-01",
    outboundService: (/** @type {{ url: string }} */ { url }) => {
      fetched.push(url);
      throw new Error(`nothing is fetched, but ${url} was`);
    },
    modules: [
      { type: "ESModule", path: "main.mjs", contents: worker },
      { type: "ESModule", path: "replay.mjs", contents: replay },
      { type: "ESModule", path: "script.js", contents: script },
      { type: "CompiledWasm", path: "model.wasm", contents: made("shop model.wasm") },
      { type: "CompiledWasm", path: "pocketrank_bg.wasm", contents: readFileSync(join(root, "dist/npm/pocketrank_bg.wasm")) },
    ],
  });
  context.after(() => miniflare.dispose());
  const response = await miniflare.dispatchFetch("http://localhost/", { method: "POST", body: JSON.stringify(cases) });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  assert.deepEqual(fetched, []);
  return JSON.parse(text);
}

test("workerd ranks the golden cases by the script, which says what it needs there", async (context) => {
  const body = `
    const unasked = await pocketrank.init().catch(({ code, message }) => code + ": " + message);
    await pocketrank.init(model);
    return Response.json({ unasked, slates: replayCases(pocketrank, pocketrank.Ranker.embedded(), await request.json()) });`;
  const { unasked, slates } = await askWorker(context, made("shop model.js"), body);
  assert.match(unasked, /^not_initialised: .* await init\(model\)$/);
  assert.deepEqual(slates, golden);
});

test("workerd ranks the golden cases by the package that loads any runtime", async (context) => {
  const body = `
    await pocketrank.init(model);
    return Response.json(replayCases(pocketrank, pocketrank.Ranker.embedded(), await request.json()));`;
  assert.deepEqual(await askWorker(context, readFileSync(join(root, "dist/npm/workerd.js")), body), golden);
});

test("the plain runtime says that there is no snapshot in it", async () => {
  const plain = await load("../../dist/npm/node.js?plain");
  await plain.init();
  assert.throws(() => plain.Ranker.embedded(), { code: "not_embedded", message: /pocketrank compile/ });
});
