/** Publications that differ in all that a page shows, and which of them a page shows. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { candidates, expected, ids, items, range, readSlots } from "./edge.mjs";

/** The lists of each sequence: others each time, so that a mix would be seen. @param {number} sequence */
export const itemsOf = (sequence) => ({ popular: items(range(40 * sequence, 40 * sequence + 30)), trending: items(range(200 + 40 * sequence, 230 + 40 * sequence)) });

/** @param {number} model @param {number} sequence @returns {import("./published.mjs").Publication} */
export function publication(model, sequence) {
  return { model, sequence, lists: Object.fromEntries(Object.entries(itemsOf(sequence)).map(([name, list]) => [name, candidates(list)])) };
}

/** Which model and lists a page shows, all of one manifest. @param {import("./edge.mjs").Edge} edge @param {number} [isolate] */
export async function shown(edge, isolate) {
  const response = await edge.fetch("/", {}, isolate);
  assert.equal(response.status, 200);
  const slots = readSlots(await response.text());
  assert.deepEqual(slots.map(({ by }) => by), ["edge", "edge"]);
  const model = ids.indexOf(slots[0]?.snapshot ?? "");
  assert.equal(slots[1]?.snapshot, ids[model]);
  const sequence = range(0, 5).find((sequence) => expected(itemsOf(sequence).popular, 5, undefined, model).html === slots[0]?.html);
  assert.ok(sequence !== undefined, "the list is one that was published, ranked by the model");
  assert.equal(slots[1]?.html, expected(itemsOf(sequence).trending, 3, undefined, model).html);
  return { model, sequence };
}

/** Asks for pages until one shows that. @param {import("./edge.mjs").Edge} edge @param {{ model: number, sequence: number }} wanted @param {number} [isolate] */
export async function shows(edge, wanted, isolate) {
  let last;
  for (let i = 0; i < 300; i++) {
    last = await shown(edge, isolate);
    if (last.sequence === wanted.sequence) break;
    await sleep(50);
  }
  assert.deepEqual(last, wanted, edge.console.join("\n"));
}
