/**
 * Where a slot is ranked: here, as long as that is quick, else in a worker, so that the page goes on meanwhile.
 *
 * Invariant: both give the same slate, bit for bit. Where there is no worker to be had, it is ranked here all the same.
 */
import type { Decision } from "../../decide.js";
import type { CandidateItem, Candidates, Mode, Options, Ranked, Ranker } from "../../index.js";

/** What takes longer than this, in milliseconds, is a thing for a worker, and so is a list of so many items. */
const SLOW = 5;
const MANY = 4000;

/** What a ranker ranks by beside its snapshot. */
export interface State {
  mode: Mode;
  /** The encoded profile; none without a grant. */
  profile: Uint8Array | undefined;
  /** When it was set. */
  at: number;
  blend: Decision["blend"];
}

/** A list, ranked in a worker. */
export interface Job {
  /** By whom. */
  ranker: object;
  snapshot: Uint8Array;
  state: State;
  rows: Uint32Array;
  /** Indexes of what is out of stock. */
  out: number[];
  options: Options;
}

const snapshots = new WeakMap<object, Uint8Array>();
const states = new WeakMap<object, () => State>();
const slow = new WeakSet<object>();
let isRefused = false;

/** Notes what a ranker was opened with. */
export function opened<R extends object>(ranker: R, snapshot: Uint8Array): R {
  snapshots.set(ranker, snapshot);
  return ranker;
}

/** Notes what tells what a ranker ranks by. */
export function stated(ranker: object, state: () => State): void {
  states.set(ranker, state);
}

/**
 * @param items those of the candidates
 * @param prepare has the ranker rank as this slot wants it, and says how the rest is wanted; asked again where the worker did not want to, for
 * slots share rankers and another one may have had its turn meanwhile
 */
export async function rank(ranker: Ranker, candidates: Candidates, items: readonly CandidateItem[], prepare: () => Options): Promise<Ranked[]> {
  let options = prepare();
  const snapshot = snapshots.get(ranker);
  const state = states.get(ranker)?.();
  if (snapshot && state && !isRefused && (slow.has(ranker) || items.length > MANY)) {
    // Taken at once: meanwhile the candidates may be given back.
    const { rows } = candidates;
    const out = items.flatMap(({ in_stock }, at) => (in_stock === false ? [at] : []));
    try {
      const { score } = await import("./offload.js");
      return await score({ ranker, snapshot, state, rows, out, options });
    } catch {
      // A page may forbid workers: what they would do is done here.
      isRefused = true;
      options = prepare();
    }
  }
  const begun = performance.now();
  const slate = ranker.rerank(candidates, options);
  if (performance.now() - begun > SLOW) slow.add(ranker);
  return slate;
}
