/** The entry `pocketrank/sync` for workerd: memory, for an isolate has nothing else of its own. */
import compiled from "./pocketrank_sync_bg.wasm";
import { coded } from "./coded.js";
import { follower } from "./sync/follow.js";

export const follow = follower({
  wasm: () => compiled,
  asking: { init: () => ({}), bare: true },
  storage: () => {
    throw coded("invalid_option", "storage: a worker keeps what it follows in memory; leave it out");
  },
});
