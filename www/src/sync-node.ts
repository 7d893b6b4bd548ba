/** The entry `pocketrank/sync` for Node: a folder. */
import { readFile } from "node:fs/promises";
import { Folder } from "./sync/folder.js";
import { follower } from "./sync/follow.js";

export const follow = follower({
  wasm: () => readFile(new URL("pocketrank_sync_bg.wasm", import.meta.url)),
  asking: { init: () => ({}), bare: true },
  storage: (name) => new Folder(name),
});
