/**
 * The packed package, installed as a shop would install it, must rank and follow in Node, in a Vite build and in workerd,
 * and type-check. Each ranks one golden case from its own folder outside of the repository.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { Miniflare } from "miniflare";
import "../../scripts/edge.mjs";
import { cli } from "../../scripts/build.mjs";
import { root } from "../../scripts/process.mjs";
import { AUDIENCE, openOrigin } from "../js/support/origin.mjs";
import { golden, makeConsumer, openPage, run } from "./consumer.mjs";

const { folder, write, remove } = makeConsumer();
after(remove);

/** @type {Awaited<ReturnType<typeof openOrigin>>} */
let origin;
before(async () => {
  origin = await openOrigin();
  origin.publish(0);
});
after(() => origin.stop());

test("holds what hosts load and nothing else", () => {
  const files = readdirSync(join(folder, "node_modules/pocketrank"), { recursive: true }).map(String);
  const names = files.filter((name) => /\.\w+$/.test(name) && !/^README/.test(name)).map((name) => basename(name));
  assert.deepEqual(names.sort(), [
    ...["browser.d.ts", "browser.js", "cards.js", "compiled.js", "decide-node.d.ts", "decide-node.js", "decide-workerd.d.ts", "decide-workerd.js", "decide.d.ts", "decide.js", "devtools-node.js", "devtools.d.ts", "devtools.js", "element-node.js", "element.css", "element.css.d.ts", "element.d.ts", "element.js", "events.js", "index.d.ts", "integrity.json", "keeping.js", "moves.js", "node.d.ts", "node.js", "offline.d.ts", "offline.js", "offload.js"],
    ...["package.json", "pocketrank_bg.wasm", "pocketrank_decide_bg.wasm", "pocketrank_slim_bg.wasm", "pocketrank_sync_bg.wasm", "privacy.js", "proofreader.js", "render.d.ts", "render.js", "replay.d.ts", "replay.js", "scorer.js"],
    ...["slim-node.d.ts", "slim-node.js", "slim-workerd.d.ts", "slim-workerd.js", "slim.d.ts", "slim.js", "sources.js"],
    ...["sync-node.d.ts", "sync-node.js", "sync-workerd.d.ts", "sync-workerd.js", "sync.d.ts", "sync.js", "why.js", "workerd.d.ts", "workerd.js"],
  ]);
});

for (const entry of ["pocketrank", "pocketrank/slim"]) test(`ranks in Node by ${entry}`, () => {
  write(
    "node.mjs",
    `import { readFileSync } from "node:fs";
import * as pocketrank from "${entry}";
import { replayCases } from "./replay.mjs";
await pocketrank.init();
const ranker = new pocketrank.Ranker(readFileSync("snapshot.bin"));
console.log(JSON.stringify(replayCases(pocketrank, ranker, JSON.parse(readFileSync("case.json", "utf8")))));
`,
  );
  assert.deepEqual(JSON.parse(run(process.execPath, ["node.mjs"], folder)), [golden.slate]);
});

/** What a host writes to follow the origin: `models` ranks by what was published. */
const following = () => `await pocketrank.init();
const models = await follow("${origin.manifest}", {
  audience: "${AUDIENCE}",
  keys: ["${origin.key.hex}"],
  open: (snapshot) => new pocketrank.Ranker(snapshot),
});
const followed = replayCases(pocketrank, models.ranker, cases);
await models.stop();
`;

test("follows in Node", async () => {
  write(
    "follow.mjs",
    `import { readFileSync } from "node:fs";
import * as pocketrank from "pocketrank";
import { follow } from "pocketrank/sync";
import { replayCases } from "./replay.mjs";
const cases = JSON.parse(readFileSync("case.json", "utf8"));
${following()}
console.log(JSON.stringify(followed));
`,
  );
  // The origin answers from this process.
  const { stdout } = await promisify(execFile)(process.execPath, ["follow.mjs"], { cwd: folder });
  assert.deepEqual(JSON.parse(stdout), [golden.slate]);
});

/**
 * Builds a page with Vite and opens it in Chromium.
 * @param {import("node:test").TestContext} context
 * @param {string} source where the page's script is
 * @param {string} script prints the slates
 * @returns {Promise<{ slates: number[][][], assets: string[] }>} what the page printed, and the names of the files built
 */
async function openBuilt(context, source, script) {
  const html = `<!doctype html><title>consumer</title><output></output><script type="module" src="/page.js"></script>`;
  writeFileSync(join(source, "index.html"), html);
  writeFileSync(join(source, "page.js"), script);
  const { build } = await import("vite");
  await build({ root: source, configFile: false, logLevel: "error", build: { target: "es2022" } });
  return openPage(context, join(source, "dist"), join(source, "dist/assets"));
}

test("ranks in Chromium after a Vite build", async (context) => {
  const { slates, assets } = await openBuilt(
    context,
    folder,
    `import * as pocketrank from "pocketrank";
import snapshotUrl from "./snapshot.bin?url";
import cases from "./case.json";
import { replayCases } from "./replay.mjs";
await pocketrank.init();
const snapshot = new Uint8Array(await (await fetch(snapshotUrl)).arrayBuffer());
const ranker = new pocketrank.Ranker(snapshot);
document.querySelector("output").textContent = JSON.stringify(replayCases(pocketrank, ranker, cases));
`,
  );
  assert.equal(assets.filter((name) => /^pocketrank_bg.*\.wasm$/.test(name)).length, 1, `one wasm among ${assets}`);
  assert.deepEqual(slates, [golden.slate]);
});

test("ranks in Chromium by the slim entry after a Vite build", async (context) => {
  const source = join(folder, "slim");
  mkdirSync(source);
  const { slates, assets } = await openBuilt(
    context,
    source,
    `import * as pocketrank from "pocketrank/slim";
import snapshotUrl from "../snapshot.bin?url";
import cases from "../case.json";
import { replayCases } from "../replay.mjs";
await pocketrank.init();
const ranker = await pocketrank.Ranker.load(await fetch(snapshotUrl));
document.querySelector("output").textContent = JSON.stringify(replayCases(pocketrank, ranker, cases));
`,
  );
  const wasm = assets.filter((name) => name.endsWith(".wasm")).map((name) => name.replace(/-.*\./, "."));
  assert.deepEqual(wasm, ["pocketrank_slim_bg.wasm"]);
  assert.deepEqual(slates, [golden.slate]);
});

test("follows in Chromium after a Vite build", async (context) => {
  const source = join(folder, "follow");
  mkdirSync(source);
  const { slates, assets } = await openBuilt(
    context,
    source,
    `import * as pocketrank from "pocketrank";
import { follow } from "pocketrank/sync";
import cases from "../case.json";
import { replayCases } from "../replay.mjs";
${following()}
document.querySelector("output").textContent = JSON.stringify(followed);
`,
  );
  const wasm = assets.filter((name) => name.endsWith(".wasm")).map((name) => name.replace(/-.*\./, "."));
  assert.deepEqual(wasm.sort(), ["pocketrank_bg.wasm", "pocketrank_sync_bg.wasm"]);
  assert.deepEqual(slates, [golden.slate]);
});

test("ranks in Chromium by a compiled snapshot after a Vite build", async (context) => {
  const compiled = join(folder, "compiled");
  mkdirSync(compiled);
  // The runtime is that of the package installed in a folder above.
  run(cli(), ["compile", "../snapshot.bin", "-o", "model.wasm", "--js"], compiled);
  const { slates, assets } = await openBuilt(
    context,
    compiled,
    `import * as model from "./model.js";
import cases from "../case.json";
import { replayCases } from "../replay.mjs";
await model.init();
document.querySelector("output").textContent = JSON.stringify(replayCases(model, model.Ranker.embedded(), cases));
`,
  );
  assert.deepEqual(assets.map((name) => name.replace(/-.*\./, ".")).sort(), ["index.js", "model.wasm"]);
  assert.deepEqual(slates, [golden.slate]);
});

test("ranks and follows in workerd after a wrangler build", async (context) => {
  write(
    "worker.js",
    `import * as pocketrank from "pocketrank";
import { follow } from "pocketrank/sync";
import snapshot from "./snapshot.bin";
import cases from "./case.json";
import { replayCases } from "./replay.mjs";
export default {
  async fetch() {
    ${following()}
    return Response.json([...followed, ...replayCases(pocketrank, new pocketrank.Ranker(snapshot), cases)]);
  },
};
`,
  );
  write("wrangler.json", JSON.stringify({ name: "consumer", main: "worker.js", compatibility_date: "2026-04-01" }));
  run(process.execPath, [join(root, "node_modules/wrangler/bin/wrangler.js"), "deploy", "--dry-run", "--outdir", "bundle"], folder);
  const miniflare = new Miniflare({
    compatibilityDate: "2026-04-01",
    modules: readdirSync(join(folder, "bundle"))
      .filter((name) => /\.(js|wasm|bin)$/.test(name))
      .sort((a, b) => Number(b === "worker.js") - Number(a === "worker.js"))
      .map((path) => ({
        type: path.endsWith(".js") ? "ESModule" : path.endsWith(".wasm") ? "CompiledWasm" : "Data",
        path,
        contents: readFileSync(join(folder, "bundle", path)),
      })),
  });
  context.after(() => miniflare.dispose());
  const response = await miniflare.dispatchFetch("http://localhost/");
  const text = await response.text();
  assert.equal(response.status, 200, text);
  assert.deepEqual(JSON.parse(text), [golden.slate, golden.slate]);
});

test("type-checks as each kind of host resolves it", () => {
  write(
    "typed.ts",
    `import { Consent, Profile, Ranker, init } from "pocketrank";
import type { Ranked } from "pocketrank";
import * as slim from "pocketrank/slim";
import { follow, type Following } from "pocketrank/sync";
import type { Pocketrank } from "pocketrank/element";
import { show } from "pocketrank/devtools";
import "pocketrank/element.css";
declare global {
  interface Window {
    // As shops declare it.
    dataLayer: Record<string, unknown>[];
  }
}
export const models: Promise<Following<Ranker>> = follow("https://shop.example/manifest.pkrm", {
  audience: "shop.example",
  keys: [],
  open: (snapshot) => new Ranker(snapshot),
});
// @ts-expect-error whom to trust is missing
void follow("https://shop.example/manifest.pkrm", { open: (snapshot) => snapshot });
export async function rank(bytes: Uint8Array): Promise<Ranked[]> {
  await init();
  const ranker = new Ranker(bytes);
  const grant = new Consent({ choice: { mode: "session" } }).grant();
  const profile = new Profile();
  if (grant) profile.record(grant, "sku-1", "view_item", 1);
  ranker.setProfile(profile, 2);
  // @ts-expect-error no such kind of event
  if (grant) profile.record(grant, "sku-1", "stare", 1);
  // @ts-expect-error nothing is recorded without a grant
  profile.record(undefined, "sku-1", "view_item", 1);
  return ranker.rerank(ranker.candidates(["sku-1", "sku-2"]), { count: 2 });
}
export async function rankSlim(bytes: Uint8Array): Promise<Ranked[]> {
  await slim.init();
  const ranker = new slim.Ranker(bytes);
  const grant = new slim.Consent({ choice: { mode: "session" } }).grant();
  const profile = new slim.Profile();
  if (grant) profile.record(grant, "sku-1", "view_item", 1);
  // @ts-expect-error explanations are in the whole entry
  ranker.explain(0);
  ranker.setProfile(profile, 2);
  return ranker.rerank(ranker.candidates(["sku-1", "sku-2"]), { count: 2 });
}
export const mode = (page: Pocketrank) => page.mode;
export const look: () => Promise<void> = show;
`,
  );
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const common = ["--noEmit", "--strict", "--target", "es2022", "--lib", "es2022,dom", "typed.ts"];
  for (const [module, resolution] of [
    ["esnext", "bundler"],
    ["nodenext", "nodenext"],
  ]) {
    try {
      run(process.execPath, [tsc, "--module", String(module), "--moduleResolution", String(resolution), ...common], folder);
    } catch (error) {
      assert.fail(`${resolution}: ${/** @type {{ stdout: string }} */ (error).stdout}`);
    }
  }
});
