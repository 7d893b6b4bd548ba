/**
 * Ranks in a module worker. Loaded when ranking here was slow.
 *
 * Invariant: one worker a page. It is told what it needs for a slate by message alone, the profile encoded; a snapshot is told once.
 */
import type { Ranked } from "../../index.js";
import type { Job, State } from "./scoring.js";
import { scriptUrl } from "../trusted.js";

/** What the worker is told. */
export interface Task extends Omit<Job, "ranker" | "snapshot"> {
  id: number;
  /** Where the runtime is. */
  wasm: string;
  /** The number of the ranker, and its snapshot where that is new. */
  model: number;
  snapshot: Uint8Array | undefined;
  state: State;
}

/** What it answers. */
export interface Answer {
  id: number;
  slate?: Ranked[];
  failed?: string;
}

let worker: Worker | undefined;
let last = 0;
const models = new WeakMap<object, number>();
const waiting = new Map<number, { resolve: (slate: Ranked[]) => void; reject: (error: Error) => void }>();

function start(): Worker {
  const url = new URL("./scorer.js", import.meta.url);
  const started = new Worker(scriptUrl("pocketrank-worker", url), { type: "module", credentials: "omit" });
  started.onmessage = ({ data: { id, slate, failed } }: MessageEvent<Answer>) => {
    const asked = waiting.get(id);
    waiting.delete(id);
    if (slate) asked?.resolve(slate);
    else asked?.reject(new Error(failed));
  };
  started.onerror = (event) => {
    // Here whoever asked ranks by itself.
    event.preventDefault();
    for (const { reject } of waiting.values()) reject(new Error("there is no worker to be had"));
    waiting.clear();
  };
  return started;
}

/** @throws where there is no worker, or it has failed */
export function score({ ranker, snapshot, ...job }: Job): Promise<Ranked[]> {
  return new Promise((resolve, reject) => {
    worker ??= start();
    const id = (last += 1);
    const known = models.get(ranker);
    const model = known ?? id;
    models.set(ranker, model);
    waiting.set(id, { resolve, reject });
    const wasm = new URL("pocketrank_bg.wasm", import.meta.url).href;
    worker.postMessage({ ...job, id, model, wasm, snapshot: known === undefined ? snapshot : undefined } satisfies Task);
  });
}
