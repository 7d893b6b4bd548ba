/** The entry for Node: reads the wasm that lies beside this module. */
import { readFile } from "node:fs/promises";
import load from "../../dist/npm/pocketrank.js";
import type { WasmSource } from "../index.js";
import { loaded } from "./ranking/ranker.js";

export * from "./ranking/api.js";

export function init(wasm?: WasmSource): Promise<void> {
  return loaded(() => load({ module_or_path: wasm ?? readFile(new URL("pocketrank_bg.wasm", import.meta.url)) }));
}
