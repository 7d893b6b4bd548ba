/**
 * `npm run audit:privacy`: what leaves the visitor's device and what stays on it, in every state of consent, for a privacy officer to read and
 * for a machine to check. Fails where anything is found that should not be.
 *
 * Usage: npm run audit:privacy [-- --json] [--only denied,...] [--built]     `--built`: as dist/ has it, not built anew
 *
 * Writes dist/audit/report.md, requests.jsonl and records.jsonl.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { build } from "../build.mjs";
import { Failure, main, root, say, seconds } from "../process.mjs";
import { printRows } from "../rows.mjs";
import { setup } from "../setup.mjs";
import { makeShop } from "../start.mjs";

const out = join(root, "dist/audit");
/** States that are lived through at a time: most of the time of a visit is waiting. */
const AT_A_TIME = 2;

async function make() {
  const tools = await setup({ tests: true, worker: true });
  await build(tools, ["runtime", "npm"]);
  if (!existsSync(join(root, "dist/data/catalogue.json"))) await build(tools, ["origin"]);
  await makeShop({});
  await build(tools, ["worker"]);
}

/**
 * Results in the order of the list, so many at a time.
 * @template A, B
 * @param {A[]} list @param {(each: A) => Promise<B>} run
 * @returns {Promise<B[]>}
 */
async function inTurns(list, run) {
  /** @type {B[]} */
  const results = [];
  const queue = [...list.entries()];
  const work = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) results[next[0]] = await run(next[1]);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  return results;
}

await main(async () => {
  const { values } = parseArgs({ options: { json: { type: "boolean" }, only: { type: "string" }, built: { type: "boolean" } } });
  if (!values.built) await make();
  // What is built is loaded only now.
  const { look, openShop, readPlans, tellsUpstream } = await import("./audit.mjs");
  const { states } = await import("./states.mjs");
  const { report, lists } = await import("./report.mjs");
  const { launchChromium } = await import("../../tests/js/support/chromium.mjs");
  const names = values.only?.split(",") ?? states.map(({ id }) => id);
  const unknown = names.find((name) => !states.some(({ id }) => id === name));
  if (unknown) throw new Failure(`--only ${unknown}: there is no such state`, `name one or more of: ${states.map(({ id }) => id).join(", ")}`);
  const started = performance.now();
  const [browser, shop] = await Promise.all([launchChromium(), openShop()]);
  try {
    const plans = readPlans();
    const chosen = states.filter(({ id }) => names.includes(id));
    const verdicts = await inTurns(chosen, async (state) => {
      const verdict = await look({ browser, shop: shop.url }, state, plans);
      say(`audit   ${state.id}: ${verdict.findings.length === 0 ? "as it should be" : `${verdict.findings.length} findings`} (${seconds(started)})`);
      return verdict;
    });
    const upstream = { asked: shop.asked.length, findings: tellsUpstream(shop.asked) };
    const text = report(verdicts, upstream, `Chromium ${browser.version()}`);
    const { requests, records } = lists(verdicts);
    mkdirSync(out, { recursive: true });
    for (const [name, content] of Object.entries({ "report.md": text, "requests.jsonl": requests, "records.jsonl": records })) writeFileSync(join(out, name), content);
    say(`\n${text}`);
    const rows = verdicts.flatMap(({ rows }) => rows.map(({ id, value, unit, about }) => ({ id, value, unit, about })));
    const asked = { id: "upstream-cookies", value: upstream.findings.length, unit: "requests", about: `of ${upstream.asked} that the shop's own server got, with a cookie or the capsule` };
    printRows([...rows, asked]);
    say(`\n${relative(root, out)}/report.md, requests.jsonl, records.jsonl (${seconds(started)})`);
    const findings = [...verdicts.flatMap(({ state, findings }) => findings.map((finding) => `${state.id}: ${finding}`)), ...upstream.findings];
    if (findings.length > 0) throw new Failure(`${findings.length} findings\n${findings.join("\n")}`, `read ${relative(root, out)}/report.md`);
  } finally {
    await browser.close();
    await shop.stop();
  }
});
