/**
 * What a start costs once the bytes are there, for a catalogue of 100,000 items and of 1,000, in Node. Timed: a new instance of the
 * compiled wasm, `initSync` of the glue with all that it does (imports, `WebAssembly.Instance`, start), and opening without verifying,
 * `Loader.finish(false)`, which is what `Ranker.load(source, { verify: false })` does behind the last byte. Not timed: compiling the wasm, loading
 * the glue, and the copy of the snapshot into linear memory (`Loader.push`), which lies between the two and is measured for itself. Garbage
 * is collected behind either copy, so that both open from a like state. Without that the large one takes about 1.3 times as long: a long
 * copy leaves something behind that a short one does not. Cold data caches alone are not it (filling 32 MB behind both copies changed
 * little); which of other caches, page tables and V8's pending work it is was not found out.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Failure } from "../scripts/process.mjs";
import { byTurns } from "./turns.mjs";

const ROUNDS = 201;
const WARM_UP = 20;

/**
 * Medians in microseconds.
 * @param {string} npm folder of the built package
 * @param {string} folder of the cases
 * @param {number[]} sizes of the catalogues
 * @returns {Promise<{ opened: number, copied: number }[]>} by size
 */
export async function measureOpen(npm, folder, sizes) {
  const module = new WebAssembly.Module(readFileSync(join(npm, "pocketrank_bg.wasm")));
  // Nor must collecting the instances of earlier rounds fall into a later one.
  setFlagsFromString("--expose-gc");
  const collect = /** @type {() => void} */ (runInNewContext("gc"));
  let glues = 0;
  const copies = sizes.map(() => /** @type {number[]} */ ([]));
  const turn = (/** @type {number} */ items, /** @type {number[]} */ copied) => {
    const bytes = readFileSync(join(folder, `items-${items}.bin`));
    return async () => {
      // The glue has one instance for good, so each instance gets a glue of its own.
      const glue = await import(`${pathToFileURL(join(npm, "pocketrank.js")).href}?${glues++}`);
      collect();
      const started = performance.now();
      glue.initSync({ module });
      const instantiated = performance.now();
      const loader = new glue.Loader(bytes.length);
      loader.push(bytes);
      const copy = performance.now() - instantiated;
      collect();
      const pushed = performance.now();
      const ranker = loader.finish(false);
      const opened = performance.now();
      if (ranker.items !== items) throw new Failure(`items-${items}.bin has ${ranker.items} items`);
      copied.push(copy * 1000);
      return (instantiated - started + opened - pushed) * 1000;
    };
  };
  const turns = Object.fromEntries(sizes.map((items, at) => [items, turn(items, /** @type {number[]} */ (copies[at]))]));
  const opened = await byTurns(turns, { rounds: ROUNDS, warmUp: WARM_UP });
  return sizes.map((items, at) => ({
    opened: /** @type {number} */ (opened[items]),
    copied: /** @type {number} */ (copies[at]?.slice(WARM_UP).sort((a, b) => a - b)[ROUNDS >> 1]),
  }));
}
