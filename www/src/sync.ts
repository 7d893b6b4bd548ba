/** The entry `pocketrank/sync` for browsers: IndexedDB, and requests without credentials or referrer and of low priority, which the HTTP cache answers where it can. */
import { Database } from "./sync/database.js";
import { follower } from "./sync/follow.js";

/** Of the wasm that this is built with. */
declare const POCKETRANK_SYNC_INTEGRITY: string;

// What the page itself shows comes first.
const privately = { credentials: "omit", referrerPolicy: "no-referrer", priority: "low" } as const;

export const follow = follower({
  wasm: () => fetch(new URL("pocketrank_sync_bg.wasm", import.meta.url), { ...privately, integrity: POCKETRANK_SYNC_INTEGRITY }),
  asking: {
    // All but the manifest never changes under its address.
    init: (kind, fresh) => ({ ...privately, cache: fresh ? "reload" : kind === "manifest" ? "no-cache" : "force-cache" }),
    bare: false,
  },
  storage: (name) => new Database(name),
});
