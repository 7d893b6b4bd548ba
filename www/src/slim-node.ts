/** The slim entry for Node: as node.ts, with the wasm that only ranks. */
import { readFile } from "node:fs/promises";
import { once } from "./ranking/slim-api.js";

export { Consent, Grant, Profile, Ranker, memoryBytes, type Candidates } from "./ranking/slim-api.js";

export const init = once(() => readFile(new URL("pocketrank_slim_bg.wasm", import.meta.url)));
