/** The slim entry for workerd: as workerd.ts, with the wasm that only ranks. */
import compiled from "./pocketrank_slim_bg.wasm";
import { once } from "./ranking/slim-api.js";

export { Consent, Grant, Profile, Ranker, memoryBytes, type Candidates } from "./ranking/slim-api.js";

export const init = once(() => compiled);
