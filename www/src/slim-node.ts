/** The slim entry for Node: as node.ts, with the wasm that only ranks. */
import { readFile } from "node:fs/promises";
import load from "../../dist/npm/pocketrank.js";
import { once } from "./ranker.js";

export * from "./slim-api.js";

export const init = once((wasm) =>
  load({ module_or_path: wasm ?? readFile(new URL("pocketrank_slim_bg.wasm", import.meta.url)) }),
);
