/**
 * `npm run bench`: what reranking, opening and slicing cost, each beside what it is compared with, in the same run.
 *
 * Usage: npm run bench [-- --json] [--only rerank-node,open-100k,...]
 */
import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { build, targetFolder } from "../scripts/build.mjs";
import { nodePeers } from "../scripts/peers.mjs";
import { Failure, main, root, run, say } from "../scripts/process.mjs";
import { printRows } from "../scripts/rows.mjs";
import { setup } from "../scripts/setup.mjs";
import { serveSite } from "../tests/js/support/site.mjs";
import { measureBytesPerItem } from "./bytes.mjs";
import { measureOpen } from "./open.mjs";
import { measureProduct } from "./product.mjs";
import { measureScale } from "./scale.mjs";
import { measureSlate } from "./slate.mjs";
import { measureSlice } from "./slice.mjs";
import { once } from "./turns.mjs";

/** @typedef {import("./host.ts").Figures} Figures */
/** @typedef {Omit<import("../scripts/rows.mjs").Row, "id">} Measured */

const out = join(root, "dist/bench");
const npm = join(root, "dist/npm");
const pocketrank = once(() => import(join(npm, "node.js")));

/** @returns {Promise<Figures>} */
async function inNode() {
  const { measure } = await import(join(out, "host.js"));
  return measure(await pocketrank(), await readFile(join(out, "snapshot.bin")), JSON.parse(readFileSync(join(out, "case.json"), "utf8")));
}

/** @returns {Promise<Figures>} */
async function inChromium() {
  const site = await serveSite(join(root, "dist"), ({ url }) =>
    url === "/" ? { headers: { "content-type": "text/html" }, body: "<!doctype html><title>bench</title>" } : undefined,
  );
  const { launchChromium } = await import("../tests/js/support/chromium.mjs");
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
async function native(name) {
  await run("cargo", ["bench", "-p", "pocketrank-benches", "--bench", "rerank", "--", "--quiet", "--noplot"]);
  const path = join(targetFolder(), "criterion", name, "new/estimates.json");
  return JSON.parse(readFileSync(path, "utf8")).median.point_estimate / 1000;
}

/** Writes the case with catalogues of these sizes, where a program that is newer has not yet. @param {number[]} sizes */
async function cases(sizes) {
  const program = join(targetFolder(), "release/bench-case");
  for (const items of sizes) {
    const file = join(out, `items-${items}.json`);
    if (!existsSync(file) || statSync(file).mtimeMs < statSync(program).mtimeMs) await run(program, [out, String(items)]);
  }
  return sizes;
}

const node = once(inNode);
const chromium = once(inChromium);
const product = once(async () => measureProduct(await pocketrank(), out, await import(join(out, "typed.js")), await nodePeers()));
const opened = once(async () => measureOpen(npm, out, await cases([100_000, 1_000])));
const scaled = once(async () => measureScale(await pocketrank(), out, await cases([1_000_000, 10_000])));
const sliced = once(() => measureSlice(out));
const slated = once(async () => measureSlate(await pocketrank(), out));

/** @param {keyof Awaited<ReturnType<typeof measureProduct>>} name @param {string} peer @returns {() => Promise<Measured>} */
const besideProduct = (name, peer) => async () => {
  const figures = await product();
  return { value: figures.pocketrank, unit: "µs", better: "faster", peer, peer_value: figures[name] };
};

/** @param {() => Promise<Figures>} host @param {keyof Figures} call @returns {() => Promise<Measured>} */
const besideTwin = (host, call) => async () => {
  const { wasm, twin } = (await host())[call];
  return { value: wasm, unit: "µs", better: "faster", peer: "TypeScript twin", peer_value: twin };
};

/** @param {"trained" | "every"} model @param {string} about @returns {() => Promise<Measured>} */
const besideRedis = (model, about) => async () => {
  const figures = await slated();
  return { value: figures[model], unit: "µs", better: "faster", peer: "Redis GET and SET", peer_value: figures.redis, about };
};

/** What of the larger catalogue comes first, of the smaller second. @template {string} K @param {() => Promise<Record<K, number>[]>} figures @param {K} name @param {string} peer @returns {() => Promise<Measured>} */
const besideSmaller = (figures, name, peer) => async () => {
  const [large, small] = await figures();
  return { value: large?.[name] ?? NaN, unit: "µs", peer, peer_value: small?.[name] };
};

/** @param {"raw" | "gzip"} form @returns {() => Promise<Measured>} */
const slice = (form) => async () => {
  const { slice, whole, leading } = await sliced();
  const about = `the 100 most popular of UCI Online Retail II, and ${leading} that lead to them`;
  return { value: slice[form] / 1000, unit: form === "raw" ? "kB" : "kB gzip", peer: "the whole snapshot", peer_value: whole[form] / 1000, about };
};

/** All rows, in the order of the table. @type {Record<string, () => Promise<Measured>>} */
const rows = {
  "dot-js": besideProduct("typed", "typed arrays"),
  "dot-ort": besideProduct("ort", "onnxruntime-web"),
  "dot-tfjs": besideProduct("tfjs", "TensorFlow.js, wasm"),
  "rerank-node": besideTwin(node, "rerank"),
  "rerank-chromium": besideTwin(chromium, "rerank"),
  "set-profile-node": besideTwin(node, "setProfile"),
  "set-profile-chromium": besideTwin(chromium, "setProfile"),
  "wasm-native": async () => ({ value: (await node()).rerank.wasm, unit: "µs", peer: "native, criterion", peer_value: await native("rerank") }),
  "event-to-slate": besideRedis("trained", "record one event after 50, take the profile in, rerank 200, by the model that training chose for UCI Online Retail II; beside a profile's GET and SET over loopback TCP, and nothing else"),
  "event-to-slate-vectors": besideRedis("every", "the same by the model of rerank-node: every scorer, and a fold-in of 64 numbers by Cholesky"),
  "open-100k": async () => {
    const about = "a new instance of the compiled wasm, and opening a snapshot of 100,000 items that lies in its memory, without verifying";
    return { ...(await besideSmaller(opened, "opened", "of 1,000 items")()), about };
  },
  "open-100k-copy": async () => {
    const about = "what open-100k leaves out: copying those bytes into linear memory";
    return { value: ((await opened())[0]?.copied ?? NaN) / 1000, unit: "ms", about };
  },
  "rerank-1m": async () => {
    const about = "1,000 random candidates of 1,000,000 items, the same each time, as a page ranks its slots and an edge its lists";
    return { ...(await besideSmaller(scaled, "one", "of 10,000 items")()), about };
  },
  "rerank-1m-first": async () => {
    const about = "other candidates each time: each is looked up in memory that no cache holds";
    return { ...(await besideSmaller(scaled, "many", "of 10,000 items")()), about };
  },
  "bytes-per-item": async () => measureBytesPerItem(),
  "slice-100": slice("gzip"),
  "slice-100-raw": slice("raw"),
  "size-browser": async () => {
    const gzip = ["pocketrank_bg.wasm", "browser.js"].map((name) => gzipSync(readFileSync(join(npm, name)), { level: 9 }).length);
    return { value: gzip.reduce((sum, size) => sum + size) / 1000, unit: "kB gzip" };
  },
};

/** Rows that real data are needed for. */
const ON_REAL_DATA = /^event-to-slate|^bytes-per-item|^slice/;

/** The rows that were asked for; all if none was named. @returns {string[]} */
function wantedRows() {
  const { values } = parseArgs({ options: { json: { type: "boolean" }, only: { type: "string" } } });
  const wanted = values.only?.split(",");
  const unknown = wanted?.find((id) => !Object.hasOwn(rows, id));
  if (unknown !== undefined) throw new Failure(`--only ${unknown}: there is no such row`, `name one or more of: ${Object.keys(rows).join(", ")}`);
  if (wanted) return Object.keys(rows).filter((id) => wanted.includes(id));
  const data = resolve(root, process.env.POCKETRANK_DATA ?? "../shared/data");
  if (existsSync(data)) return Object.keys(rows);
  const left = Object.keys(rows).filter((id) => ON_REAL_DATA.test(id));
  say(`${data} is missing, so these rows are left out, which are measured on real data: ${left.join(", ")}`);
  return Object.keys(rows).filter((id) => !left.includes(id));
}

await main(async () => {
  const ids = wantedRows();
  const any = (/** @type {RegExp} */ pattern) => ids.some((id) => pattern.test(id));
  mkdirSync(out, { recursive: true });
  const tools = await setup({ tests: any(/chromium/), worker: false });
  await build(tools, ["runtime", "npm", ...(any(ON_REAL_DATA) ? ["origin"] : [])]);
  await run("cargo", ["run", "--release", "-p", "pocketrank-benches", "--bin", "bench-case", "--", out]);
  // Not before set-up has installed it.
  const { build: bundle } = await import("esbuild");
  await bundle({ entryPoints: ["host", "typed"].map((name) => join(root, `benches/${name}.ts`)), outdir: out, bundle: true, format: "esm", target: "es2023" });
  const measured = [];
  for (const id of ids) {
    const row = await /** @type {() => Promise<Measured>} */ (rows[id])();
    measured.push({ id, ...row });
  }
  printRows(measured);
});
