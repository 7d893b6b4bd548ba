/**
 * `npm run size`: what a visitor downloads and what the edge starts, raw and as it travels, against the budget in scripts/budget.json (bytes of
 * gzip). Reads dist/npm and dist/worker as they were last built. `--why`: builds with names, and prints which functions take the room.
 *
 * Usage: npm run size [-- --json] [-- --why]
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { buildWasm, variants } from "./build.mjs";
import { Failure, main, root, say, wantsJson } from "./process.mjs";
import { printJson, printTable } from "./rows.mjs";
import { setup } from "./setup.mjs";
import { room } from "./why.mjs";

const dist = join(root, "dist");
/** How many functions `--why` prints of each wasm. */
const FUNCTIONS = 40;

/**
 * What a page loads to rank, and what weighs as much: published sizes in kB gzip, that of GrowthBook's SDK without a model. What follows
 * an origin comes after that, and the edge worker, with nothing beside them.
 * @type {{ id: string, parts: string[], peer?: string, peer_value?: number }[]}
 */
const sums = [
  { id: "size-browser", parts: ["pocketrank_bg.wasm", "browser.js"], peer: "pagefind", peer_value: 73 },
  { id: "size-slim", parts: ["pocketrank_slim_bg.wasm", "slim.js"], peer: "GrowthBook's SDK", peer_value: 15 },
  { id: "size-sync", parts: ["pocketrank_sync_bg.wasm", "sync.js"] },
  { id: "size-decide", parts: ["pocketrank_decide_bg.wasm", "decide.js"] },
  { id: "size-worker", parts: ["worker/index_bg.wasm", "worker/index.js"] },
];

/** @type {Record<string, number>} the most bytes of gzip, by file or sum */
const budget = JSON.parse(readFileSync(join(root, "scripts/budget.json"), "utf8"));

/** @typedef {{ name: string, raw: number, gzip: number, brotli: number }} Size */

/** @param {string} name @returns {Size} */
function measure(name) {
  const path = join(dist, name.startsWith("worker/") ? name : `npm/${name}`);
  if (!existsSync(path)) throw new Failure(`${relative(root, path)} is missing`, "run `npm run build`");
  const bytes = readFileSync(path);
  return {
    name,
    raw: bytes.length,
    gzip: gzipSync(bytes, { level: 9 }).length,
    brotli: brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }).length,
  };
}

/** @param {string} name @param {Size[]} parts @returns {Size} */
function add(name, parts) {
  const total = (/** @type {"raw" | "gzip" | "brotli"} */ key) => parts.reduce((sum, part) => sum + part[key], 0);
  return { name, raw: total("raw"), gzip: total("gzip"), brotli: total("brotli") };
}

const kilobytes = (/** @type {number} */ bytes) => (bytes / 1000).toFixed(1);

async function why() {
  const tools = await setup();
  const folder = mkdtempSync(join(dist, ".why-"));
  try {
    for (const variant of variants) {
      await buildWasm(tools, variant, folder, { names: true });
      const { total, sections, functions } = room(readFileSync(join(folder, `${variant.name}_bg.wasm`)));
      say(`\n${variant.name}: ${total} bytes of gzip; sections in bytes: ${sections.map(({ name, raw }) => `${name} ${raw}`).join(", ")}`);
      const lines = functions.slice(0, FUNCTIONS).map(({ name, raw, gzip }) => [name.slice(0, 90), String(raw), String(gzip)]);
      printTable(["function", "raw", "gzip that goes without it"], lines);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main(async () => {
  if (process.argv.includes("--why")) return why();
  const files = Object.keys(budget).filter((name) => name.includes(".")).map(measure);
  const totals = sums.map(({ id, parts }) => add(id, files.filter(({ name }) => parts.includes(name))));
  if (wantsJson) {
    printJson(totals.map(({ name, gzip }, at) => ({ id: name, value: gzip / 1000, unit: "kB gzip", peer: sums[at]?.peer, peer_value: sums[at]?.peer_value })));
  } else {
    printTable(
      ["kB (1000 bytes)", "raw", "gzip", "brotli", "budget (gzip)"],
      [...files, ...totals].map(({ name, raw, gzip, brotli }) => [name, ...[raw, gzip, brotli, budget[name] ?? 0].map(kilobytes)]),
    );
    for (const { id, parts, peer, peer_value } of sums) say(`${id}: ${parts.join(" + ")}${peer ? `; ${peer}: ${peer_value} kB gzip` : ""}`);
  }
  const over = [...files, ...totals].filter(({ name, gzip }) => gzip > (budget[name] ?? 0));
  if (over.length > 0) {
    const list = over.map(({ name, gzip }) => `${name} has ${gzip} bytes of gzip, its budget is ${budget[name] ?? 0}`);
    throw new Failure(list.join("; "), "`npm run size -- --why` says what takes the room; a larger budget is a line in scripts/budget.json, with its reason in the commit");
  }
});
