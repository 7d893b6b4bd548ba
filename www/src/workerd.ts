/** The entry for workerd (Cloudflare Workers): the wasm is a module of the worker, compiled when it is deployed. */
import load from "../../dist/npm/pocketrank.js";
import type { WasmSource } from "../index.js";
import compiled from "./pocketrank_bg.wasm";
import { loaded } from "./ranking/ranker.js";

export * from "./ranking/api.js";

export function init(wasm: WasmSource = compiled): Promise<void> {
  return loaded(() => load({ module_or_path: wasm }));
}
