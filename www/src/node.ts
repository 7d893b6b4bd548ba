/** The entry for Node: reads the wasm that lies beside this module. */
import { readFile } from "node:fs/promises";
import load from "../../dist/npm/pocketrank.js";
import { once } from "./ranker.js";

export * from "./api.js";

export const init = once((wasm) =>
  load({ module_or_path: wasm ?? readFile(new URL("pocketrank_bg.wasm", import.meta.url)) }),
);
