/** The slim entry for browsers: as browser.ts, with the wasm that only ranks. */
import { once } from "./ranking/slim-api.js";

export { Consent, Grant, Profile, Ranker, memoryBytes, type Candidates } from "./ranking/slim-api.js";

/** Of the wasm that this is built with. */
declare const POCKETRANK_SLIM_INTEGRITY: string;

const privately = { credentials: "omit", referrerPolicy: "no-referrer", integrity: POCKETRANK_SLIM_INTEGRITY } as const;

export const init = once(() => fetch(new URL("pocketrank_slim_bg.wasm", import.meta.url), privately));
