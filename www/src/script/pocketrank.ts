/**
 * The browser script's facade: consent, profile, ranker and events of one page, behind `window.pocketrank`.
 *
 * Invariant: each ranker always ranks for the profile as it is now; whoever listens to `change` may rerank at once.
 */
import type { Decision, ExperimentResult } from "../../decide.js";
import type { CandidateItem, Choice, Erased, EventKind, Kept, Slot, Why } from "../../element.js";
import { Consent, type Profile } from "../ranking/api.js";
import { Assets, type Directory, type Source } from "./assets.js";
import { coded } from "../coded.js";
import { readGpc } from "../visitor/consent.js";
import type { Events } from "../events/events.js";
import { got, idsOf } from "../options.js";
import { now, type Ranker } from "../ranking/ranker.js";
import { readLayer, readRetention } from "./tag.js";
import { stated } from "../ranking/scoring.js";
import { Slots } from "../slots/slots.js";
import { Visitor } from "../visitor/visitor.js";

export class Pocketrank extends EventTarget {
  readonly gpc = readGpc();
  readonly Consent = Consent;
  readonly #visitor = new Visitor();
  readonly #assets: Assets;
  readonly #layer: string;
  #events: Promise<Events> | undefined;
  readonly #slots: Slots;
  #isAllowed = false;
  forced: Readonly<Record<string, number>> | undefined;
  /** With the factors on the weights that each has. */
  readonly #rankers = new Map<Ranker, string>();

  private constructor(source: Source, layer: string) {
    super();
    this.#assets = new Assets(source, () => this.#swapped());
    this.#layer = layer;
    this.#slots = new Slots(this, this.#assets);
    this.#visitor.changed = () => this.#changed();
    this.#visitor.leaving = () => this.#assets.leave();
  }

  /**
   * Reads consent and, where it allows that, profile and page.
   * @param script attributes of the script tag: which sources of consent there are, how the data layer is called
   */
  static async start(source: Source, script: DOMStringMap): Promise<Pocketrank> {
    const pocketrank = new Pocketrank(source, readLayer(script));
    pocketrank.#visitor.days = readRetention(script);
    pocketrank.#visitor.gpcOverride = script.gpcOverride !== undefined;
    if (script.consent !== undefined) await pocketrank.#listen(script);
    await pocketrank.#visitor.refresh();
    await pocketrank.#readPage();
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

  async setConsent(choice: Choice): Promise<void> {
    await this.#visitor.setConsent(choice);
    await this.#readPage();
  }

  async erase(): Promise<Erased[]> {
    await this.#visitor.withdraw();
    const { prove } = await import("../visitor/privacy.js");
    return prove();
  }

  async record(kind: EventKind, items: string[]): Promise<void> {
    if (!Array.isArray(items)) throw coded("invalid_option", `record: \`items\` must be an array of ids; it is ${got(items)}`);
    await this.#visitor.record(kind, idsOf(items));
  }

  async export(): Promise<Kept> {
    const { describe } = await import("../visitor/privacy.js");
    return describe(this.#visitor, this.gpc);
  }

  async import(kept: string | Kept): Promise<void> {
    const { readProfile } = await import("../visitor/privacy.js");
    await this.#visitor.take(readProfile(kept));
  }

  async ranker(list?: string): Promise<Ranker> {
    const ranker = await this.#assets.ranker(list);
    if (!this.#rankers.has(ranker)) this.set(ranker, undefined);
    return ranker;
  }

  slot(slot: HTMLElement): Promise<Slot> {
    return this.#slots.find(slot);
  }

  async why(slot: HTMLElement, items?: string[]): Promise<Why[]> {
    const { why } = await import("../slots/why.js");
    return why(this, slot, items);
  }

  /** @internal */
  set(ranker: Ranker, blend: Decision["blend"]): void {
    const factors = JSON.stringify(blend ?? {});
    const before = this.#rankers.get(ranker);
    if (before === factors) return;
    if (before ?? blend) ranker.setBlend(blend);
    this.#rankers.set(ranker, factors);
    this.#setProfile(ranker, blend);
  }

  #setProfile(ranker: Ranker, blend: Decision["blend"]): void {
    const at = now();
    ranker.setProfile(this.profile, at);
    stated(ranker, () => ({ mode: this.mode, profile: this.#visitor.encoded, at, blend }));
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

  /** Reads what the page says of the visit, by a module that is loaded when the visitor first agrees; without a yes, stops that. */
  async #readPage(): Promise<void> {
    const isAllowed = () => this.mode !== "contextual";
    if (!this.#events && !isAllowed()) return;
    const record = (kind: EventKind, items: string[]) => this.#visitor.record(kind, items);
    this.#events ??= import("../events/events.js").then(({ Events }) => new Events(record, isAllowed, this.#layer));
    try {
      const events = await this.#events;
      if (isAllowed()) events.readPage();
      else events.reset();
    } catch (error) {
      this.#events = undefined;
      console.warn("pocketrank: what the page says of the visit is not recorded", error);
    }
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

  async #listen(script: DOMStringMap): Promise<void> {
    const { grants, listen } = await import("../visitor/sources.js");
    this.#visitor.lasting = grants(script) === "persistent";
    listen(script, (source, answer) => void this.#visitor.answer(source, answer));
  }

  #changed(): void {
    // After a yes, whoever has it from the visitor, the page is read anew.
    const isAllowed = this.mode !== "contextual";
    const before = this.#isAllowed;
    this.#isAllowed = isAllowed;
    if (isAllowed !== before) void this.#readPage();
    this.#assets.follow(this.mode);
    for (const [ranker, factors] of this.#rankers) this.#setProfile(ranker, JSON.parse(factors) as Decision["blend"]);
    this.dispatchEvent(new Event("change"));
  }
}
