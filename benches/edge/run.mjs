/**
 * `npm run bench:edge`: what the edge worker adds to a page with three slots, beside the same worker that passes the page through: the same
 * process and isolate, the same page from the same upstream, asked for under a path that is not opted in.
 *
 * Usage: npm run bench:edge [-- --json] [--only edge-throughput,...] [--built] [--v8=FLAGS]     `--built`: as dist/ has it, not built anew; `--v8=`: V8 as it comes
 *
 * Saturation is measured by wrk, by turns. Latency is measured at half of the personalized pages' saturation, for both, by turns, at a
 * fixed arrival rate and from when a request was due (`bench-load`); what is added is the difference of the quantiles of a round, and the
 * median of the rounds is told. Every answer is read to its end and its slots are counted. Load, worker and upstream share this machine.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { build, targetFolder } from "../../scripts/build.mjs";
import { Failure, ask, main, root, run, say, which } from "../../scripts/process.mjs";
import { printRows } from "../../scripts/rows.mjs";
import { installPackages, setup } from "../../scripts/setup.mjs";
import { AUDIENCE, demoKey } from "../../scripts/shop/models.mjs";
import { makeShop } from "../../scripts/start.mjs";
import { median, once } from "../turns.mjs";
import { cookies } from "./visitors.mjs";
import { startWorkerd, V8_FLAGS, version as workerdVersion } from "./workerd.mjs";

/** @typedef {{ answered: number, lost: number, why: string }} Counted */
/** @typedef {Counted & { p50: number, p90: number, p99: number, max: number }} Timed microseconds */
/** @typedef {{ path: string, filled: number }} Arm */

const SLOTS = 3;
const MARK = 'data-pocketrank-by="edge"';
/** @type {Record<"personalized" | "passed", Arm>} */
const arms = { personalized: { path: "/", filled: SLOTS }, passed: { path: "/passed", filled: 0 } };

/** Connections and seconds of wrk, and of `bench-load`. */
const SATURATION = { connections: 64, seconds: 8, rounds: 3 };
const LATENCY = { connections: 64, seconds: 8, rounds: 9 };
const ENDURANCE = { connections: 200, seconds: 60, warmUp: 90 };
/** Memory is looked at so often, in milliseconds; it is the median of these first and last seconds. */
const LOOK = 250;
const MEMORY = 10;

const out = join(root, "dist/bench/edge");
const shop = join(root, "dist/shop");
const visitors = join(out, "cookies.txt");

/** The landing page of the demo shop, with one more slot after its last. */
function page() {
  const html = readFileSync(join(shop, "index.html"), "utf8");
  const slots = [...html.matchAll(/<pocketrank-carousel [^>]*data-pocketrank-slot=.*?<\/pocketrank-carousel>/gs)];
  const last = slots.at(-1);
  if (slots.length !== SLOTS - 1 || !last) throw new Failure(`the shop's landing page has ${slots.length} slots, not ${SLOTS - 1}`, "correct benches/edge/run.mjs");
  const another = last[0].replaceAll("home-trending", "home-new").replace('candidates="trending"', 'candidates="new"');
  return html.replace(last[0], `${last[0]}\n${another}`);
}

/** A program that serves; it writes its port. @param {string} file @returns {Promise<{ url: string, stop: () => void }>} */
async function startUpstream(file) {
  const child = spawn(process.execPath, [join(root, "benches/edge/upstream.mjs"), file], { stdio: ["pipe", "pipe", "inherit"] });
  const port = await new Promise((resolve, reject) => child.once("error", reject).stdout.setEncoding("utf8").once("data", resolve));
  return { url: `http://127.0.0.1:${Number(port)}`, stop: () => void child.kill() };
}

/** The last line that a program prints. @param {string} command @param {string[]} args @returns {Promise<any>} */
async function answer(command, args) {
  const printed = await run(command, args, { collect: true });
  return JSON.parse(printed.trim().split("\n").at(-1) ?? "");
}

/** Whatever measures a server at that address. @param {string} address */
function generators(address) {
  const load = join(targetFolder(), "release/bench-load");
  return {
    /** As fast as it answers. @param {Arm} arm @param {number} connections @param {number} seconds @returns {Promise<Counted & { seconds: number }>} */
    wrk: ({ path, filled }, connections, seconds) =>
      answer("wrk", ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "10s", "-s", join(root, "benches/edge/wrk.lua"), `http://${address}${path}`, "--", visitors, MARK, String(filled)]),
    /** At a rate. @param {Arm} arm @param {number} rate @returns {Promise<Timed>} */
    load: ({ path, filled }, rate) =>
      answer(load, [address, path, String(rate), String(LATENCY.seconds), String(LATENCY.connections), visitors, MARK, String(filled)]),
  };
}

/** @param {Counted} counted */
function whole(counted) {
  if (counted.lost > 0) throw new Failure(`${counted.lost} of ${counted.answered + counted.lost} requests got no answer that counts (${counted.why})`);
  return counted;
}

/**
 * Requests a second, and microseconds of workerd's processor time for each.
 * @param {ReturnType<typeof generators>} generate @param {import("./workerd.mjs").Workerd} workerd
 */
async function saturation({ wrk }, workerd) {
  const { connections, seconds, rounds } = SATURATION;
  const rates = { personalized: /** @type {number[]} */ ([]), passed: /** @type {number[]} */ ([]) };
  const times = { personalized: /** @type {number[]} */ ([]), passed: /** @type {number[]} */ ([]) };
  for (let round = -1; round < rounds; round++) {
    for (const name of /** @type {const} */ (["personalized", "passed"])) {
      const busy = workerd.busy();
      const counted = await wrk(arms[name], connections, seconds);
      whole(counted);
      // The first is for V8 to compile.
      if (round < 0) continue;
      rates[name].push(counted.answered / counted.seconds);
      times[name].push(((workerd.busy() - busy) / counted.answered) * 1e6);
    }
  }
  say(`saturation, requests a second, µs each: ${JSON.stringify({ rates, times })}`);
  const medians = (/** @type {typeof rates} */ all) => ({ personalized: median(all.personalized), passed: median(all.passed) });
  return { rates: medians(rates), times: medians(times) };
}

/** Milliseconds. @param {ReturnType<typeof generators>} generate @param {number} rate */
async function latency({ load }, rate) {
  /** @type {{ personalized: Timed, passed: Timed }[]} */
  const rounds = [];
  for (let round = 0; round < LATENCY.rounds; round++) {
    const personalized = await load(arms.personalized, rate);
    const passed = await load(arms.passed, rate);
    whole(personalized);
    whole(passed);
    rounds.push({ personalized, passed });
  }
  const of = (/** @type {"p50" | "p99"} */ quantile) => {
    const each = rounds.map(({ personalized, passed }) => [personalized[quantile] / 1000, passed[quantile] / 1000, (personalized[quantile] - passed[quantile]) / 1000]);
    say(`${quantile} at ${rate} requests a second, ms, personalized, passed, added: ${each.map((round) => round.map((value) => value.toFixed(2)).join(" ")).join("; ")}`);
    const [personalized = NaN, passed = NaN, added = NaN] = [0, 1, 2].map((at) => median(each.map((round) => round[at] ?? NaN)));
    return { personalized, passed, added };
  };
  return { p50: of("p50"), p99: of("p99") };
}

/** @param {ReturnType<typeof generators>} generate @param {import("./workerd.mjs").Workerd} workerd */
async function endurance({ wrk }, workerd) {
  const { connections, seconds, warmUp } = ENDURANCE;
  await wrk(arms.personalized, connections, warmUp);
  /** @type {number[]} */
  const memory = [];
  let runs = true;
  const looking = (async () => {
    while (runs) {
      memory.push(workerd.memory());
      await sleep(LOOK);
    }
  })();
  const counted = await wrk(arms.personalized, connections, seconds);
  runs = false;
  await looking;
  const looks = (MEMORY * 1000) / LOOK;
  const [first, last] = [memory.slice(0, looks), memory.slice(-looks)].map((part) => median(part) / 1e6);
  say(`workerd's memory, MB, each 5 s: ${memory.filter((_, at) => at % (5000 / LOOK) === 0).map((bytes) => (bytes / 1e6).toFixed(1)).join(" ")}`);
  if (counted.lost > 0) say(`lost: ${counted.why}`);
  return { ...counted, first: first ?? NaN, last: last ?? NaN };
}

const PASSED = "the same worker, passing the page through";

/**
 * All rows.
 * @param {ReturnType<typeof generators>} generate
 * @param {import("./workerd.mjs").Workerd} workerd
 * @param {string[]} flags
 */
function rows(generate, workerd, flags) {
  const saturated = once(() => saturation(generate, workerd));
  const half = async () => Math.floor((await saturated()).rates.personalized / 2);
  const timed = once(async () => latency(generate, await half()));
  const endured = once(() => endurance(generate, workerd));
  const machine = `workerd ${workerdVersion} (V8: ${flags.join(" ") || "as it comes"}), upstream Node ${process.versions.node}`;
  const wrk = `wrk ${/wrk \S*?(\d[\d.]+)/.exec(ask("sh", ["-c", "wrk -v; true"]) ?? "")?.[1]}`;
  const byWrk = ({ connections = 0, seconds = 0 }) => `${wrk} -t1 -c${connections} -d${seconds}s -s benches/edge/wrk.lua; ${machine}`;
  const byLoad = async () => `bench-load (benches/load) at ${await half()} requests a second, ${LATENCY.connections} connections, ${LATENCY.rounds} rounds of ${LATENCY.seconds} s; ${machine}`;
  /** @param {"p50" | "p99"} quantile */
  const added = (quantile) => async () => ({ value: (await timed())[quantile].added, unit: "ms", command: await byLoad() });
  /** @param {"p50" | "p99"} quantile */
  const itself = (quantile) => async () => {
    const { personalized, passed } = (await timed())[quantile];
    return { value: personalized, unit: "ms", peer: PASSED, peer_value: passed, command: await byLoad() };
  };
  /** @type {Record<string, () => Promise<Omit<import("../../scripts/rows.mjs").Row, "id">>>} */
  const all = {
    "edge-throughput": async () => {
      const { personalized, passed } = (await saturated()).rates;
      return { value: personalized, unit: "requests/s", peer: PASSED, peer_value: passed, command: byWrk(SATURATION) };
    },
    "edge-busy": async () => {
      const { personalized, passed } = (await saturated()).times;
      const about = "processor time of workerd for a request, which what else the machine does changes least";
      return { value: personalized, unit: "µs", peer: PASSED, peer_value: passed, command: byWrk(SATURATION), about };
    },
    "edge-p50": itself("p50"),
    "edge-p99": itself("p99"),
    "edge-added-p50": added("p50"),
    "edge-added-p99": added("p99"),
    "edge-lost": async () => {
      const { answered, lost } = await endured();
      return { value: lost, unit: "requests", peer: "all", peer_value: answered + lost, command: byWrk(ENDURANCE) };
    },
    "edge-memory-growth": async () => {
      const { first, last } = await endured();
      const about = `resident memory of workerd, median of the last ${MEMORY} s less that of the first, behind ${ENDURANCE.warmUp} s of the same load`;
      return { value: last - first, unit: "MB", peer: "at first", peer_value: first, command: byWrk(ENDURANCE), about };
    },
  };
  return all;
}

/** What is measured. */
async function make() {
  const tools = await setup({ worker: true });
  if (!existsSync(join(shop, "index.html"))) {
    await build(tools, ["origin", "runtime", "npm"]);
    await makeShop({});
  }
  await build(tools, ["worker"]);
}

/** What it is measured with. */
async function prepare() {
  await run("cargo", ["build", "--release", "-p", "pocketrank-load"]);
  const remedy = "run `sudo apt-get update && sudo apt-get install -y wrk`";
  if (!which("wrk")) await installPackages("wrk, which makes load", ["wrk"], remedy);
  const pocketrank = await import(join(root, "dist/npm/node.js"));
  await pocketrank.init();
  const lines = readFileSync(join(root, "dist/data/catalogue.jsonl"), "utf8").trim().split("\n");
  const ids = lines.map((line) => /** @type {string} */ (JSON.parse(line).sku));
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, "page.html"), page());
  writeFileSync(visitors, `${cookies(pocketrank, ids).join("\n")}\n`);
}

await main(async () => {
  const { values } = parseArgs({ options: { json: { type: "boolean" }, only: { type: "string" }, built: { type: "boolean" }, v8: { type: "string" } } });
  if (!values.built) await make();
  await prepare();
  const flags = values.v8?.split(" ").filter(Boolean) ?? V8_FLAGS;
  const upstream = await startUpstream(join(out, "page.html"));
  /** @type {import("./workerd.mjs").Workerd | undefined} */
  let workerd;
  try {
    const vars = { AUDIENCE, PUBLIC_KEYS: demoKey(), MODELS_URL: "", UPSTREAM_URL: upstream.url, PAGES: arms.personalized.path, CAPSULE: "on", PAGE_MODEL: "off" };
    workerd = await startWorkerd({ folder: out, assets: shop, vars, flags });
    const all = rows(generators(workerd.address), workerd, flags);
    const wanted = values.only?.split(",") ?? Object.keys(all);
    const measured = [];
    for (const id of wanted) {
      const row = Object.hasOwn(all, id) ? all[id] : undefined;
      if (!row) throw new Failure(`--only ${id}: there is no such row`, `name one or more of: ${Object.keys(all).join(", ")}`);
      measured.push({ id, ...(await row()) });
    }
    printRows(measured);
  } finally {
    if (workerd?.told.length) say(`workerd said:\n${workerd.told.slice(0, 20).join("\n")}`);
    await workerd?.stop();
    upstream.stop();
  }
});
