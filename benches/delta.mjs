/**
 * `npm run bench:delta`: what deltas take, as a share of the snapshot that they lead to, both with brotli 11, and what they cost in
 * ranking; beside zstd --patch-from and bsdiff on the same pairs of files.
 *
 * Usage: npm run bench:delta [-- --json] [--only retail,budget,gowalla,hosts] [--days N]
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { brotliCompressSync, constants } from "node:zlib";
import { cli, targetFolder } from "../scripts/build.mjs";
import { Failure, main, root, run, say, which } from "../scripts/process.mjs";
import { printRows, printTable } from "../scripts/rows.mjs";

/** @typedef {import("../scripts/rows.mjs").Row} Row */
/** @typedef {{ name: string, chain: string, day: number, queries: number, ndcg: number, stale: number, overlap: number | null, limit: number | null, new_pairs: number }} Line */

const { values: options } = parseArgs({
  options: { json: { type: "boolean" }, only: { type: "string" }, days: { type: "string" } },
});
const shared = resolve(root, process.env.POCKETRANK_DATA ?? "../shared/data");
const retail = join(shared, "online-retail/online_retail.parquet");
const gowalla = join(shared, "gowalla/train.txt");
const out = join(root, "dist/bench/delta");
/** 2010-11-01, in days since 1970-01-01: tests begin there (data/README.md), and nothing later is trained or tuned on. */
const FIRST = 14_914;
const DAYS = Number(options.days ?? 30);
/** For the table of what a kB brings. */
const KILOBYTES = [5, 8, 17, 34];
const command = "npm run bench:delta";

const bench = join(targetFolder(), "release/bench-delta");

/** Runs a case, and gives what it printed. @param {string[]} args @returns {Line[]} */
function lines(args) {
  const printed = execFileSync(bench, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], maxBuffer: 1 << 26 });
  return printed.trim().split("\n").map((line) => /** @type {Line} */ (JSON.parse(line)));
}

/** @param {string} name */
const file = (name) => join(out, name);
/** @param {string} path */
const bytes = (path) => readFileSync(path).length;

/** @param {string} path */
function brotli(path) {
  const content = readFileSync(path);
  return brotliCompressSync(content, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: content.length },
  }).length;
}

/** Bytes of what each leads from base to target with, as shares of the target with brotli. @param {string} name */
function shares(name) {
  const [base, target, made] = [file(`${name}.base`), file(`${name}.target`), file("peer")];
  const whole = brotli(target);
  rmSync(made, { force: true });
  execFileSync("zstd", ["-qq", "--ultra", "-22", "--long=27", `--patch-from=${base}`, target, "-o", made]);
  const zstd = bytes(made) / whole;
  execFileSync("bsdiff", [base, target, made]);
  const bsdiff = bytes(made) / whole;
  rmSync(made);
  return { ours: brotli(file(`${name}.delta`)) / whole, zstd, bsdiff };
}

/** @param {number[]} values */
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
/** @param {number} share */
const percent = (share) => 100 * share;

/** Rows for the means of some pairs of files. @param {string} id @param {string[]} names @param {string} about @returns {Row[]} */
function sizes(id, names, about) {
  const all = names.map(shares);
  const of = (/** @type {"ours" | "zstd" | "bsdiff"} */ which) => percent(mean(all.map((each) => each[which])));
  const value = of("ours");
  return [
    { id, value, unit: "% of the snapshot", peer: "zstd --patch-from", peer_value: of("zstd"), command, about },
    { id: `${id}-bsdiff`, value, unit: "% of the snapshot", peer: "bsdiff", peer_value: of("bsdiff"), command },
  ];
}

/** A model to begin with. @param {string} name @param {string[]} args @returns {Promise<{ recipe: string, snapshot: string }>} */
async function trained(name, args) {
  const [recipe, snapshot] = [file(`${name}.json`), file(`${name}.bin`)];
  if (!existsSync(recipe) || !existsSync(snapshot)) {
    say(`${name}: training, once`);
    await run(cli(), ["train", ...args, "--recipe", recipe, "-o", snapshot]);
  }
  return { recipe, snapshot };
}

/** @returns {Promise<{ recipe: string, snapshot: string }>} */
const shop = () => trained("retail", ["--events", retail, "--until", "2010-11-01", "--trials", "12"]);

/** @returns {Promise<Row[]>} */
async function days() {
  const { recipe, snapshot } = await shop();
  const all = lines(["days", retail, recipe, snapshot, String(FIRST), String(DAYS), out]);
  const of = (/** @type {string} */ chain) => all.filter((line) => line.chain === chain);
  const ndcg = (/** @type {string} */ chain) => mean(of(chain).map((line) => line.ndcg));
  const [exact, stale] = [ndcg("exact"), mean(of("exact").map((line) => line.stale))];
  const names = (/** @type {string} */ chain) => of(chain).map((line) => line.name);
  const queries = of("exact").reduce((sum, line) => sum + line.queries, 0);
  /** @param {string} id @param {string} chain @param {string} about @returns {Row[]} */
  const quality = (id, chain, about) => [
    { id: `${id}-loss`, value: percent(1 - ndcg(chain) / exact), unit: "% of NDCG@20", command, about },
    { id: `${id}-kept`, value: percent((ndcg(chain) - stale) / (exact - stale)), unit: "% of the gain", command, about: `of what the exact retraining gains over the model of ${DAYS > 1 ? "the first day" : "before"}` },
  ];
  const asked = `over ${queries} questions, those of the seven days behind each day`;
  return [
    ...sizes("delta-retail-day", names("sent"), `mean of ${DAYS} days, a delta a day in a chain, as \`pocketrank retrain\` makes them`),
    ...quality("delta-retail-day", "sent", `below the exact retraining, ${asked}`),
    ...sizes("delta-retail-anybody", names("anybody"), "the same where a change ships however few customers stand behind it"),
    ...quality("delta-retail-anybody", "anybody", `below the exact retraining, ${asked}`),
    ...sizes("delta-lossless-day", names("exact"), "the same days, everything that changed"),
  ];
}

/** @returns {Promise<Row[]>} */
async function budget() {
  const { recipe, snapshot } = await shop();
  const all = lines(["stale", retail, recipe, snapshot, String(FIRST + DAYS), out, KILOBYTES.join(",")]);
  const [exact] = all;
  if (!exact || exact.limit !== null) throw new Failure("bench-delta printed no exact model");
  const gain = (/** @type {Line} */ line) => line.ndcg - line.stale;
  const limited = all.filter((line) => line.limit !== null).map((line) => ({ line, kilobytes: brotli(file(`${line.name}.delta`)) / 1000 }));
  if (!options.json) {
    say(`\none delta for a model of ${DAYS} days ago`);
    const cells = limited.map(({ line, kilobytes }) => [
      `${line.limit} kB`,
      kilobytes.toFixed(1),
      line.ndcg.toFixed(4),
      (gain(line) / kilobytes).toExponential(2),
      `${percent(gain(line) / gain(exact)).toFixed(1)}%`,
    ]);
    printTable(["at most", "kB", "NDCG@20", "NDCG gained per kB", "of the lost gain"], cells);
    say("");
  }
  const at = limited.find(({ line }) => line.limit === 17);
  if (!at) throw new Failure("bench-delta printed no delta of 17 kB");
  return [
    { id: "delta-budget-17k", value: gain(at.line) / gain(exact), unit: "of the lost gain", command, about: `recovered by one delta of ${at.kilobytes.toFixed(1)} kB for a model of ${DAYS} days ago, ${exact.queries} questions` },
    ...sizes("delta-budget-exact", [exact.name], "the delta that recovers all of it"),
  ];
}

/** @returns {Promise<Row[]>} */
async function pairs() {
  const { recipe } = await trained("gowalla", ["--events", gowalla, "--families", "ridge", "--trials", "3", "--min-customers", "1"]);
  const rows = [];
  for (const [id, share, most] of /** @type {const} */ ([["delta-gowalla-01", 0.001, 0.0065], ["delta-gowalla-1", 0.01, 0.062]])) {
    const all = lines(["pairs", gowalla, recipe, String(share), out, String(most)]);
    const [exact, stale, sent] = ["exact", "stale", "sent"].map((name) => all.find((line) => line.name.endsWith(name)));
    if (!exact || typeof stale?.overlap !== "number" || typeof sent?.overlap !== "number") throw new Failure("bench-delta printed no overlap");
    rows.push(
      ...sizes(id, [sent.name], `${sent.new_pairs} new pairs, at most ${percent(most).toFixed(1)}% of the snapshot; one customer is enough (public research data)`),
      { id: `${id}-overlap`, value: sent.overlap, unit: "of users' top 20", peer: "the table before", peer_value: stale.overlap, command, about: "that the exact table has too" },
      ...sizes(`${id}-exact`, [exact.name], "the exact table"),
    );
  }
  return rows;
}

/**
 * Ten thousand hosts over thirty days, in virtual time, by the plan of the core. What they fetch is as large as what was measured: a
 * snapshot and a day's delta of the shop.
 * @returns {Promise<Row[]>}
 */
async function hosts() {
  const sizes = [["--snapshot-bytes", brotli(file("sent-01.target"))], ["--delta-bytes", brotli(file("sent-01.delta"))]];
  const printed = await run("cargo", ["run", "--quiet", "--release", "--example", "hosts", "--features", "pack,sign", "--", ...sizes.flat().map(String)], { collect: true });
  const all = printed.trim().split("\n").map((line) => JSON.parse(line));
  const of = (/** @type {string} */ name) => all.find((line) => line.case === name);
  /** @type {Row[]} */
  const rows = [];
  for (const kind of ["browsers", "servers"]) {
    const [deltas, whole] = [of(`${kind}, deltas`), of(`${kind}, whole snapshots`)];
    const about = `${deltas.hosts} hosts, ${deltas.days} days`;
    rows.push(
      { id: `delta-hosts-${kind}`, value: deltas.gigabytes, unit: "GB from the origin", peer: "whole snapshots", peer_value: whole.gigabytes, command, about },
      { id: `delta-hosts-${kind}-p50`, value: deltas.staleness_hours_p50, unit: "h of age of the model in use", command, about: "while hosts run" },
      { id: `delta-hosts-${kind}-p99`, value: deltas.staleness_hours_p99, unit: "h of age of the model in use", command },
    );
  }
  const outage = of("servers, deltas, 6 h outage");
  rows.push({ id: "delta-hosts-herd", value: outage.peak_minute_to_mean_after, unit: "times the mean", peer: "the busiest minute before", peer_value: outage.peak_minute_to_mean_before, command, about: "requests of the busiest minute after the origin was out for 6 hours" });
  return rows;
}

const cases = { retail: days, budget, gowalla: pairs, hosts };

await main(async () => {
  for (const program of ["zstd", "bsdiff"]) {
    if (!which(program)) throw new Failure(`${program} was not found on PATH, and deltas are measured beside it`, `install it (on Debian: apt-get install ${program})`);
  }
  const only = options.only?.split(",") ?? Object.keys(cases);
  const unknown = only.find((name) => !(name in cases));
  if (unknown) throw new Failure(`--only ${unknown}: there are ${Object.keys(cases).join(", ")}`);
  for (const path of [retail, gowalla]) {
    if (!existsSync(path)) throw new Failure(`${path}: no such file`, "set POCKETRANK_DATA to the folder of the public data sets");
  }
  mkdirSync(out, { recursive: true });
  await run("cargo", ["build", "--quiet", "--release", "-p", "pocketrank-origin", "-p", "pocketrank-benches"]);
  const rows = [];
  for (const name of /** @type {(keyof typeof cases)[]} */ (only)) rows.push(...(await cases[name]()));
  printRows(rows);
});
