/**
 * The browser script: `<pocketrank-carousel>`, the visitor's consent and profile, and the events of the page.
 *
 * ```html
 * <script type="module" src="/pocketrank/pocketrank.js" data-manifest="/pocketrank/manifest.pkrm"
 *   data-audience="shop.example/production" data-keys="9f..."></script>
 * ```
 *
 * `data-audience` and `data-keys` (public keys, blanks between) say whose manifests are trusted; `sync.js` and its wasm lie beside the script,
 * as do `events.js`, `sources.js` and `privacy.js`. `data-layer` names the page's data layer, if it is not `dataLayer` (docs/EVENTS.md). `data-consent`
 * names sources of consent, any of `tcf`, `gpp` and `consent-mode`; with `data-gpc-override` what the visitor chooses while the browser sends Global
 * Privacy Control holds against that (docs/CONSENT.md). `data-retention-days` says for how many days is kept what the visitor did, from 1 to 365, 365 if
 * not given (docs/PRIVACY.md). `data-offline` names a Service Worker of the shop's, for visits
 * without a network (docs/BROWSER.md). Words for visitors that are not to be English are in the page (docs/WORDS.md).
 *
 * The same promise is `window.pocketrank`.
 */
import type { Effect, ExperimentResult } from "./decide.js";
import type { CandidateItem, Candidates, Choice, Consent, EventKind, HeldProfile, Mode, PartName, Profile, Ranker } from "./index.js";

export type { Effect, ExperimentResult } from "./decide.js";
export type { Aggregate, CandidateItem, Choice, EventKind, Explanation, HeldProfile, Mode, ProfileEvent } from "./index.js";

/**
 * Ready as soon as the runtime is loaded and consent is decided. Rejected where either cannot be, as where an attribute of the script tag is wrong
 * (`invalid_option`) or WebAssembly is refused (`not_initialised`): the page stays as the server sent it, and the console has one warning. Where
 * there is no page, as where a framework renders on its server, importing this does nothing, and the promise is rejected (`not_initialised`).
 */
export const pocketrank: Promise<Pocketrank>;

/** A place on this device, and how many things of ours are in it. */
export interface Erased {
  /** `cookie`, `sessionStorage`, `indexedDB` with the name of a database, `caches` or `service workers`. */
  place: string;
  /** 0 where nothing is. */
  entries: number;
}

/** Everything that is held about the visitor on this device: what they did, the lot and its assignments, and under whose word. */
export interface Kept extends HeldProfile {
  /** What consent allows. */
  mode: Mode;
  /** What the visitor chose, or what a source's yes stands for. */
  choice: Choice | undefined;
  /** Global Privacy Control: `null` where the signal cannot be understood. */
  gpc: boolean | null;
  /** What each source of consent says that the script tag names. */
  sources: Record<string, "yes" | "no" | "not yet" | "does not apply">;
  /** Where something is, and how much. */
  places: Erased[];
  /**
   * Whether something is in those places that is not told here: while a source of consent has not answered, what an earlier page has kept stays
   * unread, and `events` are empty. Say so, and ask once more after the next `change`.
   */
  unread: boolean;
  /** The same once more for {@link Pocketrank.import}: the encoded profile in base64. */
  profile: string | undefined;
}

/** Something that speaks for an item. */
export interface Reason {
  /** A sentence, in the page's words (docs/WORDS.md). */
  text: string;
  /** A part of the item's score, or what a rule of the shop does; `none`, and alone, where nothing speaks for it. */
  because: PartName | "pin" | "boost" | "none";
  /** Its share in all that speaks for the item by the score, up to 1; what is below a tenth is left out. */
  share?: number;
  /** The item of the visitor's history that the sentence names: `text` is `before + name + after`. */
  named?: {
    /** Hash of its id, as in `profile.events()` and `items()`. */
    item: string;
    /** What the visitor did with it. */
    kind: EventKind;
    name: string;
    url: string;
    before: string;
    after: string;
  };
}

/** Why an item stands in a slate. */
export interface Why {
  /** The shop's id. */
  item: string;
  /** At least one: what the shop has decided, then the strongest first. */
  reasons: Reason[];
  /** What was used of the visitor. */
  mode: Mode;
  /** The same as a sentence. */
  note: string;
}

/** What a slot shows. */
export interface Slot {
  /**
   * Ranks for the visitor, with the weights that an arm of an experiment may have changed. Slots share rankers: {@link Slot.shifts} and
   * {@link Slot.effects} give it this slot's weights, so call one of them before each `rerank` or `explain`.
   */
  ranker: Ranker;
  /** The list; what the page leaves out (`data-pocketrank-exclude`) is out of stock in it. */
  items: CandidateItem[];
  /** The name of the template, if it is not the usual one. */
  template: string | undefined;
  /** How much the items are to differ, if not as usual. */
  diversity: number | undefined;
  /** The factors on the weights that {@link Slot.ranker} has, if an arm gives any. */
  blend: Partial<Record<PartName, number>> | undefined;
  /** The ranker of the usual model, by whose experiments and rules it was decided. */
  usual: Ranker;
  /** What conditions ask of the page; `undefined` where nothing is to be decided. */
  attributes: Record<string, unknown> | undefined;
  /** What rules do to these candidates of {@link Slot.ranker}, for its `rerank`; `undefined` where no rule applies. */
  shifts(candidates: Candidates): Uint8Array | undefined;
  /** What rules do to a row of {@link Slot.ranker}. */
  effects(row: number): Effect[];
}

/** Fires `change` after each change of consent, profile or models. */
export interface Pocketrank extends EventTarget {
  /** What consent allows now. */
  readonly mode: Mode;
  /** The choice that holds; `undefined` where none was made, or it was no, which is not kept. */
  readonly choice: Choice | undefined;
  /** Global Privacy Control: `null` where the signal cannot be understood. */
  readonly gpc: boolean | null;
  /** The visitor's events; empty without consent. */
  readonly profile: Profile;
  /**
   * Takes the visitor's choice, made by a click of theirs; in every tab at once. A no erases all that is held, and is not kept itself. Where the
   * script tag names sources of consent, a yes holds once they all allow it (docs/CONSENT.md).
   * @throws with code `invalid_option` where it is none; what held before still does then
   */
  setConsent(choice: Choice): Promise<void>;
  /**
   * Takes consent back and erases all that is held, here and in other tabs, then looks everywhere again.
   * @returns every place where it has looked, each with 0 entries
   * @throws with code `not_erased` and what is left
   */
  erase(): Promise<Erased[]>;
  /**
   * Records what the visitor did with items, by the shop's ids; without consent, nothing.
   * @throws with code `invalid_option` where `items` are no array of ids, and, under consent, `unknown_name` for another kind
   */
  record(kind: EventKind, items: string[]): Promise<void>;
  /** Everything that is held on this device, in plain words. */
  export(): Promise<Kept>;
  /**
   * Takes in what {@link Pocketrank.export} has given on another device, or the JSON text of it, beside what is here; the same once more changes
   * nothing. Consent does not come along: the visitor gives it on each device.
   * @throws with code `no_consent` without consent, with `invalid_option` where it is no export, and otherwise with what is wrong with its profile;
   * what is here stays then
   */
  import(kept: string | Kept): Promise<void>;
  /**
   * The ranker with the current snapshot and profile; begins to follow the manifest if that was not needed yet. For a list that the page carries
   * its own model of, the ranker with that, and nothing is fetched: it ranks this list as the whole does, factors apart, and counts what
   * it does not know of the visitor's history as unknown.
   */
  ranker(list?: string): Promise<Ranker>;
  /**
   * What a slot shows to the visitor as they are now, with what experiments and rules make of it; asked anew after each `change`.
   * @param slot an element with `data-pocketrank-slot` and `data-pocketrank-candidates`
   * @throws where it cannot be had: the slot is to stay as it is
   */
  slot(slot: HTMLElement): Promise<Slot>;
  /**
   * Why items stand in a slot, in the words of "Why this?": from the parts of their scores, the visitor's own history and the shop's rules.
   * @param slot as for {@link Pocketrank.slot}
   * @param items the shop's ids; those of the slot's cards if not given
   */
  why(slot: HTMLElement, items?: string[]): Promise<Why[]>;
  /**
   * Numbers of arms by the experiments' keys that hold whatever the lot says, for previews: in memory, for this page view, neither kept nor
   * counted. Slots take them with the next `change`: set it, and dispatch one.
   */
  forced: Readonly<Record<string, number>> | undefined;
  /** The class of the runtime that this page has loaded, as that of {@link Pocketrank.profile} is: for `replay` of `pocketrank/replay`. */
  readonly Consent: typeof Consent;
  /** The items of a candidates list. */
  candidates(list: string): Promise<CandidateItem[]>;
  /** Name and address of the shop's items by the hash of their id; empty where the manifest names no such directory. */
  items(): Promise<ReadonlyMap<string, { name: string; url: string }>>;
}

/**
 * A slot that scrolls and goes on from the slate that it comes with: `<pocketrank-carousel data-pocketrank-slot data-pocketrank-candidates
 * data-pocketrank-count>` with cards in `<ol class="pr-track">`, or with nothing in it. `data-pocketrank-exclude` has ids of items that it
 * is not to show, white space between. `data-pocketrank-template`, `data-pocketrank-visitor` and `data-pocketrank-utc-offset` say how cards are
 * made (docs/TEMPLATES.md). With the shop's own elements with `data-item` in it, those change their places, as they do in any other element with `data-pocketrank-slot` (docs/BROWSER.md).
 */
export interface PocketrankCarousel extends HTMLElement {
  /** The cards as they stand. A card is seen once half of it was in view for a second, or was pointed at or focused. */
  readonly slate: { id: string; seen: boolean }[];
  /** Settles when the slot has been reranked for the first time, or was found to need none. */
  readonly ready: Promise<void>;
  /** Scrolls by a page, forwards (1) or backwards (-1). */
  step(direction: 1 | -1): void;
}

declare global {
  interface Window {
    pocketrank?: Promise<Pocketrank>;
  }
  interface DocumentEventMap {
    /** Half of a card of a slot, the event's target, was in view for a second. */
    "pocketrank:seen": CustomEvent<null>;
    /**
     * The visitor is in an arm of an experiment, by chance: once each that it is found so on a page, for the shop's analytics, as
     * GrowthBook's `trackingCallback`. Nothing is sent by itself.
     */
    "pocketrank:assigned": CustomEvent<ExperimentResult>;
    /** As on the slot. */
    "pocketrank:slate": CustomEvent<{ items: string[] }>;
  }
  interface HTMLElementEventMap {
    /** A slot has the slate that is right for the visitor, in `items` by the shop's ids. It bubbles. */
    "pocketrank:slate": CustomEvent<{ items: string[] }>;
    /** As on the document. */
    "pocketrank:seen": CustomEvent<null>;
  }
  interface HTMLElementTagNameMap {
    "pocketrank-carousel": PocketrankCarousel;
  }
}
