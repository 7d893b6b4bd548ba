/**
 * `npm run bench`: what reranking costs, beside the best that TypeScript can do, in the same run.
 *
 * Usage: npm run bench [-- --json]
 */
import { mkdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build as bundle } from "esbuild";
import { build, targetFolder } from "../scripts/build.mjs";
import { nodePeers } from "../scripts/peers.mjs";
import { main, root, run } from "../scripts/process.mjs";
import { printRows } from "../scripts/rows.mjs";
import { setup } from "../scripts/setup.mjs";
import { launchChromium } from "../tests/js/support/chromium.mjs";
import { serveSite } from "../tests/js/support/site.mjs";
import { measureProduct } from "./product.mjs";

/** @typedef {import("./host.ts").Figures} Figures */

const out = join(root, "dist/bench");
const npm = join(root, "dist/npm");

/** @returns {Promise<Figures>} */
async function inNode() {
  const { measure } = await import(join(out, "host.js"));
  const pocketrank = await import(join(npm, "node.js"));
  return measure(pocketrank, await readFile(join(out, "snapshot.bin")), JSON.parse(readFileSync(join(out, "case.json"), "utf8")));
}

/** @returns {Promise<Figures>} */
async function inChromium() {
  const site = await serveSite(join(root, "dist"), ({ url }) =>
    url === "/" ? { headers: { "content-type": "text/html" }, body: "<!doctype html><title>bench</title>" } : undefined,
  );
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    await page.goto(site.url);
    return await page.evaluate(async () => {
      const load = (/** @type {string} */ path) => import(path);
      const [{ measure }, pocketrank] = await Promise.all([load("/bench/host.js"), load("/npm/browser.js")]);
      const [snapshot, settings] = await Promise.all([fetch("/bench/snapshot.bin"), fetch("/bench/case.json")]);
      return measure(pocketrank, new Uint8Array(await snapshot.arrayBuffer()), await settings.json());
    });
  } finally {
    await browser.close();
    await site.stop();
  }
}

/** Criterion's median, in microseconds. @param {string} name */
function native(name) {
  const path = join(targetFolder(), "criterion", name, "new/estimates.json");
  return JSON.parse(readFileSync(path, "utf8")).median.point_estimate / 1000;
}

await main(async () => {
  mkdirSync(out, { recursive: true });
  await build(await setup({ tests: true, worker: false }), ["runtime", "npm"]);
  await run("cargo", ["run", "--release", "-p", "pocketrank-benches", "--bin", "bench-case", "--", out]);
  await run("cargo", ["bench", "-p", "pocketrank-benches", "--bench", "rerank", "--", "--quiet", "--noplot"]);
  await bundle({ entryPoints: ["host", "typed"].map((name) => join(root, `benches/${name}.ts`)), outdir: out, bundle: true, format: "esm", target: "es2023" });

  const [node, chromium] = [await inNode(), await inChromium()];
  const product = await measureProduct(await import(join(npm, "node.js")), out, await import(join(out, "typed.js")), await nodePeers());
  const gzip = ["pocketrank_bg.wasm", "browser.js"].map((name) => gzipSync(readFileSync(join(npm, name)), { level: 9 }).length);
  const twin = "TypeScript twin";
  const faster = /** @type {const} */ ({ unit: "µs", better: "faster", peer: twin });
  const dot = /** @type {const} */ ({ value: product.pocketrank, unit: "µs", better: "faster" });
  printRows([
    { id: "dot-js", ...dot, peer: "typed arrays", peer_value: product.typed },
    { id: "dot-ort", ...dot, peer: "onnxruntime-web", peer_value: product.ort },
    { id: "dot-tfjs", ...dot, peer: "TensorFlow.js, wasm", peer_value: product.tfjs },
    { id: "rerank-node", value: node.rerank.wasm, ...faster, peer_value: node.rerank.twin },
    { id: "rerank-chromium", value: chromium.rerank.wasm, ...faster, peer_value: chromium.rerank.twin },
    { id: "set-profile-node", value: node.setProfile.wasm, ...faster, peer_value: node.setProfile.twin },
    { id: "set-profile-chromium", value: chromium.setProfile.wasm, ...faster, peer_value: chromium.setProfile.twin },
    { id: "wasm-native", value: node.rerank.wasm, unit: "µs", peer: "native, criterion", peer_value: native("rerank") },
    { id: "size-browser", value: gzip.reduce((sum, size) => sum + size) / 1000, unit: "kB gzip" },
  ]);
});
