/** The entry `pocketrank/decide` for browsers. */
import { once } from "./decide-wasm.js";

export * from "./decide-api.js";

const privately = { credentials: "omit", referrerPolicy: "no-referrer" } as const;

export const init = once(() => fetch(new URL("pocketrank_decide_bg.wasm", import.meta.url), privately));
