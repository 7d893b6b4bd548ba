/**
 * `npm run size`: what a visitor downloads, raw and as it travels. Reads dist/npm as it was last built.
 *
 * Usage: npm run size [-- --json]
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { Failure, main, root, wantsJson } from "./process.mjs";
import { printJson, printTable } from "./rows.mjs";

const files = ["pocketrank_bg.wasm", "browser.js", "element.js", "node.js", "workerd.js"];

/** @param {string} name */
function measure(name) {
  const path = join(root, "dist/npm", name);
  if (!existsSync(path)) throw new Failure(`dist/npm/${name} is missing`, "run `npm run build`");
  const bytes = readFileSync(path);
  return {
    name,
    raw: bytes.length,
    gzip: gzipSync(bytes, { level: 9 }).length,
    brotli: brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }).length,
  };
}

await main(async () => {
  const sizes = files.map(measure);
  const [wasm, browser] = sizes;
  if (!wasm || !browser) return;
  const sum = {
    name: "wasm + browser.js",
    raw: wasm.raw + browser.raw,
    gzip: wasm.gzip + browser.gzip,
    brotli: wasm.brotli + browser.brotli,
  };
  if (wantsJson) {
    printJson([
      { id: "size-browser", value: sum.gzip / 1000, unit: "kB gzip" },
      ...sizes.map(({ name, gzip }) => ({ id: `size-${name}`, value: gzip / 1000, unit: "kB gzip" })),
    ]);
  } else {
    const kilobytes = (/** @type {number} */ bytes) => (bytes / 1000).toFixed(1);
    printTable(
      ["kB (1000 bytes)", "raw", "gzip", "brotli"],
      [...sizes, sum].map(({ name, raw, gzip, brotli }) => [name, ...[raw, gzip, brotli].map(kilobytes)]),
    );
  }
});
