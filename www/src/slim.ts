/** The slim entry for browsers: as browser.ts, with the wasm that only ranks. */
import load from "../../dist/npm/pocketrank.js";
import { once } from "./ranker.js";

export * from "./slim-api.js";

const privately = { credentials: "omit", referrerPolicy: "no-referrer" } as const;

export const init = once((wasm) =>
  load({ module_or_path: wasm ?? fetch(new URL("pocketrank_slim_bg.wasm", import.meta.url), privately) }),
);
