/**
 * The module worker that ranks what takes long.
 *
 * Invariant: of the visitor it knows what a task says while it does that, and nothing afterwards; it asks for nothing but the runtime.
 */
import load from "../../../dist/npm/pocketrank.js";
import type { Ranked } from "../../index.js";
import { Consent, Profile } from "./api.js";
import type { Answer, Task } from "./offload.js";
import { loaded, Ranker } from "./ranker.js";

/** Of the wasm that this is built with. */
declare const POCKETRANK_INTEGRITY: string;
const privately = { credentials: "omit", referrerPolicy: "no-referrer", integrity: POCKETRANK_INTEGRITY } as const;
/** In seconds. */
const DAY = 86_400;
/** Of so many models at once, the newest: a page that follows has one after the other. */
const MOST = 4;
const rankers = new Map<number, Ranker>();
let turn: Promise<void> = Promise.resolve();

function rankerOf(model: number, snapshot: Uint8Array | undefined): Ranker {
  const ranker = rankers.get(model) ?? new Ranker(snapshot ?? new Uint8Array(), { verify: false });
  rankers.set(model, ranker);
  for (const [oldest, unused] of rankers) {
    if (rankers.size <= MOST) break;
    unused.free();
    rankers.delete(oldest);
  }
  return ranker;
}

/** The page has forgotten what was to be forgotten: here all counts that it still has. */
function decoded({ state: { mode, profile, at } }: Task): Profile {
  const grant = new Consent({ choice: { mode } }).grant();
  return grant && profile ? Profile.decode(grant, profile, at, Math.floor(at / DAY)) : new Profile();
}

function rank(task: Task): Ranked[] {
  const { model, snapshot, state, rows, out, options } = task;
  const ranker = rankerOf(model, snapshot);
  const profile = decoded(task);
  const candidates = ranker.candidatesOfRows(rows);
  try {
    for (const index of out) candidates.setOutOfStock(index);
    ranker.setBlend(state.blend);
    ranker.setProfile(profile, state.at);
    return ranker.rerank(candidates, options);
  } finally {
    profile.free();
    candidates.free();
    const nobody = new Profile();
    ranker.setProfile(nobody, state.at);
    nobody.free();
  }
}

async function answer(task: Task): Promise<Answer> {
  try {
    await loaded(() => load({ module_or_path: fetch(task.wasm, privately) }));
    return { id: task.id, slate: rank(task) };
  } catch (error) {
    return { id: task.id, failed: String(error) };
  }
}

addEventListener("message", ({ data }: MessageEvent<Task>) => {
  turn = turn.then(async () => postMessage(await answer(data)));
});
