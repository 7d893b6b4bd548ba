/** Snapshots with rules and experiments, by the command line. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cli } from "../../../scripts/build.mjs";

/**
 * A snapshot with these rules and features.
 * @param {string} base path of the snapshot that has the model
 * @param {{ rules?: object[], features?: object }} decisions
 * @returns {Uint8Array}
 */
export function decided(base, { rules, features }) {
  const folder = mkdtempSync(join(tmpdir(), "pocketrank-decisions-"));
  const run = (/** @type {string} */ verb, /** @type {object} */ document, /** @type {string} */ from, /** @type {string} */ to) => {
    const path = join(folder, `${verb}.json`);
    writeFileSync(path, JSON.stringify(document));
    execFileSync(cli(), [verb, path, "--snapshot", from, "-o", to], { stdio: ["ignore", "ignore", "inherit"] });
    return to;
  };
  try {
    const ruled = rules ? run("rules", { rules }, base, join(folder, "rules.bin")) : base;
    return readFileSync(features ? run("experiments", { features }, ruled, join(folder, "experiments.bin")) : ruled);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * A feature with two arms of equal weight.
 * @param {string} key of the experiment
 * @param {[unknown, unknown]} values the control's first
 */
export function twoArms(key, values) {
  return { defaultValue: values[0], rules: [{ key, seed: key, hashAttribute: "id", hashVersion: 2, variations: values, meta: [{ key: "control" }, { key: "new" }], weights: [0.5, 0.5] }] };
}
