/** The slim entry for browsers: as browser.ts, with the wasm that only ranks. */
import { once } from "./slim-api.js";

export { Consent, Grant, Profile, Ranker, memoryBytes, type Candidates } from "./slim-api.js";

const privately = { credentials: "omit", referrerPolicy: "no-referrer" } as const;

export const init = once(() => fetch(new URL("pocketrank_slim_bg.wasm", import.meta.url), privately));
