/** Features and experiments against GrowthBook's own SDK: the same payloads and visitors must give the same values, arms and reasons. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { before, describe, it } from "node:test";
import { init, Experiments } from "../../dist/npm/decide-node.js";
import { root } from "../../scripts/process.mjs";
import { attributes, conditions, growthbook, later, payload, random } from "./support/growthbook.mjs";

const FEATURES = 24;
const VISITORS = 14;
const PAYLOADS = 40;

/** What a feature must say for a visitor, or an experiment of its own. @typedef {{ request: any, expected: string, about: string }} Case */

/** @param {number} seed @returns {Case[]} */
function cases(seed) {
  const r = random(seed);
  const first = payload(r, FEATURES);
  const second = later(r, first);
  const visitorAttributes = { id: true, deviceId: true };
  /** @type {Case[]} */
  const made = [];
  const compile = (/** @type {any} */ payload, /** @type {string} */ about) => made.push({ request: { payload, visitorAttributes }, expected: "ok", about });
  for (let n = 0; n < VISITORS; n++) {
    const visitor = { attributes: attributes(r), lot: r.chance(92) ? r.below(4_096) : undefined, sticky: r.chance(50) };
    made.push({ request: { visitor }, expected: "", about: "" });
    const sdk = growthbook(visitor);
    for (const [time, payload] of [first, second].entries()) {
      compile(payload, `payload ${seed}.${time}`);
      const forced = {
        ...(r.chance(20) ? { forcedVariations: { [`e${r.below(FEATURES)}`]: r.below(5), "own-1": r.below(3) } } : {}),
        ...(r.chance(20) ? { forcedValues: { [`f${r.below(FEATURES)}`]: r.pick(["forced", null, { a: 1 }, 0]) } } : {}),
      };
      const keys = Object.keys(payload.features).filter(() => r.chance(50));
      for (const key of [...keys, r.pick(["nothing", "f0"])]) {
        const about = `payload ${seed}.${time}, visitor ${n} ${JSON.stringify(visitor)}, feature ${key} ${JSON.stringify(payload.features[key])}`;
        made.push({ request: { feature: key, ...forced }, expected: JSON.stringify(sdk.feature(payload, key, forced)), about });
      }
      for (const experiment of payload.experiments) {
        const about = `payload ${seed}.${time}, visitor ${n} ${JSON.stringify(visitor)}, ${JSON.stringify(experiment)}`;
        made.push({ request: { run: experiment.key, ...forced }, expected: JSON.stringify(sdk.run(payload, experiment, forced)), about });
      }
    }
  }
  return made;
}

/** What the runtime says, a line for each request but those for a visitor. @param {any[]} requests */
function ask(requests) {
  const input = requests.map((request) => JSON.stringify(request)).join("\n");
  const args = ["run", "--quiet", "--example", "experiments", "--features", "pack"];
  const { status, stdout, stderr } = spawnSync("cargo", args, { cwd: root, input, encoding: "utf8", maxBuffer: 1 << 28 });
  assert.equal(status, 0, stderr);
  return stdout.split("\n");
}

describe("features and experiments", () => {
  /** @type {Case[]} */
  const made = [];
  /** @type {string[]} */
  let answers = [];

  before(() => {
    for (let seed = 1; seed <= PAYLOADS; seed++) made.push(...cases(seed));
    answers = ask(made.map(({ request }) => request));
  });

  it("mean by conditions what GrowthBook's SDK means", () => {
    const r = random(20_261_126);
    const payload = conditions(r, 400);
    const requests = /** @type {any[]} */ ([{ payload, visitorAttributes: { id: true } }]);
    const expected = [/^ok /];
    const about = [""];
    let holds = 0;
    for (let n = 0; n < 30; n++) {
      const visitor = { attributes: attributes(r), lot: undefined, sticky: false };
      requests.push({ visitor });
      const sdk = growthbook(visitor);
      for (const key of Object.keys(payload.features)) {
        const { value } = sdk.feature(payload, key, {});
        holds += Number(value);
        requests.push({ feature: key });
        expected.push(new RegExp(`^{"value":${value},`));
        about.push(`${JSON.stringify(payload.features[key])} of ${JSON.stringify(visitor.attributes)}`);
      }
    }
    const answers = ask(requests);
    expected.forEach((text, at) => assert.match(answers[at] ?? "", text, about[at]));
    assert.equal(expected.length, 12_001);
    assert.ok(holds > 2_000 && holds < 9_000, `${holds} hold`);
  });

  it("are what GrowthBook's SDK says they are, over 10,000 cases and more", () => {
    const asked = made.filter(({ request }) => !("visitor" in request));
    let compared = 0;
    /** @type {Record<string, number>} */
    const kinds = {};
    for (const [at, { request, expected, about }] of asked.entries()) {
      const answer = answers[at] ?? "";
      if ("payload" in request) {
        assert.match(answer, /^ok [\w+/]+=*$/, about);
        continue;
      }
      assert.equal(answer, expected, about);
      compared++;
      const { source, experimentResult = {}, ...rest } = JSON.parse(expected);
      const result = source ? experimentResult : rest;
      for (const kind of [source, result.hashUsed && "hashUsed", result.stickyBucketUsed && "stickyBucketUsed", !source && result.inExperiment && "inExperiment"]) {
        if (kind) kinds[kind] = (kinds[kind] ?? 0) + 1;
      }
    }
    assert.ok(compared >= 10_000, `only ${compared} cases`);
    // Each way to a value is gone often enough to tell.
    for (const kind of ["defaultValue", "force", "experiment", "override", "prerequisite", "unknownFeature", "hashUsed", "stickyBucketUsed", "inExperiment"]) {
      assert.ok((kinds[kind] ?? 0) >= 50, `${kind}: ${kinds[kind]} of ${compared}`);
    }
    console.log(`${compared} cases: ${JSON.stringify(kinds)}`);
  });

  it("are the same by pocketrank/decide", async () => {
    await init();
    /** @type {Experiments | undefined} */
    let experiments;
    /** @type {{ attributes: any, draw: Uint8Array, sticky: boolean }} */
    let visitor = { attributes: {}, draw: new Uint8Array(), sticky: true };
    let compared = 0;
    const left = answers.values();
    for (const { request, expected, about } of made) {
      if ("visitor" in request) {
        const { attributes, lot, sticky } = request.visitor;
        visitor = { attributes, sticky, draw: lot === undefined ? new Uint8Array() : Uint8Array.of(lot & 255, lot >> 8, 0) };
        continue;
      }
      const answer = left.next().value ?? "";
      if ("payload" in request) {
        experiments?.free();
        experiments = new Experiments(Buffer.from(answer.slice(3), "base64"));
        assert.deepEqual(experiments.features, Object.keys(request.payload.features).sort());
        continue;
      }
      if (!experiments) assert.fail("no payload");
      const { forcedVariations = {}, forcedValues = {} } = request;
      experiments.begin({ ...visitor, forcedVariations, forcedValues });
      const result = "feature" in request ? experiments.feature(request.feature) : experiments.run(request.run);
      assert.equal(JSON.stringify(result), expected, about);
      visitor.draw = experiments.draw;
      compared++;
    }
    assert.ok(compared >= 10_000, `only ${compared} cases`);
  });

  it("are refused where they are damaged, and none where there are none", async () => {
    await init();
    const none = new Experiments();
    assert.deepEqual(none.features, []);
    assert.deepEqual(none.feature("banner"), { value: null, source: "unknownFeature", ruleId: "" });
    assert.equal(none.run("checkout"), undefined);
    const code = (/** @type {string} */ code) => (/** @type {any} */ error) => error.code === code && error.message.length > 20;
    assert.throws(() => new Experiments(Uint8Array.of(1, 2, 3)), code("corrupt"));
    assert.throws(() => none.begin({ draw: Uint8Array.of(0, 99, 0) }), code("corrupt"));
    /** @type {any} */
    let deep = "bottom";
    for (let n = 0; n < 40; n++) deep = [deep];
    assert.throws(() => none.begin({ attributes: { deep } }), code("corrupt"));
    /** @type {any} */
    const round = {};
    round.round = round;
    assert.throws(() => none.begin({ attributes: round }), code("invalid_option"));
  });
});
