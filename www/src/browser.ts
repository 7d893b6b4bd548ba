/** The entry for browsers: fetches the wasm that lies beside this module, without credentials or referrer. */
import load from "../../dist/npm/pocketrank.js";
import { once } from "./ranker.js";

export * from "./api.js";

const privately = { credentials: "omit", referrerPolicy: "no-referrer" } as const;

export const init = once((wasm) =>
  load({ module_or_path: wasm ?? fetch(new URL("pocketrank_bg.wasm", import.meta.url), privately) }),
);
