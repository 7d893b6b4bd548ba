/**
 * `npm run bench:quality`: how well models rank that `pocketrank train` makes of public data, told nothing but the
 * columns and the most bytes an item, beside published figures and what else runs here.
 *
 * Usage: npm run bench:quality [-- --json] [--only gowalla,retail-min5,...] [--trials N] [--until-clock MINUTES]
 *        [--data FOLDER [--config NAME|FILE] [--exclude-current]]
 *
 * With --data it measures on another set: a folder with one file, of which a fifth is held out, or with `train` and
 * `test` (or `valid`) files, in any of the forms that `pocketrank train` reads.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { cli, targetFolder } from "../scripts/build.mjs";
import { peers } from "../scripts/peers.mjs";
import { Failure, main, root, run, say } from "../scripts/process.mjs";
import { printRows } from "../scripts/rows.mjs";

/**
 * @typedef {object} Figure
 * @property {string} name after the set's id
 * @property {string} metric
 * @property {string} [peer] who published `published`; else the best that runs here is the peer
 * @property {number} [published]
 * @property {string} [segment] all queries if not given
 */

/**
 * @typedef {object} Set
 * @property {string} id
 * @property {string} events
 * @property {string} [test]
 * @property {string[]} [catalogue] program and arguments that print one, for data that came without
 * @property {number} [bytes] the most bytes an item; 64 if not given
 * @property {string[]} [train] more options of `train`: what its protocol has it leave to the test
 * @property {string[]} [evaluate] more options of `evaluate`: its protocol
 * @property {boolean} [peers] measure what else runs here
 * @property {Figure[]} figures
 */

/** @typedef {import("../scripts/rows.mjs").Row} Row */
/** @typedef {{ name: string, queries: number, metrics: number[] }} Segment */
/** @typedef {{ model: string, evaluation: { segments: Segment[] }, segments: Segment[] }} Model */
/** @typedef {{ metrics: string[], models: Model[] }} Report */

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean" },
    only: { type: "string" },
    data: { type: "string" },
    config: { type: "string" },
    "exclude-current": { type: "boolean" },
    trials: { type: "string" },
    "until-clock": { type: "string" },
  },
});
const shared = resolve(root, process.env.POCKETRANK_DATA ?? "../shared/data");
const out = join(root, "dist/quality");

/** @param {string} name @param {string} metric @param {string} peer @param {number} published @returns {Figure} */
const figure = (name, metric, peer, published) => ({ name, metric, peer, published });

/** The segment of the queries that ask for items without any event, these ranked among themselves: all that shows what is known of them. */
const NEW_ITEMS = "new items, among themselves";

/** The sets, with the figures that others published for their splits. @returns {Set[]} */
function published() {
  const at = (/** @type {string} */ path) => join(shared, path);
  const gowalla = {
    events: at("gowalla/train.txt"),
    test: at("gowalla/test.txt"),
    figures: [figure("recall20", "recall@20", "SimpleX", 0.1872), figure("ndcg20", "ndcg@20", "UltraGCN", 0.158)],
  };
  const retail = {
    events: at("online-retail/online_retail.parquet"),
    train: ["--until", "2010-11-01"],
    peers: true,
    figures: [
      { name: "ndcg10", metric: "ndcg@10" },
      { name: "ndcg10-new-items", metric: "ndcg@10", segment: "asks for new items" },
      { name: "ndcg10-new-visitors", metric: "ndcg@10", segment: "new visitors" },
    ],
  };
  const fifth = { train: ["--hold-out", "0.2"], evaluate: ["--hold-out", "0.2"] };
  return [
    { id: "gowalla", ...gowalla },
    { id: "gowalla128", ...gowalla, bytes: 128 },
    {
      id: "diginetica",
      events: at("diginetica/train.txt"),
      test: at("diginetica/test.txt"),
      figures: [figure("hr20", "hit_rate@20", "COTREC", 0.5418), figure("mrr20", "mrr@20", "COTREC", 0.1907)],
    },
    {
      id: "rsc15",
      events: at("rsc15/train.txt"),
      test: at("rsc15/valid.txt"),
      figures: [figure("hr20", "hit_rate@20", "VMIS-kNN", 0.6467), figure("mrr20", "mrr@20", "VMIS-kNN", 0.3488)],
    },
    {
      id: "serenade",
      events: at("serenade-toy/train.txt"),
      test: at("serenade-toy/test.txt"),
      evaluate: ["--exclude-current"],
      figures: [figure("mrr20", "mrr@20", "Serenade", 0.3401)],
    },
    { id: "ml100k", events: at("movielens-100k/ml-100k.inter"), ...fifth, figures: [figure("ndcg20", "ndcg@20", "EASE", 0.1698)] },
    { id: "mlsmall", events: at("movielens-latest-small/ratings.csv"), ...fifth, figures: [figure("ndcg20", "ndcg@20", "EASE", 0.1241)] },
    { id: "retail", ...retail },
    {
      // The data have no catalogue. With one, items are known before they are first sold, by what later events say of them: all are
      // sold some day, which no real catalogue can promise.
      id: "retail-catalogue",
      ...retail,
      catalogue: [join(targetFolder(), "release/bench-catalogue"), retail.events],
      figures: [...retail.figures, { name: "ndcg10-new-items-alone", metric: "ndcg@10", segment: NEW_ITEMS }],
    },
  ];
}

/** The set of a folder. @param {string} folder @returns {Set} */
function own(folder) {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) throw new Failure(`--data ${folder}: no such folder`);
  const files = readdirSync(folder).filter((name) => statSync(join(folder, name)).isFile() && !/^(readme|licen[cs]e)/i.test(name));
  const named = (/** @type {RegExp} */ pattern) => files.find((name) => pattern.test(name));
  const [train, test] = [named(/^train\b/i), named(/^test\b/i) ?? named(/^valid/i)];
  const alone = files.length === 1 ? files[0] : named(/\.inter$|^(ratings|events|interactions|orders|clicks)\b/i);
  const events = train ?? alone;
  if (!events) {
    throw new Failure(`--data ${folder}: which of ${files.join(", ") || "no files"} are the events?`, "call them train.*, and what to test on test.*");
  }
  const part = test && train ? [] : ["--hold-out", "0.2"];
  const more = [...(options.config ? ["--config", options.config] : [])];
  return {
    id: basename(resolve(folder)).replace(/[^\w-]+/g, "-"),
    events: join(folder, events),
    ...(test && train ? { test: join(folder, test) } : {}),
    train: [...part, ...more],
    evaluate: [...part, ...more, ...(options["exclude-current"] ? ["--exclude-current"] : [])],
    peers: true,
    figures: ["recall@20", "ndcg@10", "ndcg@20", "hit_rate@20", "mrr@20"].map((metric) => ({ name: metric.replace("@", ""), metric })),
  };
}

/** Runs a verb of the program and reads its JSON. @param {string[]} args */
function pocketrank(args) {
  say(`pocketrank ${args.map((arg) => (arg.startsWith(root) ? relative(root, arg) : arg)).join(" ")}`);
  try {
    return JSON.parse(execFileSync(cli(), [...args, "--json"], { encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "inherit"] }));
  } catch (error) {
    throw new Failure(`pocketrank ${args[0]} failed: ${/** @type {Error} */ (error).message}`, "see its message above");
  }
}

/** Writes a set's catalogue. @param {Set} set @returns {string[]} the options that give it */
function catalogue({ id, catalogue }) {
  const [program, ...args] = catalogue ?? [];
  if (!program) return [];
  const file = join(out, `${id}.csv`);
  writeFileSync(file, execFileSync(program, args, { maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "inherit"] }));
  return ["--catalogue", file];
}

/** A command as it can be typed at the root. @param {string[]} args */
const typed = (args) => ["pocketrank", ...args.map((arg) => (arg.startsWith("/") ? relative(root, arg) : arg))].join(" ");

/**
 * The value of a metric in a segment.
 * @param {Report} report
 * @param {Model} model
 * @param {Figure} figure
 */
function value(report, model, { metric, segment = "all" }) {
  const found = [...model.evaluation.segments, ...model.segments].find(({ name }) => name === segment);
  return found?.metrics[report.metrics.indexOf(metric)];
}

/**
 * Trains, evaluates and tells.
 * @param {Set} set
 * @param {string} suffix of the ids
 * @param {string[]} least options for the fewest customers
 * @returns {Promise<Row[]>}
 */
async function measure(set, suffix, least) {
  const id = `q-${set.id}${suffix}`;
  const snapshot = join(out, `${id}.bin`);
  const folder = join(out, id);
  const search = [
    ...(options.trials ? ["--trials", options.trials] : []),
    ...(options["until-clock"] ? ["--stop-after", options["until-clock"]] : []),
  ];
  const data = ["--events", set.events, ...catalogue(set)];
  const train = ["train", ...data, ...(set.train ?? []), ...least, "--max-bytes-per-item", String(set.bytes ?? 64), ...search, "-o", snapshot];
  const trained = pocketrank(train);
  const exported = set.peers ? ["--export", folder] : ["--alone"];
  const evaluate = ["evaluate", snapshot, ...data, ...(set.test ? ["--test", set.test] : []), ...(set.evaluate ?? []), "--queries", "1000000", ...exported];
  const report = /** @type {Report} */ (pocketrank(evaluate));
  const inspected = pocketrank(["inspect", snapshot]);
  const [program, ...inputs] = set.catalogue ?? [];
  const made = program ? `${typed(inputs).replace("pocketrank", basename(program))} > ${relative(root, String(data[3]))} && ` : "";
  const command = `${made}${typed(train)} && ${typed(evaluate)}`;
  const [model, ...others] = report.models;
  if (!model) throw new Failure(`pocketrank evaluate told nothing of ${snapshot}`);
  const als = set.peers ? await alternating(folder) : undefined;
  /** @type {Row[]} */
  const rows = [];
  for (const figure of set.figures) {
    const mine = value(report, model, figure);
    if (mine === undefined) continue;
    const rivals = figure.published === undefined ? rival(report, others, figure, als) : { peer: figure.peer, peer_value: figure.published };
    rows.push({ id: `${id}-${figure.name}`, value: mine, unit: figure.metric, ...rivals, command });
  }
  /** @param {string} name */
  const section = (name) => inspected.sections.find((/** @type {{ name: string }} */ one) => one.name === name)?.bytes_per_item ?? 0;
  rows.push({ id: `${id}-bytes`, value: inspected.model_bytes_per_item, unit: "B an item", peer: "at most", peer_value: set.bytes ?? 64, command: typed(["inspect", snapshot]) });
  for (const name of ["index", "attributes"]) rows.push({ id: `${id}-bytes-${name}`, value: section(name), unit: "B an item", command: typed(["inspect", snapshot]) });
  if (typeof trained.loss === "number") rows.push({ id: `${id}-loss`, value: 100 * trained.loss, unit: "% of NDCG@20 against float", command: typed(train) });
  rows.push({ id: `${id}-train`, value: trained.seconds, unit: "s", command: typed(train) });
  return rows;
}

/** implicit's ALS on the same questions. @param {string} folder */
async function alternating(folder) {
  const python = await peers();
  say("benches/implicit_als.py: implicit's ALS on the same events and questions");
  const text = execFileSync(python, [join(root, "benches/implicit_als.py"), folder], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    // Its own threads are enough: BLAS's beside them would get in their way.
    env: { ...process.env, OPENBLAS_NUM_THREADS: "1" },
  });
  return /** @type {{ metrics: Record<string, number> }} */ (JSON.parse(text)).metrics;
}

/**
 * The best of what else runs here.
 * @param {Report} report
 * @param {Model[]} others
 * @param {Figure} figure
 * @param {Record<string, number> | undefined} als
 */
function rival(report, others, figure, als) {
  const all = others.map((other) => ({ peer: other.model, peer_value: value(report, other, figure) ?? 0 }));
  const theirs = als?.[figure.metric];
  if (theirs !== undefined && !figure.segment) all.push({ peer: "implicit's ALS", peer_value: theirs });
  // Nothing beats nothing: then there is no peer.
  return all.filter((one) => one.peer_value > 0).sort((a, b) => b.peer_value - a.peer_value)[0] ?? {};
}

/** Our ALS beside implicit's at equal settings: 64 factors, 15 iterations, on the same cores. @returns {Promise<Row[]>} */
async function alternatingRows() {
  const files = ["train.txt", "test.txt"].map((name) => join(shared, "gowalla", name));
  await run("cargo", ["build", "--release", "-p", "pocketrank-benches", "--bin", "bench-als"], { remedy: "see CONTRIBUTING.md for what building needs" });
  const python = await peers();
  /** @param {string} program @param {string[]} args @returns {{ seconds: number, recall: number, ndcg: number }} */
  const figures = (program, args) => JSON.parse(execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }));
  say("bench-als, then benches/als.py: implicit's ALS");
  const ours = figures(join(targetFolder(), "release/bench-als"), files);
  const theirs = figures(python, [join(root, "benches/als.py"), ...files]);
  const peer = "implicit's ALS";
  const command = "target/release/bench-als TRAIN TEST; python benches/als.py TRAIN TEST";
  return [
    { id: "als-gowalla-recall20", value: ours.recall, unit: "recall@20", peer, peer_value: theirs.recall, command },
    { id: "als-gowalla-ndcg20", value: ours.ndcg, unit: "ndcg@20", peer, peer_value: theirs.ndcg, command },
    { id: "als-gowalla-seconds", value: ours.seconds, unit: "s", better: "faster", peer, peer_value: theirs.seconds, command },
  ];
}

await main(async () => {
  mkdirSync(out, { recursive: true });
  const sets = options.data ? [own(resolve(options.data))] : published();
  /** @type {[Set, string, string[]][]} */
  const arms = sets.flatMap((set) => [
    [set, "", ["--min-customers", "1"]],
    [set, "-min5", []],
  ]);
  const wanted = options.only?.split(",");
  const unknown = wanted?.find((name) => name !== "als" && !arms.some(([set, suffix]) => set.id + suffix === name));
  if (unknown) {
    throw new Failure(`--only ${unknown}: there is no such set`, `name one or more of: ${arms.map(([set, suffix]) => set.id + suffix).join(", ")}, als`);
  }
  await run("cargo", ["build", "--release", "-p", "pocketrank-origin", "-p", "pocketrank-benches", "--bins"], { remedy: "see CONTRIBUTING.md for what building needs" });
  /** @type {Row[]} */
  const rows = [];
  for (const [set, suffix, least] of arms.filter(([set, suffix]) => !wanted || wanted.includes(set.id + suffix))) {
    rows.push(...(await measure(set, suffix, least)));
  }
  if (wanted ? wanted.includes("als") : !options.data) rows.push(...(await alternatingRows()));
  printRows(rows);
});
