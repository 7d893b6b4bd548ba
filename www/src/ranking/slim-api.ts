/**
 * What every host's slim entry gives away besides its own `init`: classes over the functions of `src/slim.rs`, which take and give numbers.
 *
 * Invariants: an address is only ever handed to a function of its own kind, and to none after it was given back; no view into linear
 * memory outlives a call, because memory may grow and then leaves old views empty.
 */
import type {
  CandidateItem,
  EventKind,
  LoadOptions,
  Mode,
  OpenOptions,
  Options,
  Ranked,
  Signals,
  SnapshotSource,
  WasmSource,
} from "../../index.js";
import { coded } from "../coded.js";
import { LOADING, OPENING, RANKING, checked, idsOf, seconds } from "../options.js";
import { KINDS } from "./kinds.js";
import { MAX_BYTES, pieces } from "./pieces.js";
import { RETENTION_DAYS, oldest } from "./rows.js";

/** What the wasm exports. Addresses are `u32`, and 0 where a call failed. */
interface Runtime {
  readonly memory: WebAssembly.Memory;
  buffer_new(): number;
  buffer_room(buffer: number, length: number): number;
  buffer_start(buffer: number): number;
  buffer_length(buffer: number): number;
  consent_mode(signals: number): number;
  profile_new(): number;
  profile_record(profile: number, buffer: number, signals: number, kind: number, at: number): number;
  profile_encode(profile: number, buffer: number, signals: number): number;
  profile_decode(buffer: number, signals: number, day: number): number;
  profile_length(profile: number): number;
  profile_erase(profile: number): void;
  profile_free(profile: number): void;
  candidates_new(length: number): number;
  candidates_rows(candidates: number): number;
  candidates_flags(candidates: number): number;
  candidates_free(candidates: number): void;
  loader_new(maxBytes: number): number;
  loader_push(loader: number, buffer: number): number;
  loader_finish(loader: number, buffer: number, verify: boolean): number;
  loader_free(loader: number): void;
  ranker_open(buffer: number, verify: boolean): number;
  ranker_id(ranker: number, buffer: number): void;
  ranker_items(ranker: number): number;
  ranker_row(ranker: number, buffer: number): number;
  ranker_profile(ranker: number, profile: number, now: number): void;
  ranker_rerank(ranker: number, candidates: number, count: number, diversity: number, excludePurchased: boolean, excludeOutOfStock: boolean): number;
  ranker_slate(ranker: number): number;
  ranker_free(ranker: number): void;
}

type Free = "profile_free" | "candidates_free" | "ranker_free";

/** Bytes of a place of the slate: index `u32`, row `u32`, score `f32`. */
const PLACE = 12;
const OUT_OF_STOCK = 1;
/** Bytes that a snapshot goes through the buffer in at a time. */
const PIECE = 65536;
/** By their numbers in the wasm. */
const MODES: Mode[] = ["contextual", "session", "persistent"];
const encoder = new TextEncoder();
const decoder = new TextDecoder();

let wasm: Runtime | undefined;
let buffer = 0;

/** Makes an entry's `init` of where it finds the wasm: it loads once, and again only after it has failed. */
export function once(find: () => WasmSource): (source?: WasmSource) => Promise<void> {
  let loading: Promise<Runtime> | undefined;
  return async (source) => {
    loading ??= instantiate(source ?? find());
    try {
      const loaded = await loading;
      if (wasm === loaded) return;
      wasm = loaded;
      buffer = wasm.buffer_new();
    } catch (error) {
      loading = undefined;
      throw coded("not_initialised", `the runtime's wasm could not be loaded: ${String(error)}`, error);
    }
  };
}

async function instantiate(source: WasmSource): Promise<Runtime> {
  let code = await source;
  if (code instanceof Response) {
    if (!code.ok) throw new Error(`${code.url} answered ${code.status}`);
    // Only what has this type can be compiled while it arrives.
    code = code.headers.get("content-type") === "application/wasm" ? await WebAssembly.compileStreaming(code) : await code.arrayBuffer();
  }
  const made: WebAssembly.Instance | WebAssembly.WebAssemblyInstantiatedSource = await WebAssembly.instantiate(code as BufferSource);
  return ("instance" in made ? made.instance : made).exports as unknown as Runtime;
}

/** The runtime, which is there after `init`. */
function runtime(): Runtime {
  if (!wasm) throw coded("not_initialised", "the runtime is not loaded: await init() first");
  return wasm;
}

function memory(): ArrayBuffer {
  return runtime().memory.buffer;
}

/** Seconds since 1970-01-01 UTC. */
function now(): number {
  return Math.floor(Date.now() / 1000);
}

/** Bytes of linear memory. */
export function memoryBytes(): number {
  return memory().byteLength;
}

/** Puts bytes into the buffer. */
function write(bytes: Uint8Array): void {
  const start = runtime().buffer_room(buffer, bytes.length) >>> 0;
  new Uint8Array(memory(), start, bytes.length).set(bytes);
}

/** A copy of the buffer's bytes. */
function read(): Uint8Array {
  const { buffer_start, buffer_length } = runtime();
  return new Uint8Array(memory(), buffer_start(buffer) >>> 0, buffer_length(buffer)).slice();
}

/** What a call gave, unless it failed. */
function told(given: number): number {
  if (given) return given >>> 0;
  const [code = "", ...text] = decoder.decode(read()).split("\n");
  throw coded(code, text.join("\n"));
}

function refused(text: string): Error {
  return coded("invalid_option", text);
}

function field(what: string, object: unknown, name: string): unknown {
  if (typeof object !== "object" || object === null) throw refused(`${what}: an object is needed`);
  return (object as Record<string, unknown>)[name];
}

/** A field that may be missing. */
function flag(what: string, object: unknown, name: string): boolean {
  const value = field(what, object, name) ?? false;
  if (typeof value !== "boolean") throw refused(`${what}: \`${name}\` must be true or false`);
  return value;
}

/** Gives back what a script forgot to. Workers of an early compatibility date have none. */
const unheld = globalThis.FinalizationRegistry && new FinalizationRegistry(([free, at]: [Free, number]) => runtime()[free](at));

/** The address of something that the wasm has made; a number from outside is not taken for one. */
class Made {
  constructor(readonly at: number) {}
}

/** Has something in linear memory. */
class Held {
  #at: number;
  readonly #free: Free;

  constructor(at: number, free: Free) {
    this.#at = at >>> 0;
    this.#free = free;
    unheld?.register(this, [free, at], this);
  }

  /** @internal What this is given back by tells what it is. */
  static at(held: Held, free: Free): number {
    if (Object(held) !== held || !(#free in held) || held.#free !== free) throw refused(`another object is needed, one of ${free}`);
    if (!held.#at) throw coded("freed", "this was given back by free(), and cannot be used any more");
    return held.#at;
  }

  free(): void {
    if (!this.#at) return;
    unheld?.unregister(this);
    runtime()[this.#free](this.#at);
    this.#at = 0;
  }
}

/** Only {@link Consent} mints grants. */
const MINT = Symbol("mint");
const NO_GRANT = "a grant is needed, which only `Consent.grant` makes";

export class Grant {
  readonly #signals: number;

  constructor(mint: symbol, signals: number) {
    if (mint !== MINT) throw refused(NO_GRANT);
    this.#signals = signals;
  }

  /** @internal */
  static signals(grant: Grant): number {
    if (Object(grant) !== grant || !(#signals in grant)) throw refused(NO_GRANT);
    return grant.#signals;
  }

  free(): void {
    // It has nothing in linear memory.
  }
}

export class Consent {
  readonly #signals: number;

  constructor(signals: Signals, answers = 0) {
    const what = "consent signals";
    const gpc = field(what, signals, "gpc") === null ? 2 : Number(flag(what, signals, "gpc"));
    const choice = field(what, signals, "choice") ?? undefined;
    let chosen = 0;
    if (choice !== undefined) {
      chosen = MODES.indexOf(field("choice", choice, "mode") as Mode) + 1;
      if (!chosen) throw refused("choice: `mode` must be contextual, session or persistent");
      flag("choice", choice, "capsule");
    }
    this.#signals = gpc | (chosen << 2) | (Number(flag(what, signals, "gpcOverride")) << 4) | (answers << 5);
  }

  get mode(): Mode {
    return MODES[runtime().consent_mode(this.#signals)] ?? "contextual";
  }

  grant(): Grant | undefined {
    return this.mode === "contextual" ? undefined : new Grant(MINT, this.#signals);
  }

  free(): void {
    // It has nothing in linear memory.
  }
}

export class Profile extends Held {
  constructor(made?: Made) {
    super(made instanceof Made ? made.at : runtime().profile_new(), "profile_free");
  }

  record(grant: Grant, item: string, kind: EventKind, at: number): void {
    const number = KINDS.indexOf(kind);
    if (number < 0) throw coded("unknown_name", `event: \`${[...String(kind)].slice(0, 64).join("")}\` is not known; use one of ${KINDS.join(", ")}`);
    write(encoder.encode(idsOf([item])[0]));
    told(runtime().profile_record(Held.at(this, "profile_free"), buffer, Grant.signals(grant), number, seconds(at)));
  }

  encode(grant: Grant): Uint8Array {
    told(runtime().profile_encode(Held.at(this, "profile_free"), buffer, Grant.signals(grant)));
    return read();
  }

  static decode(grant: Grant, bytes: Uint8Array, at = now(), days = RETENTION_DAYS): Profile {
    write(bytes);
    return new Profile(new Made(told(runtime().profile_decode(buffer, Grant.signals(grant), oldest(seconds(at), days)))));
  }

  get length(): number {
    return runtime().profile_length(Held.at(this, "profile_free"));
  }

  erase(): void {
    runtime().profile_erase(Held.at(this, "profile_free"));
  }
}

export class Candidates extends Held {
  readonly length: number;

  constructor(rows: Uint32Array) {
    super(runtime().candidates_new(rows.length), "candidates_free");
    this.length = rows.length;
    this.#view().set(rows);
  }

  #view(): Uint32Array {
    return new Uint32Array(memory(), runtime().candidates_rows(Held.at(this, "candidates_free")) >>> 0, this.length);
  }

  get rows(): Uint32Array {
    return this.#view().slice();
  }

  setOutOfStock(index: number, out = true): void {
    if (!(index >= 0 && index < this.length)) {
      throw coded("invalid_option", `there is no candidate ${index}`);
    }
    const start = runtime().candidates_flags(Held.at(this, "candidates_free")) >>> 0;
    new Uint8Array(memory(), start, this.length)[index] = out ? OUT_OF_STOCK : 0;
  }
}

function opened(snapshot: Uint8Array | ArrayBuffer, verify: boolean): number {
  write(snapshot instanceof Uint8Array ? snapshot : new Uint8Array(snapshot));
  return told(runtime().ranker_open(buffer, verify));
}

export class Ranker extends Held {
  constructor(snapshot: Uint8Array | ArrayBuffer | Made, options: OpenOptions = {}) {
    const { verify = true } = checked(options, OPENING);
    super(snapshot instanceof Made ? snapshot.at : opened(snapshot, verify), "ranker_free");
  }

  static async load(source: SnapshotSource | PromiseLike<SnapshotSource>, options: LoadOptions = {}): Promise<Ranker> {
    const { verify = true, maxBytes = MAX_BYTES } = checked(options, LOADING);
    const { loader_new, loader_push, loader_finish, loader_free } = runtime();
    const loader = loader_new(maxBytes);
    try {
      for await (const bytes of pieces(source)) {
        for (let from = 0; from < bytes.length; from += PIECE) {
          write(bytes.subarray(from, from + PIECE));
          told(loader_push(loader, buffer));
        }
      }
    } catch (error) {
      loader_free(loader);
      throw error;
    }
    // Takes the loader's memory over, also where it fails.
    return new Ranker(new Made(told(loader_finish(loader, buffer, verify))));
  }

  get id(): string {
    runtime().ranker_id(Held.at(this, "ranker_free"), buffer);
    return decoder.decode(read());
  }

  get items(): number {
    return runtime().ranker_items(Held.at(this, "ranker_free")) >>> 0;
  }

  candidates(items: Iterable<string | CandidateItem>): Candidates {
    const list = [...items];
    const rows = idsOf(list).map((id) => {
      write(encoder.encode(id));
      return runtime().ranker_row(Held.at(this, "ranker_free"), buffer);
    });
    const candidates = new Candidates(Uint32Array.from(rows));
    list.forEach((item, index) => {
      if (typeof item !== "string" && item.in_stock === false) candidates.setOutOfStock(index);
    });
    return candidates;
  }

  candidatesOfRows(rows: Iterable<number>): Candidates {
    return new Candidates(Uint32Array.from(rows));
  }

  setProfile(profile: Profile, at = now()): void {
    runtime().ranker_profile(Held.at(this, "ranker_free"), Held.at(profile, "profile_free"), seconds(at));
  }

  rerank(candidates: Candidates, options: Options = {}): Ranked[] {
    const { count = 12, diversity = 0.3, excludePurchased = false, excludeOutOfStock = true } = checked(options, RANKING);
    const { ranker_rerank, ranker_slate } = runtime();
    const ranker = Held.at(this, "ranker_free");
    const length = ranker_rerank(ranker, Held.at(candidates, "candidates_free"), count, diversity, excludePurchased, excludeOutOfStock) >>> 0;
    const view = new DataView(memory(), ranker_slate(ranker) >>> 0, length * PLACE);
    return Array.from({ length }, (_, place) => ({
      index: view.getUint32(place * PLACE, true),
      row: view.getUint32(place * PLACE + 4, true),
      score: view.getFloat32(place * PLACE + 8, true),
    }));
  }
}
