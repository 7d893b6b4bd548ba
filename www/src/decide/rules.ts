/**
 * Rules, over the functions of `src/decide/rules.rs`. What rules ask of a snapshot is asked of its ranker here and handed over: labels once,
 * rows and codes of the items in question each time.
 */
import type { Catalogue, Effect, Moves, Orders, RuleAsking } from "../../decide.js";
import type { Candidates } from "../../index.js";
import { buffer, failed, read, readJson, runtime, write, writeText } from "./wasm.js";
import { ROW as PROFILE_ROW, lists } from "../ranking/rows.js";
import { encode } from "./value.js";

/** Bytes of an item's hash, of a row in the snapshot and its codes. */
const [HASH, ROW, CODES] = [8, 4, 5];

/** Bytes of several tables, a row of each after a row of the others. */
function interleaved(...tables: [bytes: Uint8Array, size: number][]): Uint8Array {
  const width = tables.reduce((sum, [, size]) => sum + size, 0);
  const [first = new Uint8Array(), size = 1] = tables[0] ?? [];
  const bytes = new Uint8Array((first.length / size) * width);
  let start = 0;
  for (const [table, size] of tables) {
    for (let from = 0, to = start; from < table.length; from += size, to += width) bytes.set(table.subarray(from, from + size), to);
    start += size;
  }
  return bytes;
}

/** Rows and codes of candidates. */
function told(ranker: Catalogue, candidates: Candidates): [bytes: Uint8Array, size: number][] {
  return [
    [new Uint8Array(candidates.rows.buffer), ROW],
    [ranker.codes(candidates), CODES],
  ];
}

/** The hashes at the begin of each of a profile's rows. */
function hashes(rows: Uint8Array): Uint8Array {
  return rows.filter((_, at) => at % PROFILE_ROW < HASH);
}

export class Rules {
  #inner: number;
  /** Whose labels are known. */
  #ranker: Catalogue | undefined;

  constructor(section?: Uint8Array) {
    write(section ?? new Uint8Array());
    this.#inner = runtime().rules_open(buffer) || failed();
  }

  get broken(): number[] {
    runtime().rules_broken(this.#inner, buffer);
    return readJson();
  }

  lists(slot: string): string[] {
    writeText(slot);
    runtime().rules_lists(this.#inner, buffer);
    return readJson();
  }

  orders({ slot, attributes = {}, ranker, profile, now = Math.floor(Date.now() / 1000), off = [] }: RuleAsking): Orders {
    const [events, aggregates] = lists(profile?.held ?? new Uint8Array());
    this.#know(ranker, Uint8Array.of(...hashes(events), ...hashes(aggregates)));
    write(events, aggregates, encode({ slot, attributes, now, off }));
    return runtime().rules_orders(this.#inner, buffer, events.length, aggregates.length) ? readJson() : failed();
  }

  moves(rules: readonly string[], ranker: Catalogue, candidates: Candidates): Moves {
    this.#choose(rules, ranker);
    write(interleaved(...told(ranker, candidates)));
    runtime().rules_shifts(this.#inner, buffer);
    const shifts = read();
    runtime().rules_unknown(this.#inner, buffer);
    return { shifts, unknown: readJson() };
  }

  effects(rules: readonly string[], ranker: Catalogue, row: number): Effect[] {
    this.#choose(rules, ranker);
    const candidates = ranker.candidatesOfRows([row]);
    write(interleaved(...told(ranker, candidates)));
    candidates.free();
    const length = runtime().rules_effects(this.#inner, buffer);
    const numbers = new Float32Array(read().slice(length).buffer);
    return readJson<[string, Effect["action"]][]>(length).map(([rule, action], n) => ({ rule, action, by: numbers[n] ?? 0 }));
  }

  free(): void {
    const inner = this.#inner;
    this.#inner = 0;
    if (inner) runtime().rules_free(inner);
  }

  #choose(rules: readonly string[], ranker: Catalogue): void {
    write(encode(rules));
    if (!runtime().rules_choose(this.#inner, buffer)) failed();
    this.#know(ranker, read());
  }

  /** Says what these items are, by their hashes. */
  #know(ranker: Catalogue, items: Uint8Array): void {
    if (this.#ranker !== ranker) {
      write(ranker.labels);
      if (!runtime().rules_labels(this.#inner, buffer)) failed();
      this.#ranker = ranker;
    }
    const known = ranker.candidatesOfItems(items);
    write(interleaved([items, HASH], ...told(ranker, known)));
    known.free();
    runtime().rules_know(this.#inner, buffer);
  }
}
