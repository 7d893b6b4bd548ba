/**
 * Steps of a test run: each has a name and a duration, the first that fails ends the run and says how to repeat it
 * alone, and the last line adds up the tests of all of them.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { run as start } from "node:test";
import { spec } from "node:test/reporters";
import { Failure, root, run, say, seconds } from "./process.mjs";

/** @typedef {{ passed: number, failed: number, ignored: number }} Totals */

/**
 * A check that has no tests to count.
 * @param {string} command
 * @param {string[]} args
 * @param {string} [remedy]
 */
export async function plain(command, args, remedy) {
  await run(command, args, { remedy });
}

/**
 * @param {string[]} args of `cargo test`
 * @param {Record<string, string>} [env]
 * @returns {Promise<Totals>}
 */
export async function cargoTest(args, env) {
  const output = await run("cargo", ["test", ...args], { env, collect: true });
  const lines = [...output.matchAll(/^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/gm)];
  return atLeastOne(`cargo test ${args.join(" ")}`, {
    passed: sum(lines, 1),
    failed: sum(lines, 2),
    ignored: sum(lines, 3),
  });
}

/**
 * @param {string} folder whose *.test.mjs run
 * @param {Record<string, string>} [env]
 * @returns {Promise<Totals>}
 */
export async function nodeTest(folder, env) {
  /** @type {string[]} */
  let names;
  try {
    names = /** @type {string[]} */ (readdirSync(join(root, folder), { recursive: true })).sort();
  } catch (error) {
    throw new Failure(`the tests of ${folder} cannot be read: ${/** @type {Error} */ (error).message}`, `restore them: git checkout ${folder}`);
  }
  const files = names.filter((name) => name.endsWith(".test.mjs")).map((name) => join(root, folder, name));
  if (files.length === 0) throw new Failure(`${folder} has no *.test.mjs`, `restore them: git checkout ${folder}`);
  Object.assign(process.env, env);
  const totals = { passed: 0, failed: 0, ignored: 0 };
  // What keeps Chromium busy runs beside what waits for a worker: they are begun from both ends of the alphabet by turns. More at
  // once took no less time on two cores, and made some of them late.
  const tests = start({ files: files.map((_, at) => String(files.at(at % 2 ? -(at + 1) >> 1 : at >> 1))), concurrency: 3 });
  tests.on("test:pass", ({ details, skip, todo }) => void (details.type === "suite" || (totals[skip || todo ? "ignored" : "passed"] += 1)));
  tests.on("test:fail", ({ todo }) => void (totals[todo ? "ignored" : "failed"] += 1));
  await pipeline(tests, new spec(), process.stdout, { end: false });
  if (totals.failed > 0) throw new Failure(`${folder}: ${totals.failed} failed`, "see above which");
  return atLeastOne(folder, totals);
}

/**
 * @param {RegExpMatchArray[]} matches
 * @param {number} group
 */
function sum(matches, group) {
  return matches.reduce((total, match) => total + Number(match[group]), 0);
}

/**
 * A run of no test at all would look like success.
 * @param {string} what
 * @param {Totals} totals
 */
function atLeastOne(what, totals) {
  if (totals.passed + totals.failed === 0) throw new Failure(`${what}: no test ran`, "see above what it found instead");
  return totals;
}

/**
 * @param {string} script for the advice how to repeat a step
 * @param {Record<string, () => Promise<Totals | void>>} steps
 * @param {string[]} [names] all of them if not given
 */
export async function runSteps(script, steps, names = Object.keys(steps)) {
  const started = performance.now();
  const totals = { passed: 0, failed: 0, ignored: 0 };
  const chosen = Object.entries(steps).filter(([name]) => names.includes(name));
  for (const [index, [name, step]] of chosen.entries()) {
    const begun = performance.now();
    say(`\n== ${name} (${index + 1} of ${chosen.length})`);
    try {
      const part = await step();
      if (part) for (const key of /** @type {(keyof Totals)[]} */ (Object.keys(totals))) totals[key] += part[key];
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      const again = `this step alone: node ${script} --only ${name}`;
      throw new Failure(`step ${name} after ${seconds(begun)}: ${error.message}`, [error.remedy, again].filter(Boolean).join("\n"));
    }
    say(`== ${name}: ok (${seconds(begun)})`);
  }
  say(`\ntest result: ok. ${totals.passed} passed; ${totals.failed} failed; ${totals.ignored} ignored; ${chosen.length} steps; finished in ${seconds(started)}`);
}
