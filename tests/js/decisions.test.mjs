/** What experiments and rules make of slots: the golden cases, decided natively, must be decided alike, slates bit for bit, in Node, workerd and Chromium. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { Miniflare } from "miniflare";
import * as decide from "../../dist/npm/decide-node.js";
import * as pocketrank from "../../dist/npm/node.js";
import { root } from "../../scripts/process.mjs";
import { launchChromium } from "./support/chromium.mjs";
import { decideCases } from "./support/decide.mjs";
import { serveSite } from "./support/site.mjs";

const file = (/** @type {string} */ path) => readFile(join(root, path));
const snapshot = await file("tests/fixtures/decisions-v1.bin");
/** @type {any[]} */
const cases = JSON.parse(String(await file("tests/cases/decisions.json")));
const replay = String(await file("tests/js/support/decide.mjs"));
const code = (/** @type {string} */ code) => (/** @type {any} */ error) => error.code === code && error.message.length > 20;

/** @param {any[]} answers */
function assertGolden(answers) {
  assert.equal(cases.length, 300);
  assert.equal(answers.length, cases.length);
  answers.forEach((answer, at) => assert.deepEqual(answer, cases[at].answer, `case ${at}`));
}

describe("decisions", () => {
  before(() => Promise.all([pocketrank.init(), decide.init()]));

  it("are those of the native runtime in Node", () => {
    assertGolden(decideCases(pocketrank, decide, snapshot, cases));
  });

  it("are those of the native runtime in workerd", async () => {
    const worker = `
      import * as pocketrank from "./workerd.js";
      import * as decide from "./decide-workerd.js";
      import { decideCases } from "./decide.mjs";
      export default {
        async fetch(request) {
          await Promise.all([pocketrank.init(), decide.init()]);
          const form = await request.formData();
          const snapshot = new Uint8Array(await form.get("snapshot").arrayBuffer());
          return Response.json(decideCases(pocketrank, decide, snapshot, JSON.parse(await form.get("cases").text())));
        },
      };`;
    const built = async (/** @type {string} */ path) => ({ path, contents: await file(`dist/npm/${path}`) });
    const script = async (/** @type {string} */ path) => ({ type: /** @type {const} */ ("ESModule"), ...(await built(path)), contents: String((await built(path)).contents) });
    const wasm = async (/** @type {string} */ path) => ({ type: /** @type {const} */ ("CompiledWasm"), ...(await built(path)) });
    const miniflare = new Miniflare({
      compatibilityDate: "2026-04-01",
      modules: [
        { type: "ESModule", path: "main.mjs", contents: worker },
        { type: "ESModule", path: "decide.mjs", contents: replay },
        ...(await Promise.all(["workerd.js", "decide-workerd.js"].map(script))),
        ...(await Promise.all(["pocketrank_bg.wasm", "pocketrank_decide_bg.wasm"].map(wasm))),
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

  it("are those of the native runtime in Chromium", async (context) => {
    const site = await serveSite(join(root, "dist/npm"), ({ url }) => {
      if (url === "/decide.mjs") return { headers: { "content-type": "text/javascript" }, body: replay };
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
    const answers = await page.evaluate(async () => {
      const load = (/** @type {string} */ path) => import(path);
      const [pocketrank, decide, { decideCases }] = await Promise.all(["/browser.js", "/decide.js", "/decide.mjs"].map(load));
      await Promise.all([pocketrank.init(), decide.init()]);
      const snapshot = new Uint8Array(await (await fetch("/snapshot.bin")).arrayBuffer());
      return decideCases(pocketrank, decide, snapshot, await (await fetch("/cases.json")).json());
    });
    assertGolden(answers);
  });

  it("say which lists a slot may get, whoever asks", () => {
    const decisions = new decide.Decisions(new pocketrank.Ranker(snapshot));
    assert.deepEqual(decisions.lists("home").sort(), ["reminders", "sale", "winter"]);
    assert.deepEqual(decisions.lists("side").sort(), ["reminders", "side", "trending"]);
    assert.deepEqual(decisions.lists("other"), ["reminders"]);
  });

  it("are the page's where a snapshot decides nothing", async () => {
    const ranker = new pocketrank.Ranker(await file("tests/fixtures/random-v1.bin"));
    assert.deepEqual([ranker.rules.length, ranker.experiments.length], [0, 0]);
    const decision = new decide.Decisions(ranker).make("home", {});
    assert.deepEqual({ ...decision, draw: [...decision.draw] }, { model: undefined, blend: undefined, rules: [], assignments: [], draw: [] });
    const list = ranker.candidates(["sku-1", "sku-2", "sku-3"]);
    const shifts = new decide.Rules().moves([], ranker, list).shifts;
    assert.deepEqual(ranker.rerank(list, { shifts }), ranker.rerank(list));
    list.free();
  });

  it("go on without what is broken, and report it once", () => {
    const ranker = new pocketrank.Ranker(snapshot);
    // A rule of bytes that are none, among those that are: the number of rules is the first byte.
    const broken = Uint8Array.of((ranker.rules[0] ?? 0) + 1, 2, 0xff, 0xff, ...ranker.rules.subarray(1));
    assert.deepEqual(new decide.Rules(broken).broken, [0]);
    assert.throws(() => new decide.Rules(Uint8Array.of(5, 1)), code("corrupt"));
    /** @type {string[]} */
    const told = [];
    const stub = /** @type {any} */ ({
      rules: broken,
      experiments: Uint8Array.of(9, 9),
      labels: ranker.labels,
      candidatesOfItems: (/** @type {Uint8Array} */ items) => ranker.candidatesOfItems(items),
      codes: (/** @type {import("../../www/index.js").Candidates} */ candidates) => ranker.codes(candidates),
    });
    const decisions = new decide.Decisions(stub, (text) => told.push(text));
    const now = 1_700_000_000;
    const decision = decisions.make("home", { attributes: { country: "de", device: "desktop", referrer: "news.example" }, now });
    assert.deepEqual([decision.rules, decision.template], [["summer", "nobody"], "wide"]);
    const list = ranker.candidates(["sku-1", "sku-7"]);
    for (let times = 0; times < 2; times += 1) decisions.moves(decision.rules, ranker, list);
    assert.equal(told.length, 4, told.join("\n"));
    assert.match(told[0] ?? "", /^pocketrank: experiments cannot be read/);
    assert.match(told[1] ?? "", /^pocketrank: rule 0 cannot be read/);
    assert.match(told[2] ?? "", /rule `summer` names `[0-9a-f]{16}`/);
    assert.match(told[3] ?? "", /rule `summer` names `no category`/);
    const round = /** @type {any} */ ({});
    round.round = round;
    assert.throws(() => decisions.make("home", { attributes: round }), code("invalid_option"));
  });

  it("hold no matter what shifts are handed to a ranker", () => {
    const ranker = new pocketrank.Ranker(snapshot);
    const list = ranker.candidates(Array.from({ length: 40 }, (_, n) => `sku-${n}`));
    for (let seed = 1; seed < 400; seed += 1) {
      const shifts = Uint8Array.from({ length: seed % 97 }, (_, at) => (Math.imul(seed + at, 2_654_435_761) >>> 13) & (seed % 3 ? 255 : 7));
      const slate = ranker.rerank(list, { shifts, count: 10 });
      assert.ok(slate.length <= 10 && new Set(slate.map(({ index }) => index)).size === slate.length);
    }
  });
});
