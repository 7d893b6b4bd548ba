/** Measures by turns, so that what else the machine does meets all that is compared alike. */

/**
 * The medians of what each turn measures of itself, by name.
 * @template {string} Name
 * @param {Record<Name, () => number | Promise<number>>} turns
 * @param {{ rounds: number, warmUp: number }} times rounds that count, and rounds before them that do not
 * @returns {Promise<Record<Name, number>>}
 */
export async function byTurns(turns, { rounds, warmUp }) {
  const names = /** @type {Name[]} */ (Object.keys(turns));
  const all = names.map((name) => ({ name, turn: turns[name], measured: /** @type {number[]} */ ([]) }));
  for (let round = -warmUp; round < rounds; round++) {
    for (const { turn, measured } of all) {
      const value = turn();
      const microseconds = typeof value === "number" ? value : await value;
      if (round >= 0) measured.push(microseconds);
    }
  }
  return /** @type {Record<Name, number>} */ (Object.fromEntries(all.map(({ name, measured }) => [name, median(measured)])));
}

/** Microseconds a call, of so many calls. @param {number} times @param {(at: number) => void} call */
export function timed(times, call) {
  const started = performance.now();
  for (let at = 0; at < times; at++) call(at);
  return ((performance.now() - started) * 1000) / times;
}

/** @param {number[]} values at least one; they are sorted */
export function median(values) {
  return /** @type {number} */ (values.sort((a, b) => a - b)[values.length >> 1]);
}

/** Measures when it is first asked for. @template T @param {() => Promise<T>} measure @returns {() => Promise<T>} */
export function once(measure) {
  /** @type {Promise<T> | undefined} */
  let measured;
  return () => (measured ??= measure());
}
