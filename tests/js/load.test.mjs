/** A large snapshot that streams into a worker lies in the runtime's memory once. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Miniflare, Response as Answer } from "miniflare";
import { root } from "../../scripts/process.mjs";

const bytes = readFileSync(join(root, "tests/fixtures/random-v1.bin"));
const cases = JSON.parse(readFileSync(join(root, "tests/cases/rerank.json"), "utf8")).slice(0, 100);
const LENGTH = 60_000_000;

/**
 * A snapshot with zeros behind its labels, which ranking does not read, up to 60 MB: docs/FORMAT.md, "Snapshot".
 * @param {Uint8Array} snapshot
 * @returns {{ head: Uint8Array, zeros: number, tail: Uint8Array }} what it is made of
 */
function enlarge(snapshot) {
  const copy = Uint8Array.from(snapshot);
  const view = new DataView(copy.buffer);
  // The sections behind stay at multiples of 8.
  const zeros = Math.ceil((LENGTH - copy.length) / 8) * 8;
  let cut = 0;
  for (let at = 48; at < 48 + 12 * view.getUint16(6, true); at += 12) {
    const [start, size] = [view.getUint32(at + 4, true), view.getUint32(at + 8, true)];
    if (cut > 0) view.setUint32(at + 4, start + zeros, true);
    if (String.fromCharCode(...copy.subarray(at, at + 4)) !== "LABL") continue;
    cut = start + size;
    view.setUint32(at + 8, size + zeros, true);
  }
  assert.ok(cut > 0, "the fixture has labels");
  view.setBigUint64(8, BigInt(copy.length + zeros), true);
  return { head: copy.subarray(0, cut), zeros, tail: copy.subarray(cut) };
}

test("workerd holds a snapshot of 60 MB once while it arrives, and ranks by it", async (context) => {
  const { head, zeros, tail } = enlarge(bytes);
  const length = head.length + zeros + tail.length;
  let sent = 0;
  const stream = new ReadableStream({
    start: (to) => to.enqueue(head),
    pull: (to) => {
      const piece = new Uint8Array(Math.min(65_536, zeros - sent));
      sent += piece.length;
      if (piece.length > 0) return to.enqueue(piece);
      to.enqueue(tail);
      to.close();
    },
  });
  /** @type {string[]} */
  const fetched = [];
  const worker = `
    import * as pocketrank from "./workerd.js";
    import { replayCases } from "./replay.mjs";
    export default {
      async fetch(request) {
        await pocketrank.init();
        const before = pocketrank.memoryBytes();
        const snapshot = await fetch("https://shop.example/snapshot.bin");
        const chunked = snapshot.headers.get("content-length") === null;
        // Its zeros follow no format, so it would not verify.
        const ranker = await pocketrank.Ranker.load(snapshot, { verify: false });
        const most = pocketrank.memoryBytes();
        const slates = replayCases(pocketrank, ranker, await request.json());
        return Response.json({ before, most, chunked, slates });
      },
    };`;
  const npm = (/** @type {string} */ name) => readFileSync(join(root, "dist/npm", name));
  const miniflare = new Miniflare({
    compatibilityDate: "2026-04-01",
    outboundService: (/** @type {{ url: string }} */ { url }) => {
      fetched.push(url);
      return new Answer(stream);
    },
    modules: [
      { type: "ESModule", path: "main.mjs", contents: worker },
      { type: "ESModule", path: "replay.mjs", contents: readFileSync(join(root, "tests/js/support/replay.mjs")) },
      { type: "ESModule", path: "workerd.js", contents: npm("workerd.js") },
      { type: "CompiledWasm", path: "pocketrank_bg.wasm", contents: npm("pocketrank_bg.wasm") },
    ],
  });
  context.after(() => miniflare.dispose());
  const response = await miniflare.dispatchFetch("http://localhost/", { method: "POST", body: JSON.stringify(cases) });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  const { before, most, chunked, slates } = JSON.parse(text);
  assert.ok(chunked, "it arrives in pieces");
  assert.deepEqual(fetched, ["https://shop.example/snapshot.bin"]);
  // Memory never shrinks, so this is the peak.
  assert.ok(most >= length && most <= length + 2_000_000, `${most} bytes for ${length}, ${before} before`);
  context.diagnostic(`${most} bytes at most for a snapshot of ${length}`);
  assert.deepEqual(slates, cases.map((/** @type {any} */ { slate }) => slate));
});
