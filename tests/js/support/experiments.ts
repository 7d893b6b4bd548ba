/** The sections `experiments` and `rules`, read as docs/FORMAT.md says: written from that document alone, so that it has to be enough. */
import { check, Cursor } from "./cursor.ts";

export type Experiments = ReturnType<typeof readExperiments>;

export function readExperiments(from: Cursor) {
  const features = from.list(() => ({ key: from.string(), default: readValue(from), rules: from.list(() => readRule(from)) }));
  const experiments = from.list(() => readExperiment(from));
  for (const keys of [features, experiments].map((list) => list.map(({ key }) => key))) {
    check(keys.every((key, at) => at === 0 || (keys[at - 1] ?? "") < key), "EXPR: keys out of order");
  }
  return { features, experiments, groups: from.list(() => from.list(() => readValue(from))) };
}

/** Each rule of the section `rules`, which must be one that can be read. */
export function readRules(from: Cursor) {
  return from.list(() => {
    const rule = new Cursor(from.take(from.varint()), "RULE");
    const text = rule.string;
    const hash = () => Buffer.from(rule.take(8)).reverse().toString("hex");
    const matching = () => ({ items: rule.list(hash), categories: rule.list(text), brands: rule.list(text), priceBands: rule.list(text) });
    const actions: (() => unknown)[] = [
      () => ({ pin: rule.list(hash), place: rule.varint() }),
      () => ({ lift: matching(), by: rule.f32() }),
      () => ({ exclude: matching() }),
      () => ({ template: text() }),
      () => ({ list: text() }),
    ];
    const read = {
      ...{ id: text(), slot: text(), priority: rule.varint(), start: rule.varint(), end: rule.varint(), condition: readCondition(rule) },
      after: rule.list(() => ({ event: rule.u8(), then: option(rule, rule.u8), unless: option(rule, rule.u8), within: rule.varint() })),
      actions: rule.list(() => (actions[rule.varint()] ?? assertKnown)()),
    };
    check(rule.left === 0, `RULE: ${rule.left} bytes left over`);
    return read;
  });
}

function assertKnown(): never {
  throw new Error("RULE: an action of an unknown kind");
}

const readFlag = (from: Cursor) => {
  const byte = from.u8();
  check(byte < 2, "EXPR: a bool that is none");
  return byte === 1;
};

const option = <T>(from: Cursor, read: () => T): T | undefined => (readFlag(from) ? read() : undefined);

function readRule(from: Cursor) {
  const rule = { id: from.string(), parents: from.list(() => readParent(from)), filters: from.list(() => readBuckets(from)) };
  const kind = from.varint();
  check(kind < 2, `EXPR: a rule of kind ${kind}`);
  if (kind === 1) return { ...rule, run: readExperiment(from) };
  return { ...rule, force: readValue(from), condition: readCondition(from), rollout: option(from, () => readBuckets(from)) };
}

const readParent = (from: Cursor) => ({ feature: from.string(), condition: readCondition(from), gate: readFlag(from) });

const readBuckets = (from: Cursor) => ({ seed: from.string(), version: from.u8(), ranges: from.list(() => [from.varint(), from.varint()]) });

function readExperiment(from: Cursor) {
  const experiment = {
    key: from.string(),
    name: from.string(),
    active: readFlag(from),
    force: option(from, () => from.varint()),
    variations: from.list(() => ({ key: option(from, from.string), name: from.string(), value: readValue(from), passthrough: readFlag(from) })),
    buckets: readBuckets(from),
    filters: from.list(() => readBuckets(from)),
    condition: readCondition(from),
    parents: from.list(() => readParent(from)),
    sticky: readFlag(from),
    bucketVersion: from.varint(),
    minBucketVersion: from.varint(),
  };
  check(experiment.variations.length > 1 && experiment.variations.length === experiment.buckets.ranges.length, "EXPR: ranges");
  return experiment;
}

function readF64(from: Cursor): number {
  const bytes = from.take(8);
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true);
}

export function readValue(from: Cursor, depth = 32): unknown {
  check(depth > 0, "EXPR: too deep");
  const kind = from.varint();
  if (kind === 0) return null;
  if (kind === 1) return readFlag(from);
  if (kind === 2) {
    const [number, text] = [readF64(from), from.string()];
    check(String(number) === text, `EXPR: ${number} is not ${text}`);
    return number;
  }
  if (kind === 3) return from.string();
  if (kind === 4) return from.list(() => readValue(from, depth - 1));
  check(kind === 5, `EXPR: a value of kind ${kind}`);
  return Object.fromEntries(from.list(() => [from.string(), readValue(from, depth - 1)]));
}

export function readCondition(from: Cursor, depth = 32): unknown[] {
  check(depth > 0, "EXPR: too deep");
  const one = () => readCondition(from, depth - 1);
  const value = () => readValue(from, depth - 1);
  const kinds: (() => unknown[])[] = [
    () => ["all", from.list(one)],
    () => ["any", from.list(one)],
    () => ["not", one()],
    () => ["at", from.list(from.string), one()],
    () => ["text", from.string()],
    () => ["folded", from.string()],
    () => ["number", readF64(from)],
    () => ["flag", readFlag(from)],
    () => ["json", from.string()],
    () => ["is", value()],
    () => ["compares", from.u8(), value()],
    () => ["version", from.u8(), from.string()],
    () => ["in", from.list(value)],
    () => ["inFolded", from.list(value)],
    () => ["inGroup", from.varint()],
    () => ["length", one()],
    () => ["element", one()],
    () => ["elements", from.list(one)],
    () => ["kind", from.u8()],
    () => ["matches", from.list(() => [readFlag(from), readFlag(from), readFlag(from), from.string()])],
  ];
  const kind = from.varint();
  const read = kinds[kind];
  if (!read) throw new Error(`EXPR: a condition of kind ${kind}`);
  return read();
}
