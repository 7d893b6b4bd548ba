/**
 * Following an origin: does what the plan says, one round after the other, and has in use what the last swap gave.
 *
 * Invariant: snapshot and files in use are those of one manifest, and never of an older one than before. Rounds come one after the other, in
 * this host and among all that share the storage; what is stored is in use before the first.
 */
import type { WasmSource } from "../../index.js";
import type { Following, Options } from "../../sync.js";
import { checked, FLAG } from "../options.js";
import { ask, type Asking } from "./fetch.js";
import { Plan, load, sha256, type Answer, type File, type Held, type Release, type Report, type Request, type Settings } from "./plan.js";
import { Shelf } from "./shelf.js";
import { Memory, type Said, type Storage } from "./storage.js";

/** What hosts differ in. */
export interface Host {
  wasm: () => WasmSource;
  asking: Asking;
  /** The storage of that name. */
  storage: (name: string) => Storage;
}

const NOTHING: Held = { manifest: undefined, blobs: [], checked: undefined };
/** The longest time of a timer, in milliseconds. */
const LONGEST = 2 ** 31 - 1;
/** How long a file that is fetched when it is asked for may take, in milliseconds, beside 1 s for each 8 kB. */
const SLOWEST = 8;

const TEXT = ["a text", (value: unknown) => typeof value === "string"] as const;
const NUMBER = ["a number from 0 on", (value: unknown) => typeof value === "number" && value >= 0] as const;
const ANY = ["", () => true] as const;
/** What options must be where something else would be taken for a wish. */
const FOLLOWING = {
  audience: TEXT,
  keys: ["as `pocketrank keys` prints them", (keys: unknown) => Array.isArray(keys) && /^([\da-f]{64},?)+$/i.test(String(keys))],
  open: ["a function", (value: unknown) => typeof value === "function"],
  storage: TEXT,
  embedded: ANY,
  files: ["an array", Array.isArray],
  deltas: FLAG,
  interval: NUMBER,
  maxBackoff: NUMBER,
  timeout: NUMBER,
  onReport: ANY,
  signal: ANY,
  wasm: ANY,
} as const;

/** Makes an entry's `follow`. */
export function follower(host: Host): <R>(url: string | URL, options: Options<R>) => Promise<Following<R>> {
  return async (url, options) => {
    checked(Object.assign({ audience: null, keys: null, open: null }, options), FOLLOWING);
    const storage = options.storage === undefined ? new Memory() : host.storage(options.storage);
    await load(() => options.wasm ?? host.wasm());
    const base = new URL(url, globalThis.document?.baseURI);
    const models = new Models(base, options, host.asking, storage);
    try {
      await models.begin();
    } catch (error) {
      await models.stop();
      throw error;
    }
    return models;
  };
}

class Models<R> extends EventTarget implements Following<R> {
  ranker: R | undefined;
  readonly #base: URL;
  readonly #options: Options<R>;
  readonly #settings: Settings;
  readonly #asking: Asking;
  readonly #shelf: Shelf;
  readonly #stop = new AbortController();
  #others: ReturnType<Shelf["listen"]>;
  #plan: Plan | undefined;
  #release: Release | undefined;
  /** Id of the snapshot that the ranker was opened with. */
  #opened: string | undefined;
  /** What was last seen in the storage. */
  #held: Held = NOTHING;
  /** Whether the last swap brought something else than what was in use. */
  #isNews = false;
  /** What did not have the bytes that it should: caches are passed by. */
  readonly #spoilt = new Set<string>();
  /** Others asked, and ask again then. */
  #notBefore = 0;
  #wake: () => void = () => undefined;
  #ended: Promise<void> = Promise.resolve();
  #round = deferred();

  constructor(base: URL, options: Options<R>, asking: Asking, storage: Storage) {
    super();
    this.#base = base;
    this.#options = options;
    this.#asking = asking;
    this.#shelf = new Shelf(storage, this.#stop.signal, (report) => this.#report(report));
    this.#settings = {
      audience: options.audience,
      keys: options.keys,
      sequence: options.embedded?.sequence ?? 0,
      embedded: options.embedded?.snapshot,
      files: options.files ?? [""],
      deltas: options.deltas ?? true,
      interval: options.interval ?? 3_600,
      maxBackoff: options.maxBackoff ?? 3_600,
      timeout: options.timeout ?? 10_000,
    };
  }

  get sequence(): number | undefined {
    return this.#release?.sequence;
  }

  get snapshot(): string | undefined {
    return this.#opened;
  }

  get files(): string[] {
    return [...(this.#release?.files.keys() ?? [])];
  }

  /** Takes what is there into use, and begins to ask. Settles when something is in use, or the first round came to nothing. */
  async begin(): Promise<void> {
    const { embedded, signal } = this.#options;
    signal?.throwIfAborted();
    signal?.addEventListener("abort", () => void this.stop(), { once: true });
    const plan = await this.#renew();
    if (embedded && plan.embedded !== undefined) {
      this.ranker = await this.#options.open(embedded.snapshot);
      this.#opened = plan.embedded;
    }
    await this.#go(plan, false);
    this.#others = this.#shelf.listen((said) => this.#hear(said));
    const first = this.#round.promise;
    this.#ended = this.#run();
    if (this.ranker === undefined) await first;
  }

  async check(): Promise<void> {
    const { promise } = this.#round;
    this.#wake();
    await promise;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake();
    await this.#ended;
    this.#others?.close();
    this.#plan?.free();
    this.#plan = undefined;
  }

  async file(name: string): Promise<Uint8Array | undefined> {
    const file = this.#release?.files.get(name);
    if (!file) return undefined;
    const held = await this.#shelf.read(file.sha256);
    if (held && fits(file, held)) return held;
    // If the plan counted on it, it fetches it again; whoever asks now need not wait for that.
    this.#plan?.lost(file.sha256);
    this.#wake();
    const limit = file.bytes;
    const request: Request = { kind: "file", url: file.url, limit, timeout: this.#settings.timeout + Math.ceil(limit / SLOWEST), etag: "" };
    const answer = await this.#fetch(request);
    if (typeof answer === "object" && "body" in answer && fits(file, answer.body)) return answer.body;
    const status = typeof answer === "object" && "status" in answer ? answer.status : undefined;
    if (status === undefined) this.#spoilt.add(file.url);
    this.#report({ code: status ? "status" : "file_refused", kind: "file", ...(status && { status }), text: `${name} cannot be had` });
    return undefined;
  }

  /** One round after the other until it is stopped. */
  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      let until = 0;
      try {
        until = await this.#shelf.alone(() => this.#ask());
      } catch (error) {
        if (!signal.aborted) this.#report({ code: "ended", text: `following has ended, what is in use stays: ${String(error)}` });
        this.#stop.abort();
      }
      const { settle } = this.#round;
      this.#round = deferred();
      settle();
      if (!signal.aborted) await this.#sleep(until);
    }
    this.#round.settle();
  }

  /** A round, alone: takes over what others stored, and does what is due. When to come again. */
  async #ask(): Promise<number> {
    const before = this.#plan;
    const plan = await this.#renew();
    if (plan === before && Date.now() < this.#notBefore) return this.#notBefore;
    const said = { asked: false, stored: false };
    const until = await this.#go(plan, true, said);
    if (said.asked) this.#others?.say({ stored: said.stored, until });
    return until;
  }

  #hear({ stored, until }: Said): void {
    this.#notBefore = until;
    if (stored) this.#wake();
  }

  /** Until that time, or until it is woken. */
  #sleep(until: number): Promise<void> {
    return new Promise((resolve) => {
      const wait = Math.max(until, this.#notBefore) - Date.now();
      const timer = setTimeout(resolve, Math.min(Math.max(wait, 0), LONGEST));
      // In Node it is a thing that the process need not live for.
      if (typeof timer === "object") (timer as { unref(): void }).unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** The plan that goes on from what is stored: another one where somebody else has changed that. */
  async #renew(): Promise<Plan> {
    const held = await this.#shelf.held();
    if (this.#plan && (!held || isSame(held, this.#held))) return this.#plan;
    // What could not be stored is newer than what is: there is no way back to that, nor to the keys before those that it names.
    const before = this.#plan?.accepted();
    const sequence = Math.max(this.#settings.sequence, before?.sequence ?? 0);
    this.#held = held ?? NOTHING;
    this.#plan?.free();
    const settings = { ...this.#settings, sequence };
    this.#plan = new Plan(settings, this.#held);
    if (before && !this.#plan.accepted()) {
      this.#tell(this.#plan);
      this.#plan.free();
      this.#plan = new Plan(settings, { ...this.#held, manifest: before.manifest, checked: undefined });
    }
    return this.#plan;
  }

  /** Does one step after the other until there is nothing to do; those that ask or write only with `all`. When to come again. */
  async #go(plan: Plan, all: boolean, said: { asked: boolean; stored: boolean } = { asked: false, stored: false }): Promise<number> {
    for (;;) {
      this.#stop.signal.throwIfAborted();
      const step = plan.next();
      this.#tell(plan);
      if (step.do === "wait") return step.until;
      if (!all && step.do !== "load" && step.do !== "swap") return 0;
      if (step.do === "load") {
        const body = await this.#shelf.read(step.sha256);
        plan.answer(body ? { body } : "not_stored");
      } else if (step.do === "swap") {
        await this.#swap(plan, step.release);
      } else if (step.do === "fetch") {
        said.asked = true;
        const answer = await this.#fetch(step.request);
        this.#stop.signal.throwIfAborted();
        plan.answer(answer);
        if (this.#tell(plan).some(({ code }) => code.endsWith("_refused"))) this.#spoilt.add(step.request.url);
        else this.#spoilt.delete(step.request.url);
      } else if (step.do === "apply") {
        plan.apply(await this.#using(plan));
      } else if (step.do === "store") {
        plan.answer((await this.#shelf.write(step.sha256, step.bytes)) ? "done" : "not_stored");
      } else if (step.do === "commit") {
        said.stored = await this.#shelf.commit(step.bytes);
        if (said.stored) this.#held = { ...this.#held, manifest: step.bytes };
        plan.answer(said.stored ? "done" : "not_stored");
      } else {
        await this.#shelf.keep(new Set(step.keep));
        plan.answer("done");
      }
      this.#tell(plan);
      const { checked } = plan;
      if (all && checked !== undefined && checked !== this.#held.checked && (await this.#shelf.check(checked))) this.#held = { ...this.#held, checked };
    }
  }

  #fetch(request: Request): Promise<Answer> {
    return ask(this.#base, request, this.#asking, this.#spoilt.has(request.url), this.#stop.signal);
  }

  /** Bytes of the snapshot in use; none where the storage has lost them, which no delta applies to. */
  async #using(plan: Plan): Promise<Uint8Array> {
    const embedded = this.#settings.embedded;
    const release = this.#release;
    if (embedded && (!release || release.snapshot === plan.embedded)) return embedded;
    return (release && (await this.#shelf.read(release.sha256))) ?? new Uint8Array();
  }

  async #swap(plan: Plan, release: Release): Promise<void> {
    this.#isNews = release.sequence !== this.#release?.sequence;
    if (release.snapshot !== this.#opened) {
      const bytes = plan.snapshot() ?? (await this.#shelf.read(release.sha256));
      try {
        if (bytes) {
          this.ranker = await this.#options.open(bytes);
          this.#opened = release.snapshot;
        }
      } catch (error) {
        this.#report({ code: "not_opened", kind: "snapshot", text: String(error) });
      }
    }
    this.#stop.signal.throwIfAborted();
    this.#release = release;
    plan.answer("done");
    if (this.#isNews) this.dispatchEvent(new Event("swap"));
  }

  /** Passes the plan's reports on. A plan that was made anew, because others have stored something, tells again what is known. */
  #tell(plan: Plan): Report[] {
    const reports = plan.reports().filter(({ code }) => code !== "updated" || this.#isNews);
    for (const report of reports) this.#report(report);
    return reports;
  }

  #report(report: Report): void {
    this.#options.onReport?.(report);
  }
}

function deferred(): { promise: Promise<void>; settle: () => void } {
  let settle: () => void = () => undefined;
  const promise = new Promise<void>((resolve) => (settle = resolve));
  return { promise, settle };
}

function fits(file: File, bytes: Uint8Array): boolean {
  return bytes.length === file.bytes && sha256(bytes) === file.sha256;
}

/** Whether nobody else has stored anything between those two. */
function isSame(one: Held, other: Held): boolean {
  const [a, b] = [one.manifest, other.manifest];
  return one.checked === other.checked && a?.length === b?.length && (a?.every((byte, at) => byte === b?.[at]) ?? true);
}
