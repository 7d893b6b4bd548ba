/** The entry `pocketrank/decide` for browsers. */
import { once } from "./decide/wasm.js";

export * from "./decide/api.js";

/** Of the wasm that this is built with. */
declare const POCKETRANK_DECIDE_INTEGRITY: string;

const privately = { credentials: "omit", referrerPolicy: "no-referrer", integrity: POCKETRANK_DECIDE_INTEGRITY } as const;

export const init = once(() => fetch(new URL("pocketrank_decide_bg.wasm", import.meta.url), privately));
