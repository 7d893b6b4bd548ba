/**
 * What a slot of the page shows: its own list by the usual model, or what experiments and rules of the snapshot make of it.
 *
 * Invariant: it is what the edge makes of the same page and profile. Which lists are asked for follows from page and snapshot, not from the
 * profile: those that anybody may get are fetched for everybody. What decides is loaded only where the snapshot has something to decide.
 */
import type { Decision, Decisions, ExperimentResult } from "../../decide.js";
import type { CandidateItem, Slot } from "../../element.js";
import type { Profile } from "../ranking/api.js";
import type { Assets } from "../script/assets.js";
import { isTemplated, leftOf, ownOf } from "./card.js";
import { now, type Ranker } from "../ranking/ranker.js";

/** What it needs of the page. */
interface Page {
  readonly profile: Profile;
  /** Variations that hold whatever the lot says. */
  readonly forced: Readonly<Record<string, number>> | undefined;
  /** Keeps what was assigned. */
  keep(draw: Uint8Array): void;
  /** Has a ranker rank for the profile, with weights multiplied by these factors. */
  set(ranker: Ranker, blend: Decision["blend"]): void;
  /** Is told of what analytics counts. */
  assigned(assignment: ExperimentResult): void;
}

export class Slots {
  readonly #page: Page;
  readonly #assets: Assets;
  /** By rankers of the usual model. */
  readonly #decisions = new WeakMap<Ranker, Promise<Decisions | undefined>>();
  readonly #reported = new Set<string>();
  /** The lot and the arms that were told. */
  readonly #told = new Set<string>();

  constructor(page: Page, assets: Assets) {
    this.#page = page;
    this.#assets = assets;
  }

  async find(element: HTMLElement): Promise<Slot> {
    const slot = element.dataset;
    const own = slot.pocketrankCandidates ?? "";
    // What the shop's own cards show is all that there is to rank.
    const shown = isTemplated(element) ? undefined : ownOf(element).items;
    const usual = await this.#assets.deciding(own);
    const decisions = await this.#of(usual);
    const name = slot.pocketrankSlot ?? "";
    if (decisions && !shown) for (const list of [own, ...decisions.lists(name)]) void this.#fetch(list).catch(() => undefined);
    const attributes = decisions && (await attributesOf(slot));
    const decide = () => decisions?.make(name, { attributes, profile: this.#page.profile, forcedVariations: this.#page.forced });
    const listOf = (decision: Decision | undefined) => (shown ? own : (decision?.list ?? own));
    const decision = decide();
    const model = decision?.model;
    const list = listOf(decision);
    const [ranker, items] = await this.#load(list, model, slot, shown);
    // Meanwhile the visitor may have become another one.
    const then = decide();
    if (then?.model !== model || listOf(then) !== list) return this.find(element);
    if (then) this.#keep(then);
    const { template = slot.pocketrankTemplate, diversity, blend, rules = [] } = then ?? {};
    this.#page.set(ranker, blend);
    const has = decisions !== undefined && rules.length > 0;
    // Slots share rankers, and take turns: since then another may have had its weights set.
    const turn = () => this.#page.set(ranker, blend);
    return {
      ranker,
      items: leftOf(element, items),
      template,
      diversity,
      blend,
      usual,
      attributes,
      shifts: (candidates) => {
        turn();
        return has ? decisions.moves(rules, ranker, candidates) : undefined;
      },
      effects: (row) => {
        turn();
        return has ? decisions.effects(rules, ranker, row) : [];
      },
    };
  }

  /** Model and list. What is named and cannot be had is as if it were not named, and is reported, as at the edge. */
  async #load(list: string, model: string | undefined, slot: DOMStringMap, shown: CandidateItem[] | undefined): Promise<[Ranker, CandidateItem[]]> {
    const own = slot.pocketrankCandidates ?? "";
    const items = (list: string) => shown ?? this.#assets.candidates(list);
    try {
      return await Promise.all([model === undefined ? this.#assets.ranker(list) : this.#assets.model(model), items(list)]);
    } catch (error) {
      // The edge may well have had it: what it has ranked by another model is not ranked by the usual one.
      if ((model === undefined && list === own) || slot.pocketrankBy === "edge") throw error;
      this.#report(`pocketrank: slot ${slot.pocketrankSlot} gets what the page says: ${String(error)}`);
      return Promise.all([this.#assets.ranker(own), items(own)]);
    }
  }

  /** What decides by a snapshot, if it has anything to decide. */
  #of(ranker: Ranker): Promise<Decisions | undefined> {
    const known = this.#decisions.get(ranker) ?? this.#open(ranker);
    this.#decisions.set(ranker, known);
    // What could not be loaded is tried again.
    known.catch(() => this.#decisions.delete(ranker));
    return known;
  }

  async #open(ranker: Ranker): Promise<Decisions | undefined> {
    if (ranker.experiments.length + ranker.rules.length === 0) return undefined;
    const { Decisions, init } = await import("../decide.js");
    await init();
    // A page's own model lacks what is in no list of the page.
    return new Decisions(ranker, (text) => this.#report(text), !this.#assets.isCarried(ranker));
  }

  #report(text: string): void {
    if (!this.#reported.has(text)) console.warn(text);
    this.#reported.add(text);
  }

  #fetch(list: string): Promise<unknown> {
    return Promise.all([this.#assets.ranker(list), this.#assets.candidates(list)]);
  }

  #keep({ assignments, draw }: Decision): void {
    this.#page.keep(draw);
    for (const assignment of assignments) {
      const key = [...draw.subarray(0, 2), assignment.experiment, assignment.key].join("\n");
      if (this.#told.has(key)) continue;
      this.#told.add(key);
      this.#page.assigned(assignment);
    }
  }
}

/** What conditions ask of the page: as the edge has put it on the slot, or the same from what the browser knows. */
async function attributesOf(slot: DOMStringMap): Promise<Record<string, unknown>> {
  try {
    const said: unknown = JSON.parse(slot.pocketrankPage ?? "null");
    if (typeof said === "object" && said !== null) return said as Record<string, unknown>;
  } catch (error) {
    console.warn("pocketrank: data-pocketrank-page is no JSON, and is not used", error);
  }
  const { pageAttributes } = await import("../decide.js");
  const { mobile } = navigator.userAgentData ?? {};
  return pageAttributes({
    url: location.href,
    referrer: document.referrer,
    userAgent: navigator.userAgent,
    mobile: mobile === undefined ? "" : mobile ? "?1" : "?0",
    now: now(),
    utcOffset: -new Date().getTimezoneOffset(),
  });
}

declare global {
  interface Navigator {
    /** https://wicg.github.io/ua-client-hints/; absent where the browser does not have it. */
    readonly userAgentData?: { readonly mobile: boolean };
  }
}
