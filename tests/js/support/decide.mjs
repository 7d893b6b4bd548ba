/** Decides tests/cases/decisions.json with the package of any host, as tests/support/decisions.rs does natively. */

/**
 * @param {any} pocketrank the package, initialised
 * @param {any} decide `pocketrank/decide`, initialised
 * @param {Uint8Array} snapshot
 * @param {any[]} cases
 * @returns {any[]} the answers
 */
export function decideCases({ Consent, Profile, Ranker }, { Decisions, Rules, pageAttributes }, snapshot, cases) {
  const ranker = new Ranker(snapshot);
  const decisions = new Decisions(ranker, (/** @type {string} */ text) => void text);
  const rules = new Rules(ranker.rules);
  const grant = new Consent({ choice: { mode: "session" } }).grant();
  const id = (/** @type {number} */ item) => `sku-${item}`;
  const bits = (/** @type {number} */ number) => new Uint32Array(Float32Array.of(number).buffer)[0];
  return cases.map(({ now, events, lot, page, slot, candidates, outOfStock, count }) => {
    const profile = new Profile();
    for (const [item, kind, at] of events) profile.record(grant, id(item), kind, at);
    if (lot !== null) profile.drawLot(grant, lot);
    const attributes = pageAttributes(page);
    const { draw, ...decision } = decisions.make(slot, { attributes, profile, now });
    profile.keep(grant, draw);
    ranker.setBlend(decision.blend);
    ranker.setProfile(profile, now);
    const list = ranker.candidates(candidates.map(id));
    for (const index of outOfStock) list.setOutOfStock(index);
    const { diversity = 0.3 } = decision;
    const shifts = decisions.moves(decision.rules, ranker, list);
    const slate = ranker.rerank(list, { count, diversity, shifts }).map((/** @type {any} */ { index, row, score }) => [index, row, bits(score)]);
    const [first] = list.rows;
    const effects = first === undefined ? [] : decisions.effects(decision.rules, ranker, first);
    const answer = {
      ...decision,
      // As single precision has it.
      ...(decision.diversity !== undefined && { diversity: Math.fround(decision.diversity) }),
      attributes,
      draw: [...profile.draw],
      slate,
      effects: effects.map((/** @type {any} */ { rule, action, by }) => [rule, action, bits(by)]),
      unknown: rules.moves(decision.rules, ranker, list).unknown,
    };
    list.free();
    profile.free();
    return JSON.parse(JSON.stringify(answer));
  });
}
