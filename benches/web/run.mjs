/**
 * `npm run bench:web`: what the browser script costs the visitor of the demo shop's landing page, in Chromium and through the edge worker in
 * workerd, beside the same page without the script.
 *
 * Usage: npm run bench:web [-- --json] [--rounds 9] [--built]     `--built`: as dist/ has it, not built anew
 *
 * The processor is four times slower, as Lighthouse has it for phones, and the browser's HTTP cache is empty. In each round the page is
 * opened with and without, by turns, by a new visitor and by one who has said yes and looked at three products; then the one who has is
 * made to click. The median of the rounds is told, of what is added that of the differences in each round.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "../../scripts/build.mjs";
import { Failure, main, root, say } from "../../scripts/process.mjs";
import { printRows } from "../../scripts/rows.mjs";
import { setup } from "../../scripts/setup.mjs";
import { makeShop } from "../../scripts/start.mjs";
import { median } from "../turns.mjs";

const SLOWDOWN = 4;
const WITHOUT = "the same page without the script";
/** The path by which upstream has the page without. */
const PLAIN = "/without";

/** @typedef {"known" | "new"} Visitor */
/** @typedef {import("./page.mjs").Felt} Felt */
/** @typedef {{ visitor: Visitor, isWith: boolean, felt: Felt, answers: import("./page.mjs").Answer[] }} Measured */

async function make() {
  const tools = await setup({ tests: true, worker: true });
  await build(tools, ["origin", "runtime", "npm"]);
  await makeShop({});
  await build(tools, ["worker"]);
}

/** The landing page, by which nothing of ours is loaded. */
function plainPage() {
  const html = readFileSync(join(root, "dist/shop/index.html"), "utf8");
  const plain = html.replace(/<script [^>]*src="\/pocketrank\/[^>]*><\/script>/g, "").replace(/<link [^>]*href="\/pocketrank\/[^>]*>/g, "");
  if (plain === html || plain.includes("/pocketrank/")) throw new Failure("the landing page does not load the script as it did", "correct benches/web/run.mjs");
  return plain;
}

/** @param {number[]} values */
function spread(values) {
  const sorted = [...values].sort((one, other) => one - other);
  const at = (/** @type {number} */ part) => sorted[Math.floor(part * (sorted.length - 1))]?.toFixed(1);
  return `${at(0)} to ${at(1)}, half of them ${at(0.25)} to ${at(0.75)}`;
}

/** @param {Measured[]} measured @param {number} rounds */
function rows(measured, rounds) {
  const command = `Chromium, ${SLOWDOWN}x CPU slowdown, empty HTTP cache, ${rounds} rounds; the machine's noise is what the rounds spread over`;
  const of = (/** @type {Visitor} */ visitor, /** @type {boolean} */ isWith) => measured.filter((each) => each.visitor === visitor && each.isWith === isWith);
  /** @param {string} id @param {Visitor} visitor @param {"tbt" | "lcp"} what @param {string} about */
  const added = (id, visitor, what, about) => {
    const [have, lack] = [of(visitor, true), of(visitor, false)].map((list) => list.map(({ felt }) => felt[what]));
    const differences = (have ?? []).map((value, round) => value - (lack?.[round] ?? NaN));
    say(`${id}: with ${spread(have ?? [])} ms; without ${spread(lack ?? [])} ms; added ${spread(differences)} ms`);
    return [
      { id, value: median(differences), unit: "ms", command, about },
      { id: `${id.replace(/-ms$/, "")}-page-ms`, value: median(have ?? []), unit: "ms", peer: WITHOUT, peer_value: median(lack ?? []), command },
    ];
  };
  const inp = (/** @type {boolean} */ isWith) => of("known", isWith).map(({ answers }) => Math.max(...answers.map(({ duration }) => duration)));
  for (const name of new Set(measured.flatMap(({ answers }) => answers.map(({ name }) => name)))) {
    const durations = (/** @type {boolean} */ isWith) => of("known", isWith).map(({ answers }) => Math.max(...answers.filter((answer) => answer.name === name).map(({ duration }) => duration)));
    const [have, lack] = [durations(true), durations(false).filter(Number.isFinite)];
    say(`inp-ms, ${name}: median ${median(have)} ms, ${spread(have)}${lack.length > 0 ? `; without ${median(lack)} ms` : ""}`);
  }
  say(`inp-ms: with ${spread(inp(true))} ms; without ${spread(inp(false))} ms`);
  return [
    { id: "cls", value: Math.max(...measured.filter(({ isWith }) => isWith).map(({ felt }) => felt.cls)), unit: "", peer: WITHOUT, peer_value: Math.max(...measured.filter(({ isWith }) => !isWith).map(({ felt }) => felt.cls)), command, about: "layout shift, the most of all rounds" },
    { id: "inp-ms", value: median(inp(true)), unit: "ms", peer: WITHOUT, peer_value: median(inp(false)), command, about: "the longest answer of a round to a click or key: cards, steps of a shelf, reasons, answers to the consent question; of the page without, to those on cards" },
    ...added("tbt-ms", "known", "tbt", "blocking time added for a visitor with a profile: of tasks over 50 ms what is over"),
    ...added("tbt-new-ms", "new", "tbt", "the same for a new visitor"),
    ...added("lcp-ms", "known", "lcp", "added until the largest part is painted, for a visitor with a profile"),
    ...added("lcp-new-ms", "new", "lcp", "the same for a new visitor"),
  ];
}

await main(async () => {
  const { values } = parseArgs({ options: { json: { type: "boolean" }, rounds: { type: "string", default: "9" }, built: { type: "boolean" } } });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Failure(`--rounds ${values.rounds} is no number of rounds`, "name one from 1");
  if (!values.built) await make();
  // What is built is loaded only now.
  const { answer, open, tastes } = await import("../../tests/js/support/shop.mjs");
  const { launchChromium } = await import("../../tests/js/support/chromium.mjs");
  const { openShop } = await import("../../scripts/audit/audit.mjs");
  const { act, openSlowly, read } = await import("./page.mjs");
  const [browser, shop] = await Promise.all([launchChromium(), openShop({ [PLAIN]: { type: "text/html; charset=utf-8", body: plainPage() } })]);
  /** @param {Visitor} visitor */
  const arrive = async (visitor) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const page = await context.newPage();
    await open(page, `${shop.url}/`);
    if (visitor === "known") {
      await answer(page, "Accept all");
      for (const { url } of tastes()[0] ?? []) await open(page, shop.url + url);
    }
    await page.close();
    return context;
  };
  try {
    /** @type {Measured[]} */
    const measured = [];
    // The first round is for workerd and the disk, and does not count.
    for (let round = -1; round < rounds; round += 1) {
      for (const visitor of /** @type {const} */ (["known", "new"])) {
        const context = await arrive(visitor);
        for (const isWith of round % 2 === 0 ? [true, false] : [false, true]) {
          const page = await openSlowly(context, shop.url + (isWith ? "/" : PLAIN), SLOWDOWN);
          const loaded = await read(page);
          const answers = visitor === "known" ? await act(page, isWith) : [];
          const { cls } = await read(page);
          if (round >= 0) measured.push({ visitor, isWith, felt: { ...loaded, cls }, answers });
          await page.close();
        }
        await context.close();
      }
      say(`round ${round + 1} of ${rounds}`);
    }
    printRows(rows(measured, rounds));
  } finally {
    await browser.close();
    await shop.stop();
  }
});
