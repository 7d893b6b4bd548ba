/** Replays tests/cases with the package of any host. */

/**
 * @param {any} pocketrank the package, initialised
 * @param {any} ranker of the golden snapshot
 * @param {any[]} cases as tests/support/cases.rs describes them
 * @returns {number[][][]} per case the slate as [index, row, bits of the score]
 */
export function replayCases({ Consent, Profile }, ranker, cases) {
  const grant = new Consent({ choice: { mode: "session" } }).grant();
  const id = (/** @type {number} */ item) => `sku-${item}`;
  const bits = (/** @type {number} */ score) => new Uint32Array(Float32Array.of(score).buffer)[0];
  return cases.map(({ now, events, candidates, outOfStock, ...options }) => {
    delete options.slate;
    const profile = new Profile();
    for (const [item, kind, at] of events) profile.record(grant, id(item), kind, at);
    ranker.setProfile(profile, now);
    const list = ranker.candidates(candidates.map(id));
    for (const index of outOfStock) list.setOutOfStock(index);
    const slate = ranker.rerank(list, options).map((/** @type {any} */ { index, row, score }) => [index, row, bits(score)]);
    list.free();
    profile.free();
    return slate;
  });
}
