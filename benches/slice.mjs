/**
 * What a page carries that brings its own model: `pocketrank slice` of the 100 most popular items of a real shop, beside the whole
 * snapshot.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { cli } from "../scripts/build.mjs";
import { Failure } from "../scripts/process.mjs";
import { ITEMS, retail } from "./retail.mjs";

/**
 * Bytes of the slice and of the whole, and how many rows lead to the items.
 * @param {string} folder to write to
 */
export async function measureSlice(folder) {
  const { snapshot, list } = await retail(folder);
  const slice = join(folder, "slice.bin");
  const { items, leading } = JSON.parse(execFileSync(cli(), ["slice", snapshot, "--candidates", list, "-o", slice, "--json"], { encoding: "utf8" }));
  if (items !== ITEMS) throw new Failure(`${list} names ${items} items that the snapshot knows, not ${ITEMS}`);
  return { slice: sizes(slice), whole: sizes(snapshot), leading: Number(leading) };
}

/** @param {string} path */
function sizes(path) {
  const bytes = readFileSync(path);
  return { raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length };
}
