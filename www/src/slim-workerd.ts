/** The slim entry for workerd: as workerd.ts, with the wasm that only ranks. */
import load from "../../dist/npm/pocketrank.js";
import compiled from "./pocketrank_slim_bg.wasm";
import { once } from "./ranker.js";

export * from "./slim-api.js";

export const init = once((wasm = compiled) => load({ module_or_path: wasm }));
