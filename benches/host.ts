/** Measures the wasm and its twin in one run, by turns, in whatever host imports this. */
import type { Candidates, Options, Ranked, Ranker } from "../www/index.js";
import { Twin } from "./twin.ts";

/** What `bench-case` writes. */
export interface Case {
  now: number;
  profile: number[];
  rows: number[];
  options: Required<Options>;
}

/** Medians in microseconds per call. */
export interface Figures {
  rerank: { wasm: number; twin: number };
  setProfile: { wasm: number; twin: number };
}

const ROUNDS = 61;
const WARM_UP = 3_000;
const PER_ROUND = 500;

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the package as the host's entry gives it
export async function measure(pocketrank: any, snapshot: Uint8Array, { now, profile, rows, options }: Case): Promise<Figures> {
  await pocketrank.init();
  const grant = new pocketrank.Consent({ choice: { mode: "session" } }).grant();
  const encoded = Uint8Array.from(profile);
  const visitor = pocketrank.Profile.decode(grant, encoded, now);
  const ranker = new pocketrank.Ranker(snapshot) as Ranker;
  const list: Candidates = ranker.candidatesOfRows(rows);
  const twin = new Twin(snapshot);
  const twinRows = Uint32Array.from(rows);

  ranker.setProfile(visitor, now);
  twin.setProfile(encoded, now);
  twin.rerank(twinRows, options);
  assertSame(ranker.rerank(list, options), twin.slate);
  return {
    rerank: byTurns(
      () => void ranker.rerank(list, options),
      () => void twin.rerank(twinRows, options),
    ),
    setProfile: byTurns(
      () => ranker.setProfile(visitor, now),
      () => twin.setProfile(encoded, now),
    ),
  };
}

/** A twin that does not agree measures something else. */
function assertSame(slate: Ranked[], twin: Ranked[]): void {
  const [ours, theirs] = [slate, twin].map((places) => JSON.stringify(places.map(({ index, row, score }) => [index, row, score])));
  if (ours !== theirs) throw new Error(`the twin's slate differs:\n${ours}\n${theirs}`);
}

function byTurns(wasm: () => void, twin: () => void): { wasm: number; twin: number } {
  const [ours, theirs]: [number[], number[]] = [[], []];
  time(wasm, WARM_UP);
  time(twin, WARM_UP);
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(time(wasm, PER_ROUND));
    theirs.push(time(twin, PER_ROUND));
  }
  return { wasm: median(ours), twin: median(theirs) };
}

function time(call: () => void, times: number): number {
  const started = performance.now();
  for (let i = 0; i < times; i++) call();
  return ((performance.now() - started) * 1000) / times;
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] as number;
}
