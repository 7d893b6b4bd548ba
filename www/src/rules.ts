/**
 * Rules, over the functions of `src/decide/rules.rs`. What rules ask of a snapshot is asked of its ranker here and handed over: labels once,
 * rows and codes of the items in question each time.
 */
import type { Catalogue, Effect, Moves, Orders, RuleAsking } from "../decide.js";
import type { Candidates, EventKind, ProfileEvent } from "../index.js";
import { buffer, failed, read, readJson, runtime, write, writeText } from "./decide-wasm.js";
import { encode } from "./value.js";

/** In the order of their numbers. */
const KINDS: readonly EventKind[] = [
  "view_item_list",
  "select_item",
  "view_item",
  "add_to_wishlist",
  "add_to_cart",
  "remove_from_cart",
  "begin_checkout",
  "purchase",
  "dismiss",
];
/** Bytes of an item's hash, a row and its codes, and of an event. */
const [HASH, ROW, CODES, EVENT] = [8, 4, 5, 13];

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

/** Events as a profile encodes them, and the hashes of their items. */
function encoded(events: ProfileEvent[]): { events: Uint8Array; items: Uint8Array } {
  const view = new DataView(new ArrayBuffer(events.length * EVENT));
  const items = new DataView(new ArrayBuffer(events.length * HASH));
  for (const [n, { item, at, kind }] of events.entries()) {
    const hash = BigInt(`0x${item}`);
    view.setBigUint64(n * EVENT, hash, true);
    view.setUint32(n * EVENT + HASH, at, true);
    view.setUint8(n * EVENT + EVENT - 1, KINDS.indexOf(kind));
    items.setBigUint64(n * HASH, hash, true);
  }
  return { events: new Uint8Array(view.buffer), items: new Uint8Array(items.buffer) };
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
    const { events, items } = encoded(profile?.events() ?? []);
    this.#know(ranker, items);
    write(events, encode({ slot, attributes, now, off }));
    return runtime().rules_orders(this.#inner, buffer, events.length) ? readJson() : failed();
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
