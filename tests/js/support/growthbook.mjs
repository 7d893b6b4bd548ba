/**
 * Made-up payloads of GrowthBook and visitors, from a seed, and what GrowthBook's own SDK says of them. What this project refuses to
 * compile is not made here.
 */
import { GrowthBook, StickyBucketService } from "@growthbook/growthbook";

/** SplitMix32. @param {number} seed */
export function random(seed) {
  const next = () => {
    seed = (seed + 0x9e3779b9) | 0;
    let z = seed ^ (seed >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = Math.imul(z, 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  const below = (/** @type {number} */ n) => next() % n;
  return {
    below,
    chance: (/** @type {number} */ percent) => below(100) < percent,
    /** @template T @param {readonly T[]} list @returns {T} */
    pick: (list) => /** @type {T} */ (list[below(list.length)]),
    /** @template T @param {number} most @param {() => T} make @returns {T[]} */
    some: (most, make) => Array.from({ length: below(most + 1) }, make),
  };
}
/** @typedef {ReturnType<typeof random>} Random */
/** @typedef {any} Json */

const TEXTS = ["de", "DE", "at", "", "5", "05", "1.5", " 7 ", "abc", "Straße", "STRASSE", "true", "false", "null", "1e3", "0x10", "новый", "НОВЫЙ", "a,b", "Zürich", "ZÜRICH", "[object Object]", "-3", "Infinity", "😀x", "\uffee", "K", "\u212a", "tab\t\"q\"\\"];
const NUMBERS = [0, 1, 5, -3, 1.5, 7, 10, 1000, 16, 1e21, 1e-7, 0.1, 12345678.9, 3];
const VERSIONS = ["1.0.0", "1.0", "v1.2.3", "1.10.0", "1.9.0", "1.0.0-beta.2", "1.0.0-beta.11", "2.0.0+build.5", "10", "", "abc", "1.2.3-rc.1", "0.9.12"];
const NAMES = ["country", "hour", "tags", "page", "version", "cart", "member", "referrer", "odd"];
const PATHS = [...NAMES, ...NAMES, "page.kind", "page.size.width", "tags.0", "tags.length", "tags.9", "page.tags.1", "missing", "country.x", "odd.0.a"];

/** @param {Random} r @returns {Json} */
const primitive = (r) => r.pick([() => r.pick(TEXTS), () => r.pick(NUMBERS), () => r.chance(50), () => null, () => r.pick(VERSIONS)])();

/** @param {Random} r @param {number} depth @returns {Json} */
function value(r, depth) {
  if (depth === 0 || r.chance(60)) return primitive(r);
  if (r.chance(50)) return r.some(3, () => value(r, depth - 1));
  return Object.fromEntries(r.some(3, () => [r.pick(["kind", "size", "width", "a", "b", "2", "10", "tags", "vip"]), value(r, depth - 1)]));
}

/** @param {Random} r @returns {Record<string, Json>} */
export function attributes(r) {
  /** @type {Record<string, Json>} */
  const made = {};
  if (r.chance(90)) made.country = r.pick(["de", "DE", "at", "it", "", "new", "Zürich"]);
  if (r.chance(90)) made.hour = r.pick([0, 5, 7, 23, "7", 1.5, null]);
  if (r.chance(80)) made.tags = r.some(4, () => r.pick([...TEXTS, ...NUMBERS, null, true, { kind: "vip", size: r.below(4) }, ["x"]]));
  if (r.chance(80)) made.page = { kind: r.pick(["product", "cart", 5]), size: { width: r.pick(NUMBERS) }, tags: r.some(3, () => primitive(r)) };
  if (r.chance(80)) made.version = r.pick([...VERSIONS, 2, 0, 1.5, null, ["1.0.0"]]);
  if (r.chance(70)) made.cart = r.pick([0, 49.99, 50, 50.01, "50", "fifty", [50], []]);
  if (r.chance(70)) made.member = r.pick([true, false, "", "no", 0, 1, null]);
  if (r.chance(70)) made.referrer = r.pick(["https://news.example/a", "https://mail.example/", "HTTPS://NEWS.EXAMPLE/", "", "x.html", null]);
  if (r.chance(70)) made.odd = value(r, 3);
  return made;
}

const REGEXES = ["^https://", "example", "\\.html$", "^https://(?:)".slice(0, 9), "news|mail", "^$", "a", "^de$|^at$", "https:\\/\\/mail", ".*example", "^https.*", "null", "5", "^a,b", "\\[object"];

/** @param {Random} r @param {number} depth @returns {Json} */
function check(r, depth) {
  const shape = r.below(10);
  if (shape < 2) return primitive(r);
  if (shape === 2) return value(r, 2);
  const operators = Object.fromEntries(Array.from({ length: 1 + r.below(2) }, () => operator(r, depth)));
  return operators;
}

/** @param {Random} r @param {number} depth @returns {[string, Json]} */
function operator(r, depth) {
  const name = r.pick(["$eq", "$ne", "$lt", "$lte", "$gt", "$gte", "$exists", "$in", "$nin", "$ini", "$nini", "$all", "$alli", "$size", "$type", "$regex", "$regexi", "$veq", "$vne", "$vgt", "$vgte", "$vlt", "$vlte", "$inGroup", "$notInGroup", ...(depth > 0 ? ["$not", "$elemMatch", "$not", "$elemMatch"] : [])]);
  const comparable = () => (r.chance(50) ? r.pick(TEXTS) : r.pick(NUMBERS));
  const small = () => r.pick([...TEXTS, ...NUMBERS, null, true]);
  switch (name) {
    case "$eq": case "$ne": return [name, primitive(r)];
    case "$lt": case "$lte": case "$gt": case "$gte": return [name, comparable()];
    case "$exists": return [name, r.chance(50)];
    case "$in": case "$nin": return [name, r.some(4, () => primitive(r))];
    case "$ini": case "$nini": return [name, r.some(4, small).filter((text) => typeof text !== "string" || /^[\0-\u00ff\u0400-\u045f]*$/.test(text))];
    case "$all": return [name, r.some(2, () => check(r, 0))];
    case "$alli": return [name, r.some(2, () => r.pick([...TEXTS.filter((text) => /^[\0-\u00ff\u0400-\u045f]*$/.test(text)), ...NUMBERS]))];
    case "$size": return [name, r.chance(60) ? r.below(4) : check(r, 0)];
    case "$type": return [name, r.pick(["string", "number", "boolean", "array", "object", "null"])];
    case "$regex": case "$regexi": return [name, r.pick(REGEXES)];
    case "$inGroup": case "$notInGroup": return [name, r.pick(["south", "listed"])];
    case "$not": return [name, check(r, depth - 1)];
    case "$elemMatch": return [name, r.chance(60) ? Object.fromEntries([operator(r, depth - 1)]) : { ...condition(r, depth - 1), [r.pick(["kind", "size", "0", "length"])]: check(r, 0) }];
    default: return [name, r.chance(80) ? r.pick(VERSIONS) : r.pick(NUMBERS)];
  }
}

/** @param {Random} r @param {number} depth @returns {Record<string, Json>} */
export function condition(r, depth) {
  /** @type {Record<string, Json>} */
  const made = {};
  for (let n = r.below(3); n >= 0; n--) {
    if (depth > 0 && r.chance(30)) {
      const name = r.pick(["$or", "$nor", "$and", "$not", "$savedGroup"]);
      if (name === "$not") made[name] = condition(r, depth - 1);
      else if (name === "$savedGroup") made[name] = r.pick([{ id: "listed" }, { id: "listed", attributeKey: "odd" }, { id: "german" }]);
      else made[name] = r.some(3, () => condition(r, depth - 1));
    } else {
      made[r.pick(PATHS)] = check(r, depth);
    }
  }
  return made;
}

const SAVED_GROUPS = {
  south: ["it", "es", "pt", 5, "new"],
  listed: { type: "list", attributeKey: "country", values: ["de", "at", 7, true] },
  german: { type: "condition", condition: { $or: [{ country: { $ini: ["DE", "at"] } }, { $savedGroup: { id: "listed", attributeKey: "tags" } }] } },
};

/** @param {Random} r */
const share = (r) => r.pick([0, 0.001, 0.1, 0.25, 0.3333, 0.5, 0.6, 0.75, 0.9, 1]);

/** @param {Random} r @returns {[number, number]} */
function range(r) {
  const [a, b] = [share(r), share(r)];
  return r.chance(90) ? [Math.min(a, b), Math.max(a, b)] : [a, b];
}

/** @param {Random} r */
const filters = (r) => r.some(2, () => ({
  seed: r.pick(["home", "cart", "séed", ""]),
  ranges: r.some(2, () => range(r)).concat([[0, r.chance(50) ? 1 : 0.5]]),
  ...(r.chance(50) ? { attribute: r.pick(["id", "deviceId"]) } : {}),
  ...(r.chance(50) ? { hashVersion: 1 + r.below(2) } : {}),
}));

/** @param {Random} r @param {number} arms */
function weights(r, arms) {
  const parts = Array.from({ length: arms }, () => 1 + r.below(9));
  const sum = parts.reduce((a, b) => a + b, 0);
  return parts.map((part) => part / sum);
}

/** What a rule and an experiment of its own have in common. @param {Random} r @param {string} key */
function experiment(r, key) {
  const arms = 2 + r.below(3);
  /** @type {Record<string, Json>} */
  const made = { key, variations: Array.from({ length: arms }, () => value(r, 2)) };
  if (r.chance(50)) made.weights = weights(r, arms);
  if (r.chance(50)) made.coverage = share(r);
  if (r.chance(30)) made.ranges = Array.from({ length: arms }, () => range(r));
  if (r.chance(60)) made.hashVersion = 1 + r.below(2);
  if (r.chance(40)) made.seed = r.pick(["s", "größe", "", "seed-2"]);
  if (r.chance(25)) made.namespace = [r.pick(["home", "cart"]), ...range(r)];
  if (r.chance(20)) made.filters = filters(r);
  if (r.chance(60)) made.meta = Array.from({ length: arms }, (_, at) => ({ ...(r.chance(85) ? { key: `arm-${at}` } : {}), ...(r.chance(30) ? { name: `Arm ${at}` } : {}), ...(r.chance(8) ? { passthrough: true } : {}) }));
  if (r.chance(30)) made.bucketVersion = r.below(3);
  if (r.chance(20)) made.minBucketVersion = r.below(3);
  if (r.chance(10)) made.disableStickyBucketing = true;
  if (r.chance(20)) made.fallbackAttribute = "deviceId";
  if (r.chance(30)) made.name = "Of colours";
  if (r.chance(30)) made.condition = condition(r, 2);
  return made;
}

/** @param {Random} r @param {string[]} parents */
const parentConditions = (r, parents) => Array.from({ length: 1 + r.below(2) }, () => ({
  id: r.pick(parents),
  condition: r.pick([{ value: true }, { value: { $exists: true } }, { value: { $in: ["de", 5, null] } }, { "value.kind": "x" }, { value: { $ne: null } }, {}, condition(r, 0)]),
  ...(r.chance(40) ? { gate: r.chance(70) } : {}),
}));

/**
 * A payload of so many features, of which each may want those before it.
 * @param {Random} r @param {number} count
 */
export function payload(r, count) {
  /** @type {Record<string, Json>} */
  const features = {};
  /** @type {string[]} */
  const keys = [];
  for (let at = 0; at < count; at++) {
    const rules = Array.from({ length: r.below(4) }, (_, number) => {
      /** @type {Record<string, Json>} */
      let rule = {};
      if (r.chance(55)) {
        rule = experiment(r, r.chance(85) ? `e${r.below(count)}` : "");
        if (rule.key === "") delete rule.key;
      } else {
        rule.force = value(r, 2);
        if (r.chance(60)) rule.condition = condition(r, 2);
        if (r.chance(40)) rule.coverage = share(r);
        if (r.chance(15)) rule.range = range(r);
        if (r.chance(30)) rule.seed = r.pick(["s", "größe", ""]);
        if (r.chance(30)) rule.hashVersion = 1 + r.below(2);
        if (r.chance(15)) rule.filters = filters(r);
      }
      if (r.chance(20)) rule.hashAttribute = "id";
      if (r.chance(70)) rule.id = `rule-${number}`;
      if (keys.length > 0 && r.chance(20)) rule.parentConditions = parentConditions(r, keys.slice(-4));
      return rule;
    });
    const key = r.chance(95) ? `f${at}` : `f${at}é.x`;
    features[key] = { ...(r.chance(90) ? { defaultValue: value(r, 2) } : {}), ...(rules.length ? { rules } : {}) };
    keys.push(key);
  }
  const experiments = r.some(6, () => 0).map((_, at) => ({
    ...experiment(r, `own-${at}`),
    ...(r.chance(20) ? { active: r.chance(30) } : {}),
    ...(r.chance(20) ? { force: r.below(3) } : {}),
    ...(r.chance(20) ? { status: r.pick(["draft", "running", "stopped"]) } : {}),
    ...(r.chance(30) ? { parentConditions: parentConditions(r, keys).map(({ id, condition }) => ({ id, condition })) } : {}),
  }));
  return { features, experiments, savedGroups: SAVED_GROUPS };
}

/** A feature for each of so many conditions, which says whether it holds: short ones, so that both happen. @param {Random} r @param {number} count */
export function conditions(r, count) {
  const features = Array.from({ length: count }, (_, at) => {
    const made = r.chance(70) ? { [r.pick(PATHS)]: check(r, 1) } : condition(r, 1);
    return [`c${at}`, { defaultValue: false, rules: [{ condition: made, force: true }] }];
  });
  return { features: Object.fromEntries(features), savedGroups: SAVED_GROUPS };
}

/** Other weights, coverage and versions of the same experiments: what assignments are kept for. @param {Random} r @param {Json} payload */
export function later(r, payload) {
  const changed = structuredClone(payload);
  const rules = Object.values(changed.features).flatMap((feature) => feature.rules ?? []);
  for (const rule of [...rules, ...changed.experiments]) {
    if (!rule.variations) continue;
    if (r.chance(50)) rule.weights = weights(r, rule.variations.length);
    if (r.chance(30)) rule.coverage = share(r);
    if (r.chance(20)) rule.bucketVersion = r.below(3);
    if (r.chance(20)) rule.minBucketVersion = r.below(3);
    if (r.chance(10)) rule.condition = condition(r, 1);
  }
  return changed;
}

class Kept extends StickyBucketService {
  /** @type {Record<string, Json>} */
  docs = {};

  /** @override @param {string} name @param {string} value */
  async getAssignments(name, value) {
    return this.docs[`${name}||${value}`] ?? null;
  }

  /** @override @param {Json} doc */
  async saveAssignments(doc) {
    this.docs[`${doc.attributeName}||${doc.attributeValue}`] = doc;
  }
}

/**
 * GrowthBook's SDK for one visitor, whose number is `lot` or who has none.
 * @param {{ attributes: Json, lot: number | undefined, sticky: boolean }} visitor
 */
export function growthbook({ attributes, lot, sticky }) {
  const number = lot === undefined ? {} : { id: String(lot), deviceId: String(lot) };
  const service = sticky ? new Kept() : undefined;
  /** @type {Json} */
  let docs = {};
  /** @param {Json} payload @param {Json} forced */
  const sdk = (payload, { forcedVariations = {}, forcedValues = {} }) => {
    const made = new GrowthBook({
      attributes: { ...attributes, ...number },
      features: payload.features,
      savedGroups: payload.savedGroups,
      forcedVariations,
      disableExperimentsOnLoad: true,
      ...(service ? { stickyBucketService: service, stickyBucketAssignmentDocs: docs } : {}),
    });
    made.setForcedFeatures(new Map(Object.entries(forcedValues)));
    return made;
  };
  /** @param {Json} result */
  const assignment = ({ key, name, variationId, value, inExperiment, hashUsed, stickyBucketUsed, passthrough }, /** @type {Json} */ experiment) => ({
    experiment: experiment.key,
    ...(experiment.name ? { experimentName: experiment.name } : {}),
    ...(name ? { name } : {}),
    key,
    variationId,
    value,
    inExperiment,
    hashUsed,
    stickyBucketUsed: Boolean(stickyBucketUsed),
    passthrough: Boolean(passthrough),
  });
  return {
    /** @param {Json} payload @param {string} key @param {Json} forced */
    feature(payload, key, forced) {
      const made = sdk(payload, forced);
      const { value, source, ruleId, experiment, experimentResult } = made.evalFeature(key);
      docs = made.getStickyBucketAssignmentDocs?.() ?? service?.docs ?? {};
      made.destroy();
      return { value, source, ruleId, ...(experimentResult ? { experimentResult: assignment(experimentResult, experiment) } : {}) };
    },
    /** @param {Json} payload @param {Json} experiment @param {Json} forced */
    run(payload, experiment, forced) {
      const made = sdk(payload, forced);
      const result = made.run(experiment);
      docs = service?.docs ?? {};
      made.destroy();
      return assignment(result, experiment);
    },
  };
}
