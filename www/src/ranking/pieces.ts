/** How a snapshot arrives. */
import type { SnapshotSource } from "../../index.js";
import { coded } from "../coded.js";

/** What `Ranker.load` takes in at the most, if the caller does not say: half of what a worker's isolate has. */
export const MAX_BYTES = 64 * 1024 * 1024;

/** The pieces of a source as they arrive. A reader, because not every browser can iterate a stream. */
export async function* pieces(source: SnapshotSource): AsyncGenerator<Uint8Array> {
  if (Symbol.asyncIterator in source && !(source instanceof ReadableStream)) {
    yield* source;
    return;
  }
  if (source instanceof Response && !source.ok) {
    await source.body?.cancel();
    throw coded("not_loaded", `${source.url || "the snapshot"}: answered ${source.status}`);
  }
  const reader = (source instanceof Response ? source.body : source)?.getReader();
  if (!reader) return;
  let ended = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      ended = done;
      if (done) return;
      yield value;
    }
  } finally {
    // What is not wanted any more need not be sent.
    if (!ended) await reader.cancel();
  }
}
