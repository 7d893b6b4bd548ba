/**
 * What a page carries that brings its own model: `pocketrank slice` of the 100 most popular items of a real shop, beside the whole
 * snapshot. The data are UCI's Online Retail II in `../shared/data`, or where POCKETRANK_DATA says. Trained with few trials, at the usual
 * 64 bytes an item: more trials spend these bytes better, not fewer of them.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { cli } from "../scripts/build.mjs";
import { Failure, root, run } from "../scripts/process.mjs";

const ITEMS = 100;

/**
 * Bytes of the slice and of the whole, and how many rows the slice has.
 * @param {string} folder to write to
 */
export async function measureSlice(folder) {
  const events = join(resolve(root, process.env.POCKETRANK_DATA ?? "../shared/data"), "online-retail/online_retail.parquet");
  if (!existsSync(events)) throw new Failure(`${events} is missing`, "put UCI's Online Retail II there, set POCKETRANK_DATA, or leave the row out with --only");
  const snapshot = join(folder, "retail.bin");
  const pages = join(folder, "retail");
  const slice = join(folder, "slice.bin");
  // Trained once, whatever trains today: it is slicing that is measured. To train anew, delete the file.
  if (!existsSync(snapshot)) {
    await run(cli(), ["train", "--events", events, "--trials", "12", "-o", snapshot]);
    rmSync(pages, { recursive: true, force: true });
  }
  if (!existsSync(pages)) await run(cli(), ["candidates", snapshot, "--events", events, "--length", String(ITEMS), "-o", pages]);
  const list = join(pages, "candidates/popular.json");
  const { items, leading } = JSON.parse(execFileSync(cli(), ["slice", snapshot, "--candidates", list, "-o", slice, "--json"], { encoding: "utf8" }));
  if (items !== ITEMS) throw new Failure(`${list} names ${items} items that the snapshot knows, not ${ITEMS}`);
  return { slice: sizes(slice), whole: sizes(snapshot), leading: Number(leading) };
}

/** @param {string} path */
function sizes(path) {
  const bytes = readFileSync(path);
  return { raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length };
}
