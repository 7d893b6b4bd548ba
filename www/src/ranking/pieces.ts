/** How a snapshot arrives. */
import type { SnapshotSource } from "../../index.js";
import { coded } from "../coded.js";
import { got } from "../options.js";

/** What `Ranker.load` takes in at the most, if the caller does not say: half of what a worker's isolate has. */
export const MAX_BYTES = 64 * 1024 * 1024;

/** The pieces of a source as they arrive. A reader, because not every browser can iterate a stream. */
export async function* pieces(from: SnapshotSource | PromiseLike<SnapshotSource>): AsyncGenerator<Uint8Array> {
  const source = await from;
  if (source instanceof Response && !source.ok) {
    await source.body?.cancel();
    throw coded("not_loaded", `${source.url || "the snapshot"}: answered ${source.status}`);
  }
  const stream = (source instanceof Response ? source.body : source) as (ReadableStream<Uint8Array> & AsyncIterable<Uint8Array>) | null;
  if (!stream?.getReader) {
    if (stream === null) return;
    if (!stream?.[Symbol.asyncIterator]) throw coded("invalid_option", `\`source\` must be a Response or stream; it is ${got(stream)}`);
    return yield* stream;
  }
  const reader = stream.getReader();
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
