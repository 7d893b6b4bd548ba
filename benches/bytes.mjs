/**
 * The row `bytes-per-item`: what a model of Gowalla takes that ranks at least 99.5% as well as its floats, its offsets, prior and
 * blend included, beside the same model as plain arrays of float32. On validation `pocketrank pack --smallest` finds it; the test set
 * is read once, to confirm. What training chose is kept in dist/bench, so that later runs only pack.
 *
 * Usage: node benches/bytes.mjs [--json]
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { cli } from "../scripts/build.mjs";
import { Failure, main, root, run, say } from "../scripts/process.mjs";
import { printRows } from "../scripts/rows.mjs";

/** @typedef {import("../scripts/rows.mjs").Row} Row */

/** Percent of NDCG@20 that may be lost. */
const LOSS = "0.5";
/** How the model is trained, as `bench:quality` does it. */
const TRAINING = ["--min-customers", "1", "--max-bytes-per-item", "64"];

const out = join(root, "dist/bench/bytes");

/** Runs a verb of the program and reads its JSON. @param {string[]} args */
function pocketrank(args) {
  say(typed(args));
  try {
    return JSON.parse(execFileSync(cli(), [...args, "--json"], { encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "inherit"] }));
  } catch (error) {
    throw new Failure(`pocketrank ${args[0]} failed: ${/** @type {Error} */ (error).message}`, "see its message above");
  }
}

/** A command as it can be typed at the root. @param {string[]} args */
const typed = (args) => ["pocketrank", ...args.map((arg) => (arg.startsWith("/") ? relative(root, arg) : arg))].join(" ");

/**
 * The recipe and snapshot of a training: made once for these data, options and version. What a later change of the trainer would
 * choose may differ, but all that is told of this choice is measured anew.
 * @param {string} events
 */
function trained(events) {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const key = createHash("sha256").update(JSON.stringify([version, TRAINING])).update(readFileSync(events)).digest("hex").slice(0, 16);
  const [recipe, snapshot] = [join(out, `gowalla-${key}.json`), join(out, `gowalla-${key}.bin`)];
  if (!existsSync(recipe) || !existsSync(snapshot)) pocketrank(["train", "--events", events, ...TRAINING, "--recipe", recipe, "-o", snapshot]);
  return { recipe, snapshot };
}

/** NDCG@20 on the test set. @param {string} snapshot @param {string} events @param {string} test @returns {number} */
function onTest(snapshot, events, test) {
  const report = pocketrank(["evaluate", snapshot, "--events", events, "--test", test, "--queries", "1000000", "--alone"]);
  return report.models[0].evaluation.segments[0].metrics[report.metrics.indexOf("ndcg@20")];
}

/** Measures it. @returns {Promise<Row>} */
export async function measureBytesPerItem() {
  const shared = resolve(root, process.env.POCKETRANK_DATA ?? "../shared/data");
  const [events, test] = [join(shared, "gowalla/train.txt"), join(shared, "gowalla/test.txt")];
  if (!existsSync(events) || !existsSync(test)) throw new Failure(`${events}, test.txt: no such files`, "POCKETRANK_DATA names the folder with gowalla/");
  mkdirSync(out, { recursive: true });
  await run("cargo", ["build", "--release", "-p", "pocketrank-origin", "--bin", "pocketrank"], { remedy: "see CONTRIBUTING.md for what building needs" });
  const { recipe, snapshot } = trained(events);
  const small = join(out, "smallest.bin");
  const pack = ["pack", recipe, "--events", events, "--smallest", "--max-loss", LOSS, "-o", small, "--svg", join(out, "shapes.svg")];
  const packed = pocketrank(pack);
  const { chosen, float } = packed;
  const share = (/** @type {number} */ value) => `${(100 * value).toFixed(2)}%`;
  const ndcg = (/** @type {number} */ value) => value.toFixed(4);
  say(
    `${packed.bytes_per_item.toFixed(1)} bytes an item: ${chosen.entries} neighbours of ${chosen.code_bits} bits; NDCG@20 on validation ` +
      `${ndcg(chosen["ndcg@20"])}, ${share(chosen.share)} of ${ndcg(float.worth["ndcg@20"])} in floats; on queries that chose nothing ${share(chosen.check_share)}`,
  );
  const [ours, theirs] = [onTest(small, events, test), onTest(snapshot, events, test)];
  say(`NDCG@20 on the test set: ${ndcg(ours)}; the snapshot of 64 bytes an item that training made: ${ndcg(theirs)}`);
  return {
    id: "bytes-per-item",
    value: packed.bytes_per_item,
    unit: "bytes",
    peer: "float32",
    peer_value: packed.float_bytes_per_item,
    command: typed(pack),
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await main(async () => printRows([await measureBytesPerItem()]));
