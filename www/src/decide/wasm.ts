/**
 * The wasm of `pocketrank/decide`, as `src/decide.rs` and `src/decide/rules.rs` export it.
 *
 * Invariants: an address is only ever handed to a function of its own kind, and to none after it was given back; no view into linear
 * memory outlives a call, because memory may grow and then leaves old views empty.
 */
import type { WasmSource } from "../../index.js";
import { coded } from "../coded.js";

/** What the wasm exports. Addresses are `u32`, and 0 where a call failed. */
interface Runtime {
  readonly memory: WebAssembly.Memory;
  buffer_new(): number;
  buffer_room(buffer: number, length: number): number;
  buffer_start(buffer: number): number;
  buffer_length(buffer: number): number;
  experiments_open(buffer: number): number;
  experiments_begin(experiments: number, buffer: number, draw: number): number;
  experiments_feature(experiments: number, buffer: number): void;
  experiments_run(experiments: number, buffer: number): void;
  experiments_settings(experiments: number, buffer: number): void;
  experiments_lists(experiments: number, buffer: number): void;
  experiments_features(experiments: number, buffer: number): void;
  experiments_draw(experiments: number, buffer: number): void;
  experiments_free(experiments: number): void;
  rules_open(buffer: number): number;
  rules_broken(rules: number, buffer: number): void;
  rules_lists(rules: number, buffer: number): void;
  rules_labels(rules: number, buffer: number): number;
  rules_know(rules: number, buffer: number): void;
  rules_orders(rules: number, buffer: number, events: number, aggregates: number): number;
  rules_choose(rules: number, buffer: number): number;
  rules_shifts(rules: number, buffer: number): void;
  rules_effects(rules: number, buffer: number): number;
  rules_unknown(rules: number, buffer: number): void;
  rules_free(rules: number): void;
  page_attributes(buffer: number): number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

let wasm: Runtime | undefined;
/** Through which texts and bytes cross. */
export let buffer = 0;

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
      throw coded("not_initialised", `the wasm could not be loaded: ${String(error)}`, error);
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

export function runtime(): Runtime {
  if (!wasm) throw coded("not_initialised", "the wasm is not loaded: await init() first");
  return wasm;
}

/** Puts bytes into the buffer. */
export function write(...parts: Uint8Array[]): void {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  let start = runtime().buffer_room(buffer, length) >>> 0;
  for (const part of parts) {
    new Uint8Array(runtime().memory.buffer, start, part.length).set(part);
    start += part.length;
  }
}

/** A copy of the buffer's bytes. */
export function read(): Uint8Array {
  const { buffer_start, buffer_length, memory } = runtime();
  return new Uint8Array(memory.buffer, buffer_start(buffer) >>> 0, buffer_length(buffer)).slice();
}

/** Throws what a failed call has left in the buffer. */
export function failed(): never {
  const [code = "", ...text] = decoder.decode(read()).split("\n");
  throw coded(code, text.join("\n"));
}

/** The JSON in the first bytes of the buffer, in all of them if not given. */
export function readJson<T>(length?: number): T {
  return JSON.parse(decoder.decode(read().subarray(0, length))) as T;
}

export function writeText(text: string): void {
  write(encoder.encode(text));
}
