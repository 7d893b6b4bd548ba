/**
 * The plan of the core (`pocketrank::Sync`) over the functions of `src/follow.rs`, which take and give numbers.
 *
 * Invariants: no view into linear memory outlives a call, because memory may grow and then leaves old views empty; an address is handed to
 * no function after it was given back.
 */
import type { WasmSource } from "../../index.js";
import { coded } from "../coded.js";

/** What the wasm exports. Addresses are `u32`, and 0 where a call failed. */
interface Core {
  readonly memory: WebAssembly.Memory;
  buffer_new(): number;
  buffer_room(buffer: number, length: number): number;
  buffer_start(buffer: number): number;
  buffer_length(buffer: number): number;
  setup_new(interval: number, maxBackoff: number, timeout: number, withDeltas: boolean, sequence: number): number;
  setup_take(setup: number, buffer: number, what: number): number;
  setup_free(setup: number): void;
  plan_new(setup: number, checked: number, seed: number, moreSeed: number): number;
  plan_free(plan: number): void;
  plan_numbers(plan: number): number;
  plan_next(plan: number, buffer: number, now: number): number;
  plan_answer(plan: number, buffer: number, now: number, what: number, number: number): void;
  plan_apply(plan: number, buffer: number, now: number): void;
  plan_snapshot(plan: number, buffer: number): number;
  plan_lost(plan: number, buffer: number, now: number): void;
  plan_checked(plan: number): number;
  plan_accepted(plan: number, buffer: number): number;
  plan_report(plan: number, buffer: number): number;
  hash(buffer: number): void;
}

/** What is pinned, and how it is followed; times in seconds, `timeout` in milliseconds. */
export interface Settings {
  audience: string;
  keys: readonly string[];
  /** The least acceptable sequence. */
  sequence: number;
  /** The snapshot that came with the program. */
  embedded: Uint8Array | undefined;
  files: readonly string[];
  deltas: boolean;
  interval: number;
  maxBackoff: number;
  timeout: number;
}

/** What is stored when the plan begins; blobs by their SHA-256 in hexadecimal. */
export interface Held {
  manifest: Uint8Array | undefined;
  blobs: string[];
  checked: number | undefined;
}

export type Kind = "manifest" | "delta" | "snapshot" | "file";

/** As `Request` in src/sync/step.rs. */
export interface Request {
  kind: Kind;
  url: string;
  limit: number;
  timeout: number;
  etag: string;
}

/** A file that the manifest names. */
export interface File {
  sha256: string;
  bytes: number;
  url: string;
}

/** What is in use: that of one manifest, all of it. */
export interface Release {
  sequence: number;
  /** Seconds since 1970-01-01 UTC. */
  expires: number;
  /** The snapshot's id, and the hash of its bytes. */
  snapshot: string;
  sha256: string;
  files: ReadonlyMap<string, File>;
}

export type Step =
  | { do: "wait"; until: number }
  | { do: "fetch"; request: Request }
  | { do: "load"; sha256: string }
  | { do: "apply" }
  | { do: "store"; sha256: string; bytes: Uint8Array }
  | { do: "commit"; bytes: Uint8Array }
  | { do: "swap"; release: Release }
  | { do: "forget"; keep: string[] };

export type Failed = "network" | "timeout" | "too_long" | "redirected";

export type Answer =
  | { body: Uint8Array; etag?: string }
  | { status: number; retryAfter?: number }
  | { failed: Failed }
  | "done"
  | "not_stored";

/** What is told to whoever watches; see {@link import("../../sync.js").Report}. */
export interface Report {
  code: string;
  kind?: Kind;
  status?: number;
  text: string;
}

const KINDS: readonly Kind[] = ["manifest", "delta", "snapshot", "file"];
const FAILED: readonly Failed[] = ["network", "timeout", "too_long", "redirected"];
const HASH = 32;
const ID = 16;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

let core: Core | undefined;
let buffer = 0;
let loading: Promise<void> | undefined;

/** Loads the wasm, once; again only after it has failed. */
export function load(find: () => WasmSource): Promise<void> {
  loading ??= instantiate(find).catch((error: unknown) => {
    loading = undefined;
    throw coded("not_initialised", `the wasm that follows could not be loaded: ${String(error)}`, error);
  });
  return loading;
}

async function instantiate(find: () => WasmSource): Promise<void> {
  let code = await find();
  if (code instanceof Response) {
    if (!code.ok) throw new Error(`${code.url} answered ${code.status}`);
    code = await code.arrayBuffer();
  }
  const made: WebAssembly.Instance | WebAssembly.WebAssemblyInstantiatedSource = await WebAssembly.instantiate(code as BufferSource);
  core = ("instance" in made ? made.instance : made).exports as unknown as Core;
  buffer = core.buffer_new();
}

function wasm(): Core {
  if (!core) throw coded("not_initialised", "the wasm that follows is not loaded");
  return core;
}

function view(at: number, length: number): Uint8Array {
  return new Uint8Array(wasm().memory.buffer, at >>> 0, length);
}

/** Puts bytes into the buffer, one piece behind the other. */
function write(...pieces: Uint8Array[]): void {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  let at = wasm().buffer_room(buffer, length) >>> 0;
  for (const piece of pieces) {
    view(at, piece.length).set(piece);
    at += piece.length;
  }
}

/** A copy of the buffer's bytes. */
function read(): Uint8Array {
  const { buffer_start, buffer_length } = wasm();
  return view(buffer_start(buffer), buffer_length(buffer)).slice();
}

function number(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function fromHex(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** SHA-256 in hexadecimal; the browser's own is there in secure contexts only. */
export function sha256(bytes: Uint8Array): string {
  write(bytes);
  wasm().hash(buffer);
  return hex(read());
}

/** Reads what a swap says of the manifest. */
function readRelease(bytes: Uint8Array, sequence: number, expires: number): Release {
  const view = new DataView(bytes.buffer);
  const files = new Map<string, File>();
  let at = ID + HASH;
  const take = (length: number) => bytes.subarray(at, (at += length));
  while (at < bytes.length) {
    const sha256 = hex(take(HASH));
    const [size, name, url] = [0, 4, 8].map((offset) => view.getUint32(at + offset, true)) as [number, number, number];
    at += 12;
    files.set(decoder.decode(take(name)), { sha256, bytes: size, url: decoder.decode(take(url)) });
  }
  return { sequence, expires, snapshot: hex(bytes.subarray(0, ID)), sha256: hex(bytes.subarray(ID, ID + HASH)), files };
}

function setUp(setup: number, what: number, bytes: Uint8Array): void {
  write(bytes);
  if (wasm().setup_take(setup, buffer, what)) return;
  wasm().setup_free(setup);
  const [code = "", ...text] = decoder.decode(read()).split("\n");
  throw coded(code, text.join("\n"));
}

export class Plan {
  /** Id of the snapshot that came with the program. */
  readonly embedded: string | undefined;
  #at: number;

  /** @throws with the code of what is wrong with a key or with the embedded snapshot */
  constructor(settings: Settings, held: Held) {
    const { setup_new, plan_new } = wasm();
    const { interval, maxBackoff, timeout, deltas, sequence } = settings;
    const setup = setup_new(interval, maxBackoff, timeout, deltas, sequence);
    setUp(setup, 0, encoder.encode(settings.audience));
    for (const key of settings.keys) setUp(setup, 1, encoder.encode(key));
    for (const file of settings.files) setUp(setup, 2, encoder.encode(file));
    if (held.manifest) setUp(setup, 3, held.manifest);
    setUp(setup, 4, fromHex(held.blobs.join("")));
    if (settings.embedded) {
      setUp(setup, 5, settings.embedded);
      this.embedded = hex(read());
    }
    const [seed = 0, more = 0] = crypto.getRandomValues(new Uint32Array(2));
    this.#at = plan_new(setup, held.checked ?? Number.NaN, seed, more) >>> 0;
  }

  next(): Step {
    const { plan_next, plan_numbers, memory } = wasm();
    const step = plan_next(this.#at, buffer, Date.now());
    const bytes = read();
    const [one = 0, two = 0, three = 0] = new Float64Array(memory.buffer, plan_numbers(this.#at) >>> 0, 3);
    switch (step) {
      case 0:
        return { do: "wait", until: one };
      case 1: {
        const url = 4 + new DataView(bytes.buffer).getUint32(0, true);
        const kind = KINDS[one] ?? "manifest";
        const request = { kind, limit: two, timeout: three, url: decoder.decode(bytes.subarray(4, url)), etag: decoder.decode(bytes.subarray(url)) };
        return { do: "fetch", request };
      }
      case 2:
        return { do: "load", sha256: hex(bytes) };
      case 3:
        return { do: "apply" };
      case 4:
        return { do: "store", sha256: hex(bytes), bytes: view(one, two).slice() };
      case 5:
        return { do: "commit", bytes: view(one, two).slice() };
      case 6:
        return { do: "swap", release: readRelease(bytes, one, two) };
      default:
        return { do: "forget", keep: hex(bytes).match(/.{64}/g) ?? [] };
    }
  }

  answer(answer: Answer): void {
    const tell = (what: number, value = 0, ...pieces: Uint8Array[]) => {
      write(...pieces);
      wasm().plan_answer(this.#at, buffer, Date.now(), what, value);
    };
    if (answer === "done") return tell(4);
    if (answer === "not_stored") return tell(5);
    if ("failed" in answer) return tell(3, FAILED.indexOf(answer.failed));
    if ("body" in answer) {
      const etag = encoder.encode(answer.etag ?? "");
      return tell(0, etag.length, answer.body, etag);
    }
    if (answer.status === 304) return tell(1);
    return tell(2, answer.status, ...(answer.retryAfter === undefined ? [] : [number(answer.retryAfter)]));
  }

  /** Answers `apply`; `base` is the snapshot in use. */
  apply(base: Uint8Array): void {
    write(base);
    wasm().plan_apply(this.#at, buffer, Date.now());
  }

  /** At a swap: the snapshot, where it is another than before. */
  snapshot(): Uint8Array | undefined {
    return wasm().plan_snapshot(this.#at, buffer) ? read() : undefined;
  }

  lost(sha256: string): void {
    write(fromHex(sha256));
    wasm().plan_lost(this.#at, buffer, Date.now());
  }

  /** When the manifest was last found to be current, in milliseconds since 1970-01-01 UTC. */
  get checked(): number | undefined {
    const at = wasm().plan_checked(this.#at);
    return Number.isNaN(at) ? undefined : at;
  }

  /** The manifest that was accepted last, if there is one. */
  accepted(): { sequence: number; manifest: Uint8Array } | undefined {
    const sequence = wasm().plan_accepted(this.#at, buffer) >>> 0;
    const manifest = read();
    return manifest.length > 0 ? { sequence, manifest } : undefined;
  }

  /** What there is to report since the last call. */
  reports(): Report[] {
    const reports: Report[] = [];
    const { plan_report, plan_numbers } = wasm();
    for (;;) {
      const about = plan_report(this.#at, buffer);
      if (!about) return reports;
      const [code = "", ...text] = decoder.decode(read()).split("\n");
      const [status = 0] = new Float64Array(wasm().memory.buffer, plan_numbers(this.#at) >>> 0, 1);
      const kind = KINDS[about - 1];
      reports.push({ code, ...(kind && { kind }), ...(status && { status }), text: text.join("\n") });
    }
  }

  free(): void {
    if (this.#at) wasm().plan_free(this.#at);
    this.#at = 0;
  }
}
