/** The entry for browsers: fetches the wasm that lies beside this module, without credentials or referrer. */
import load from "../../dist/npm/pocketrank.js";
import type { WasmSource } from "../index.js";
import { loaded } from "./ranking/ranker.js";

export * from "./ranking/api.js";

/** Of the wasm that this is built with. */
declare const POCKETRANK_INTEGRITY: string;

const privately = { credentials: "omit", referrerPolicy: "no-referrer", integrity: POCKETRANK_INTEGRITY } as const;

export function init(wasm?: WasmSource): Promise<void> {
  return loaded(() => load({ module_or_path: wasm ?? fetch(new URL("pocketrank_bg.wasm", import.meta.url), privately) }));
}
