/**
 * What a larger catalogue costs the hot call, in Node: `rerank` of 1,000 candidates, all scorers, of 1,000,000 items and of 10,000.
 *
 * Candidates are random rows. `many` ranks another list each time, of so many that those of the large catalogue fit no cache near the
 * processor: each candidate then waits for memory. `one` ranks the same list again and again, as a page does that ranks its slot.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { byTurns, timed } from "./turns.mjs";

const CANDIDATES = 1_000;
const LISTS = 256;
// Rounds of a few milliseconds: few of them are interrupted, and medians pass over those.
const PER_ROUND = 16;
const TIMES = { rounds: 401, warmUp: 100 };

/**
 * Medians in microseconds.
 * @param {any} pocketrank the package
 * @param {string} folder of the cases
 * @param {number[]} sizes of the catalogues
 * @returns {Promise<{ many: number, one: number }[]>} by size
 */
export async function measureScale(pocketrank, folder, sizes) {
  await pocketrank.init();
  const grant = new pocketrank.Consent({ choice: { mode: "session" } }).grant();
  const rankers = sizes.map((items) => {
    const { now, profile, options } = JSON.parse(readFileSync(join(folder, `items-${items}.json`), "utf8"));
    const ranker = new pocketrank.Ranker(readFileSync(join(folder, `items-${items}.bin`)), { verify: false });
    ranker.setProfile(pocketrank.Profile.decode(grant, Uint8Array.from(profile), now), now);
    const below = random(items);
    const lists = Array.from({ length: LISTS }, () => ranker.candidatesOfRows(Array.from({ length: CANDIDATES }, below)));
    return { items, ranker, lists, options };
  });
  const turns = rankers.flatMap(({ items, ranker, lists, options }) => {
    let next = 0;
    return [
      [`many ${items}`, () => timed(PER_ROUND, () => void ranker.rerank(lists[next++ % LISTS], options))],
      [`one ${items}`, () => timed(PER_ROUND, () => void ranker.rerank(lists[0], options))],
    ];
  });
  const medians = /** @type {Record<string, number>} */ (await byTurns(Object.fromEntries(turns), TIMES));
  for (const { ranker } of rankers) ranker.free();
  const of = (/** @type {string} */ name) => /** @type {number} */ (medians[name]);
  return sizes.map((items) => ({ many: of(`many ${items}`), one: of(`one ${items}`) }));
}

/** Whole numbers below `n`, the same in every run: mulberry32. @param {number} n */
function random(n) {
  let state = 2_026;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * n);
  };
}
