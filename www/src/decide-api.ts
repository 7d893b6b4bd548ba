/**
 * What every host's entry `pocketrank/decide` gives away besides its own `init`: classes over the functions of `src/decide.rs`.
 *
 * Invariants: an address is only ever handed to a function of its own kind, and to none after it was given back; no view into linear
 * memory outlives a call, because memory may grow and then leaves old views empty.
 */
import type { Asking, ExperimentResult, FeatureResult } from "../decide.js";
import type { WasmSource } from "../index.js";
import { coded } from "./coded.js";
import { encode } from "./value.js";

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
  experiments_features(experiments: number, buffer: number): void;
  experiments_draw(experiments: number, buffer: number): void;
  experiments_free(experiments: number): void;
}

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

function runtime(): Runtime {
  if (!wasm) throw coded("not_initialised", "the wasm is not loaded: await init() first");
  return wasm;
}

/** Puts bytes into the buffer. */
function write(...parts: Uint8Array[]): void {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  let start = runtime().buffer_room(buffer, length) >>> 0;
  for (const part of parts) {
    new Uint8Array(runtime().memory.buffer, start, part.length).set(part);
    start += part.length;
  }
}

/** A copy of the buffer's bytes. */
function read(): Uint8Array {
  const { buffer_start, buffer_length, memory } = runtime();
  return new Uint8Array(memory.buffer, buffer_start(buffer) >>> 0, buffer_length(buffer)).slice();
}

/** Throws what a failed call has left in the buffer. */
function failed(): never {
  const [code = "", ...text] = decoder.decode(read()).split("\n");
  throw coded(code, text.join("\n"));
}

export class Experiments {
  #inner: number;

  constructor(section?: Uint8Array) {
    write(section ?? new Uint8Array());
    this.#inner = runtime().experiments_open(buffer) || failed();
  }

  get features(): string[] {
    runtime().experiments_features(this.#inner, buffer);
    return JSON.parse(decoder.decode(read())) as string[];
  }

  get draw(): Uint8Array {
    runtime().experiments_draw(this.#inner, buffer);
    return read();
  }

  begin({ draw = new Uint8Array(), ...asking }: Asking): void {
    write(draw, encode({ sticky: true, ...asking }));
    if (!runtime().experiments_begin(this.#inner, buffer, draw.length)) failed();
  }

  feature(key: string): FeatureResult {
    write(encoder.encode(key));
    runtime().experiments_feature(this.#inner, buffer);
    return JSON.parse(decoder.decode(read())) as FeatureResult;
  }

  run(key: string): ExperimentResult | undefined {
    write(encoder.encode(key));
    runtime().experiments_run(this.#inner, buffer);
    const json = decoder.decode(read());
    return json ? (JSON.parse(json) as ExperimentResult) : undefined;
  }

  free(): void {
    const inner = this.#inner;
    this.#inner = 0;
    if (inner) runtime().experiments_free(inner);
  }
}
