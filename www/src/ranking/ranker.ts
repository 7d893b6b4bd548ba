/**
 * The runtime for JavaScript: a thin facade over the glue that wasm-bindgen makes.
 *
 * Invariant: no view into linear memory outlives a call, because memory may grow and then leaves old views empty.
 * Everything that ranks, decides or encodes is in the wasm; the hosts' entries only say how it is loaded.
 */
import * as glue from "../../../dist/npm/pocketrank.js";
import type { InitOutput } from "../../../dist/npm/pocketrank.js";
import type { CandidateItem, EventKind, Explanation, LoadOptions, Meta, OpenOptions, Options, PartName, Ranked, SnapshotSource } from "../../index.js";
import type { Profile } from "./api.js";
import { coded } from "../coded.js";
import { BYTES, LOADING, OPENING, RANKING, checked, idsOf, seconds } from "../options.js";
import { MAX_BYTES, pieces } from "./pieces.js";
import { KINDS } from "./kinds.js";
import { hash } from "./rows.js";

/** Bytes of a place of the slate: index `u32`, row `u32`, score `f32`. */
const PLACE = 12;
/** Bytes of an item that speaks for another: hash `u64`, row and kind `u32`, share `f32`. */
const BECAUSE = 20;
const OUT_OF_STOCK = 1;
const RERANKING = { ...RANKING, shifts: BYTES };
const decoder = new TextDecoder();
/** In the order in which they are added up. */
const PARTS: readonly PartName[] = ["neighbours", "repeat", "factors", "content", "category", "brand", "price_band", "popularity", "trend", "newness"];
let runtime: InitOutput | undefined;

let loading: Promise<InitOutput> | undefined;

/** What an entry's `init` does with its way to load the wasm: it loads once, and again only after it has failed. */
export async function loaded(load: () => Promise<InitOutput>): Promise<void> {
  loading ??= load();
  try {
    runtime = await loading;
  } catch (error) {
    loading = undefined;
    throw coded("not_initialised", `the runtime's wasm could not be loaded: ${String(error)}`, error);
  }
}

/** Linear memory, which is there after `init`. */
export function memory(): ArrayBuffer {
  if (!runtime) throw coded("not_initialised", "the runtime is not loaded: await init() first");
  return runtime.memory.buffer;
}

/** Bytes of linear memory. */
export function memoryBytes(): number {
  return memory().byteLength;
}

/** Seconds since 1970-01-01 UTC. */
export function now(): number {
  return Math.floor(Date.now() / 1000);
}

export class Candidates {
  readonly #inner: glue.Candidates;

  constructor(inner: glue.Candidates) {
    this.#inner = inner;
  }

  get length(): number {
    return this.#inner.length;
  }

  get rows(): Uint32Array {
    const start = this.#inner.rowsPtr();
    return new Uint32Array(memory(), start, this.length).slice();
  }

  setOutOfStock(index: number, out = true): void {
    if (!(index >= 0 && index < this.length)) {
      throw coded("invalid_option", `there is no candidate ${index}`);
    }
    const start = this.#inner.flagsPtr();
    new Uint8Array(memory(), start, this.length)[index] = out ? OUT_OF_STOCK : 0;
  }

  /** @internal */
  get inner(): glue.Candidates {
    return this.#inner;
  }

  free(): void {
    this.#inner.free();
  }
}

export class Ranker {
  readonly #inner: glue.Ranker;

  constructor(snapshot: Uint8Array | ArrayBuffer | glue.Ranker, options: OpenOptions = {}) {
    memory();
    const { verify = true } = checked(options, OPENING);
    if (snapshot instanceof glue.Ranker) this.#inner = snapshot;
    else this.#inner = new glue.Ranker(snapshot instanceof Uint8Array ? snapshot : new Uint8Array(snapshot), verify);
  }

  static async load(source: SnapshotSource | PromiseLike<SnapshotSource>, options: LoadOptions = {}): Promise<Ranker> {
    memory();
    const { verify = true, maxBytes = MAX_BYTES } = checked(options, LOADING);
    const loader = new glue.Loader(maxBytes);
    try {
      for await (const piece of pieces(source)) loader.push(piece);
    } catch (error) {
      loader.free();
      throw error;
    }
    // Takes the loader's memory over, also where it throws.
    return new this(loader.finish(verify));
  }

  static embedded(): Ranker {
    memory();
    return new this(glue.Ranker.embedded());
  }

  get id(): string {
    return this.#inner.id;
  }

  get items(): number {
    return this.#inner.items;
  }

  get meta(): Meta {
    const bytes = this.#inner.meta();
    const [version = 0, trainedUntil = 0, minCustomers = 0, length = 0] = new Uint32Array(bytes.buffer, 0, 4);
    const text = (from: number, to?: number) => decoder.decode(bytes.subarray(from, to));
    const [model, currency] = [text(16, 16 + length), text(16 + length)];
    return { id: this.id, version, items: this.items, model, trainedUntil, minCustomers, currency };
  }

  candidates(items: Iterable<string | CandidateItem>): Candidates {
    const list = [...items];
    const candidates = new Candidates(glue.Candidates.resolve(this.#inner, idsOf(list)));
    list.forEach((item, index) => {
      if (typeof item !== "string" && item.in_stock === false) candidates.setOutOfStock(index);
    });
    return candidates;
  }

  candidatesOfRows(rows: Iterable<number>): Candidates {
    return new Candidates(glue.Candidates.fromRows(Uint32Array.from(rows)));
  }

  candidatesOfItems(items: Uint8Array): Candidates {
    return new Candidates(glue.Candidates.ofItems(this.#inner, items));
  }

  codes(candidates: Candidates): Uint8Array {
    return this.#inner.codes(candidates.inner);
  }

  setProfile(profile: Profile, at = now()): void {
    this.#inner.setProfile(profile, seconds(at));
  }

  rerank(candidates: Candidates, options: Options = {}): Ranked[] {
    const { count = 12, diversity = 0.3, excludePurchased = false, excludeOutOfStock = true, shifts } = checked(options, RERANKING);
    const length = this.#inner.rerank(candidates.inner, count, diversity, excludePurchased, excludeOutOfStock, shifts);
    const end = length * PLACE;
    const view = new DataView(memory(), this.#inner.slatePtr(), end);
    const slate: Ranked[] = [];
    for (let at = 0; at < end; at += PLACE) {
      slate.push({ index: view.getUint32(at, true), row: view.getUint32(at + 4, true), score: view.getFloat32(at + 8, true) });
    }
    return slate;
  }

  setBlend(factors: Partial<Record<PartName, number>> = {}): void {
    for (const at of PARTS.keys()) this.#inner.scale(at, 1);
    for (const [name, factor] of Object.entries(factors)) this.#inner.scale(PARTS.indexOf(name as PartName), factor);
  }

  get experiments(): Uint8Array {
    return this.#inner.section(0);
  }

  get rules(): Uint8Array {
    return this.#inner.section(1);
  }

  get labels(): Uint8Array {
    return this.#inner.section(2);
  }

  explain(row: number): Explanation {
    const bytes = this.#inner.explain(row);
    const view = new DataView(bytes.buffer);
    const float = (at: number) => view.getFloat32(at, true);
    const because: Explanation["because"] = [];
    for (let at = 4 * PARTS.length + 4; at < bytes.length; at += BECAUSE) {
      const [row, kind] = [view.getUint32(at + 8, true), KINDS[view.getUint32(at + 12, true)] as EventKind];
      because.push({ item: hash(view, at), row, kind, share: float(at + 16) });
    }
    return { score: float(0), parts: PARTS.map((name, part) => ({ name, value: float(4 * part + 4) })), because };
  }

  get templates(): Uint8Array {
    return this.#inner.templates;
  }

  free(): void {
    this.#inner.free();
  }
}
