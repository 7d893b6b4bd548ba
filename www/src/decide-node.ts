/** The entry `pocketrank/decide` for Node: reads the wasm that lies beside this module. */
import { readFile } from "node:fs/promises";
import { once } from "./decide/wasm.js";

export * from "./decide/api.js";

export const init = once(() => readFile(new URL("pocketrank_decide_bg.wasm", import.meta.url)));
