/**
 * The browser script's facade: consent, profile, ranker and events of one page, behind `window.pocketrank`.
 *
 * Invariant: each ranker always ranks for the profile as it is now; whoever listens to `change` may rerank at once.
 */
import type { Decision, ExperimentResult } from "../decide.js";
import type { CandidateItem, Choice, EventKind, Kept, Slot } from "../element.js";
import type { Profile } from "./api.js";
import { Assets, type Directory, type Source } from "./assets.js";
import { readGpc } from "./consent.js";
import { Events } from "./events.js";
import type { Ranker } from "./ranker.js";
import { Slots } from "./slots.js";
import { Visitor } from "./visitor.js";

export class Pocketrank extends EventTarget {
  readonly gpc = readGpc();
  readonly #visitor = new Visitor();
  readonly #assets: Assets;
  readonly #events: Events;
  readonly #slots: Slots;
  /** With the factors on the weights that each has. */
  readonly #rankers = new Map<Ranker, string>();

  private constructor(source: Source) {
    super();
    this.#assets = new Assets(source, () => this.#swapped());
    this.#events = new Events(
      (kind, items) => this.record(kind, items),
      () => this.mode !== "contextual",
    );
    this.#slots = new Slots(this, this.#assets);
    this.#visitor.changed = () => this.#changed();
    this.#visitor.leaving = () => this.#assets.leave();
  }

  /** Reads consent and, where it allows that, profile and page. */
  static async start(source: Source): Promise<Pocketrank> {
    const pocketrank = new Pocketrank(source);
    await pocketrank.#visitor.refresh();
    pocketrank.#events.readPage();
    // A page that comes back from the browser's memory takes what other pages have recorded since.
    window.addEventListener("pageshow", ({ persisted }) => persisted && void pocketrank.#comeBack());
    return pocketrank;
  }

  get mode(): Choice["mode"] {
    return this.#visitor.mode;
  }

  get choice(): Choice | undefined {
    return this.#visitor.choice;
  }

  get profile(): Profile {
    return this.#visitor.profile;
  }

  async choose(choice: Choice): Promise<void> {
    await this.#visitor.choose(choice);
    if (this.mode === "contextual") this.#events.reset();
    else this.#events.readPage();
  }

  async withdraw(): Promise<void> {
    this.#events.reset();
    await this.#visitor.withdraw();
  }

  record(kind: EventKind, items: string[]): Promise<void> {
    return this.#visitor.record(kind, items);
  }

  export(): Kept {
    return this.#visitor.export();
  }

  async ranker(list?: string): Promise<Ranker> {
    const ranker = await this.#assets.ranker(list);
    if (!this.#rankers.has(ranker)) this.set(ranker, undefined);
    return ranker;
  }

  slot(slot: HTMLElement): Promise<Slot> {
    return this.#slots.find(slot.dataset);
  }

  /** @internal */
  set(ranker: Ranker, blend: Decision["blend"]): void {
    const factors = JSON.stringify(blend ?? {});
    const before = this.#rankers.get(ranker);
    if (before === factors) return;
    if (before ?? blend) ranker.setBlend(blend);
    ranker.setProfile(this.profile);
    this.#rankers.set(ranker, factors);
  }

  /** @internal */
  keep(draw: Uint8Array): void {
    void this.#visitor.keep(draw);
  }

  /** @internal */
  assigned(detail: ExperimentResult): void {
    document.dispatchEvent(new CustomEvent("pocketrank:assigned", { detail }));
  }

  candidates(list: string): Promise<CandidateItem[]> {
    return this.#assets.candidates(list);
  }

  items(): Promise<Directory> {
    return this.#assets.directory();
  }

  /** Other models are in use: who ranks asks for them anew. */
  #swapped(): void {
    this.#rankers.clear();
    this.#changed();
  }

  async #comeBack(): Promise<void> {
    await this.#visitor.refresh();
    await this.#assets.wake();
  }

  #changed(): void {
    this.#assets.follow(this.mode);
    for (const ranker of this.#rankers.keys()) ranker.setProfile(this.profile);
    this.dispatchEvent(new Event("change"));
  }
}
