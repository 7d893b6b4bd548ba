/** Every delta, applied by a second program that follows docs/FORMAT.md alone, makes what the command line makes of it. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { build } from "esbuild";
import { cli } from "../../scripts/build.mjs";
import { root } from "../../scripts/process.mjs";

const bundle = await build({
  stdin: { contents: 'export * from "./delta.ts"; export { readSnapshot } from "./format.ts";', resolveDir: join(root, "tests/js/support") },
  bundle: true,
  write: false,
  format: "esm",
  platform: "node",
});
/** @type {typeof import("./support/delta.ts") & typeof import("./support/format.ts")} */
const { applyDelta, readDelta, readSnapshot } = await import(`data:text/javascript,${encodeURIComponent(bundle.outputFiles[0]?.text ?? "")}`);

const golden = (/** @type {string} */ name) => join(root, "tests/fixtures", name);
const folder = mkdtempSync(join(tmpdir(), "pocketrank-delta-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a verb that writes a file. @param {string} name of the file @param {string[]} args @returns {string} its path */
function made(name, ...args) {
  const path = join(folder, name);
  execFileSync(cli(), [...args, "-o", path], { stdio: ["ignore", "ignore", "inherit"] });
  return path;
}

/** @param {string} base @param {string} delta @param {string} target @returns what is done with each section */
function assertMakes(base, delta, target) {
  const patches = readDelta(readFileSync(delta)).patches;
  assert.ok(Buffer.from(applyDelta(readFileSync(base), readFileSync(delta))).equals(readFileSync(target)), delta);
  return patches.map(({ tag, kind }) => `${tag} ${kind}`);
}

const base = golden("random-v1.bin");
/** Each made for what the one before it makes. */
const deltas = ["random-changed-v1.delta", "random-again-v1.delta"].map(golden);
const snapshots = [base, ...deltas.map((_, links) => made(`after-${links}.bin`, "apply", base, ...deltas.slice(0, links + 1)))];

test("a golden delta of experiments is one run of bytes", () => {
  const [before, delta] = ["experiments-v1.bin", "experiments-changed-v1.delta"].map(golden);
  const after = made("experiments.bin", "apply", String(before), String(delta));
  assert.deepEqual(assertMakes(String(before), String(delta), after), ["META 0", "BLND 0", "INDX 0", "EXPR 3"]);
});

test("golden deltas make, one after another, what they make in one pass, and what leads back makes the base", () => {
  const kinds = deltas.map((delta, at) => {
    const [before, after] = /** @type {[string, string]} */ (snapshots.slice(at, at + 2));
    const there = assertMakes(before, delta, after);
    assert.deepEqual(assertMakes(after, made("back.delta", "diff", after, before), before), there);
    const { id, meta } = readSnapshot(readFileSync(after));
    const { target, items } = readDelta(readFileSync(delta));
    assert.deepEqual([id, meta.items], [target.slice(0, 32), items]);
    return there;
  });
  const rows = ["PRIR 2", "ATTR 2"];
  const more = ["NEIB 2", "FACT 2", "CONT 2"];
  assert.deepEqual(kinds, [
    ["META 3", "BLND 0", "INDX 2", ...rows, "LABL 0", ...more],
    ["META 3", "BLND 3", "INDX 2", ...rows, "LABL 3", ...more],
  ]);
});

test("a delta makes each golden snapshot of each other one", () => {
  const files = readdirSync(golden("")).filter((name) => name.endsWith(".bin"));
  for (const from of files) {
    for (const to of files) assertMakes(golden(from), made("any.delta", "diff", golden(from), golden(to)), golden(to));
  }
});

test("a delta that was changed, or is for another base, is refused", () => {
  const delta = readFileSync(deltas[0] ?? "");
  for (let at = 0; at < delta.length; at++) {
    assert.throws(() => applyDelta(readFileSync(base), delta.map((byte, index) => (index === at ? byte ^ 1 : byte))), `byte ${at}`);
  }
  assert.throws(() => applyDelta(readFileSync(base), delta.subarray(0, -1)));
  assert.throws(() => applyDelta(readFileSync(snapshots[1] ?? ""), delta), /another base/);
});
