/** The metrics of `pocketrank evaluate` are those that trec_eval computes from the run and qrels that it wrote. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { cli } from "../../scripts/build.mjs";
import { peers } from "../../scripts/peers.mjs";
import { root } from "../../scripts/process.mjs";

const data = String(process.env.POCKETRANK_DATA);
/** Enough to have every case, few enough to train on in seconds. */
const USERS = 3_000;

describe("trec_eval and pocketrank evaluate", () => {
  /** @type {string} */
  let folder;
  /** @type {string} */
  let python;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "pocketrank-trec-"));
    python = await peers();
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /**
   * Our means and trec_eval's.
   * @param {string[]} args of `evaluate`
   */
  function both(args) {
    const files = [join(folder, "run.txt"), join(folder, "qrels.txt")];
    const written = ["--run", String(files[0]), "--qrels", String(files[1])];
    const all = ["evaluate", join(folder, "snapshot.bin"), ...args, "--alone", "--json", ...written];
    const report = JSON.parse(execFileSync(cli(), all, { encoding: "utf8", maxBuffer: 1 << 26 }));
    const theirs = JSON.parse(execFileSync(python, [join(root, "benches/trec.py"), ...files], { encoding: "utf8" }));
    const [all_queries] = report.models[0].evaluation.segments;
    const ours = Object.fromEntries(report.metrics.map((/** @type {string} */ name, /** @type {number} */ at) => [name, all_queries.metrics[at]]));
    return { ours, theirs };
  }

  /** @param {{ ours: Record<string, number>, theirs: Record<string, number> }} means */
  function equal({ ours, theirs }) {
    assert.ok(Object.keys(theirs).length > 10);
    for (const [name, value] of Object.entries(theirs)) {
      assert.ok(Math.abs(Number(ours[name]) - value) < 1e-6, `${name}: ${ours[name]} here, ${value} by trec_eval`);
    }
    assert.ok(Number(ours["ndcg@20"]) > 0.01, "something is found");
  }

  /** One model of a family that suits both: what is compared is what its lists are worth, not how it was found. @param {string[]} args */
  const train = (args) => execFileSync(cli(), ["train", ...args, "--families", "rp3beta", "--trials", "1", "-o", join(folder, "snapshot.bin"), "--json"], { maxBuffer: 1 << 26 });

  it("agree on users with many right answers", () => {
    for (const name of ["train", "test"]) {
      const lines = readFileSync(join(data, `gowalla/${name}.txt`), "utf8").split("\n").slice(0, USERS);
      writeFileSync(join(folder, `${name}.txt`), lines.join("\n"));
    }
    const events = join(folder, "train.txt");
    train(["--events", events]);
    equal(both(["--events", events, "--test", join(folder, "test.txt")]));
  });

  it("agree on baskets of a shop, whose items may not be known", () => {
    const events = join(data, "online-retail/online_retail.parquet");
    train(["--events", events, "--until", "2010-11-01"]);
    equal(both(["--events", events]));
  });
});
