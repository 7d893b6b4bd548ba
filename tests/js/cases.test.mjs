/** The 1,000 golden cases, ranked natively, must give the same slates bit for bit in Node, workerd and Chromium, by either entry. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { Miniflare } from "miniflare";
import { root } from "../../scripts/process.mjs";
import { launchChromium } from "./support/chromium.mjs";
import { serveSite } from "./support/site.mjs";

const file = (/** @type {string} */ path) => readFile(join(root, path));
const snapshot = await file("tests/fixtures/random-v1.bin");
/** @type {{ slate: number[][] }[]} */
const cases = JSON.parse(String(await file("tests/cases/rerank.json")));
const replay = String(await file("tests/js/support/replay.mjs"));

/** @type {{ entry: string, node: string, workerd: string, browser: string, wasm: string }[]} the package's files for each host */
const entries = [
  { entry: "pocketrank", node: "node.js", workerd: "workerd.js", browser: "browser.js", wasm: "pocketrank_bg.wasm" },
  { entry: "pocketrank/slim", node: "slim-node.js", workerd: "slim-workerd.js", browser: "slim.js", wasm: "pocketrank_slim_bg.wasm" },
];

/** @param {number[][][]} slates */
function assertGolden(slates) {
  assert.equal(cases.length, 1000);
  assert.equal(slates.length, cases.length);
  slates.forEach((slate, at) => assert.deepEqual(slate, cases[at]?.slate, `case ${at}`));
}

for (const { entry, node, workerd, browser, wasm } of entries) {
test(`Node ranks the golden cases by ${entry}`, async () => {
  const pocketrank = await import(`../../dist/npm/${node}`);
  const { replayCases } = await import("./support/replay.mjs");
  await pocketrank.init();
  assertGolden(replayCases(pocketrank, new pocketrank.Ranker(snapshot), cases));
});

test(`workerd ranks the golden cases by ${entry}`, async () => {
  const worker = `
    import * as pocketrank from "./${workerd}";
    import { replayCases } from "./replay.mjs";
    export default {
      async fetch(request) {
        await pocketrank.init();
        const form = await request.formData();
        const snapshot = new Uint8Array(await form.get("snapshot").arrayBuffer());
        return Response.json(replayCases(pocketrank, new pocketrank.Ranker(snapshot), JSON.parse(await form.get("cases").text())));
      },
    };`;
  const miniflare = new Miniflare({
    compatibilityDate: "2026-04-01",
    modules: [
      { type: "ESModule", path: "main.mjs", contents: worker },
      { type: "ESModule", path: "replay.mjs", contents: replay },
      { type: "ESModule", path: workerd, contents: String(await file(`dist/npm/${workerd}`)) },
      { type: "CompiledWasm", path: wasm, contents: await file(`dist/npm/${wasm}`) },
    ],
  });
  try {
    const body = new FormData();
    body.set("snapshot", new Blob([snapshot]));
    body.set("cases", new Blob([JSON.stringify(cases)]));
    const request = new Request("http://localhost/", { method: "POST", body });
    const response = await miniflare.dispatchFetch(request.url, {
      method: "POST",
      headers: { "content-type": String(request.headers.get("content-type")) },
      body: await request.arrayBuffer(),
    });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    assertGolden(JSON.parse(text));
  } finally {
    await miniflare.dispose();
  }
});

test(`Chromium ranks the golden cases by ${entry}`, async (context) => {
  const site = await serveSite(join(root, "dist/npm"), ({ url }) => {
    if (url === "/replay.mjs") return { headers: { "content-type": "text/javascript" }, body: replay };
    if (url === "/cases.json") return { body: JSON.stringify(cases) };
    if (url === "/snapshot.bin") return { body: snapshot };
    if (url === "/") return { headers: { "content-type": "text/html" }, body: "<!doctype html><title>cases</title>" };
    return undefined;
  });
  context.after(site.stop);
  const chromium = await launchChromium();
  context.after(() => chromium.close());
  const page = await chromium.newPage();
  await page.goto(site.url);
  const slates = await page.evaluate(async (entry) => {
    const load = (/** @type {string} */ path) => import(path);
    const [pocketrank, { replayCases }] = await Promise.all([load(`/${entry}`), load("/replay.mjs")]);
    await pocketrank.init();
    const snapshot = new Uint8Array(await (await fetch("/snapshot.bin")).arrayBuffer());
    return replayCases(pocketrank, new pocketrank.Ranker(snapshot), await (await fetch("/cases.json")).json());
  }, browser);
  assertGolden(slates);
});
}
