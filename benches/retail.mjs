/**
 * A real shop to measure on: a model of UCI's Online Retail II, in `../shared/data` or where POCKETRANK_DATA says. Trained with few
 * trials, at the usual 64 bytes an item: more trials spend these bytes better, not fewer of them.
 */
import { existsSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { cli } from "../scripts/build.mjs";
import { Failure, root, run } from "../scripts/process.mjs";

/** Items of its list. */
export const ITEMS = 100;

/**
 * Where the snapshot is, and the list of its most popular items.
 * @param {string} folder to write to
 */
export async function retail(folder) {
  const events = join(resolve(root, process.env.POCKETRANK_DATA ?? "../shared/data"), "online-retail/online_retail.parquet");
  if (!existsSync(events)) throw new Failure(`${events} is missing`, "put UCI's Online Retail II there, set POCKETRANK_DATA, or leave the row out with --only");
  const snapshot = join(folder, "retail.bin");
  const pages = join(folder, "retail");
  // Trained once, whatever trains today: it is what runs on it that is measured. To train anew, delete the file.
  if (!existsSync(snapshot)) {
    await run(cli(), ["train", "--events", events, "--trials", "12", "-o", snapshot]);
    rmSync(pages, { recursive: true, force: true });
  }
  if (!existsSync(pages)) await run(cli(), ["candidates", snapshot, "--events", events, "--length", String(ITEMS), "-o", pages]);
  return { snapshot, list: join(pages, "candidates/popular.json") };
}
