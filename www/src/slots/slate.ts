/**
 * A slot's slate on the page: its cards, made by its template or the shop's own, in the order that is right for the visitor.
 *
 * Invariant: a card that was seen stays where it is, unless the visitor turns it down or the page leaves it out. One that was not gives its place to another: a new one of the same size where a template
 * makes them, another of the shop's own where it does not, and those are neither made nor removed. If anything fails, what is there stays.
 */
import type { Candidates } from "../../index.js";
import type { Pocketrank, Slot } from "../../element.js";
import { itemHash } from "../ranking/api.js";
import { cardOf, cardsOf, excludedFrom, isTemplated, itemOf, ownOf } from "./card.js";
import type { Cards } from "./cards.js";
import type { moving as Moving } from "./moves.js";
import { below, near } from "./near.js";
import { rank } from "../ranking/scoring.js";
import { Seen } from "./seen.js";
import { turn as ownTask } from "./turn.js";

/** As at the edge. */
const MAX_COUNT = 48;
/** What a page may change of a slot or a card to show something else in it. */
const SAYS = ["data-item", "data-pocketrank-slot", "data-pocketrank-candidates", "data-pocketrank-count", "data-pocketrank-template"];
/** Says that a slot has nothing to show and has given its room back. */
const BLANK = "data-pocketrank-blank";
/** What asks why a card is there. */
const WHY = ".pr-why-button, [data-pocketrank-why]";

interface Model {
  pocketrank: Pocketrank;
  slot: Slot;
  candidates: Candidates;
  /** Where the cards are made by a template. */
  cards: Cards | undefined;
  /** Shows where they went, where that is wanted. */
  moving: typeof Moving | undefined;
}

/** In the place of a card, or at the end, comes another one, or nothing. */
interface Change {
  card: HTMLElement | undefined;
  next: HTMLElement | undefined;
}

/** What a slot that is more than a list does with its cards, each time that they stand as they are to. */
export type Dress = (cards: HTMLElement[]) => void;

/** Hashes of the items that the visitor asked not to see. */
function dismissedBy({ profile }: Pocketrank): Set<string> {
  return new Set(profile.events().flatMap(({ item, kind }) => (kind === "dismiss" ? [item] : [])));
}

function isMotionWanted(): boolean {
  return "startViewTransition" in document && !matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** Settles when the page has all its elements: a script may come before them. */
async function parsed(): Promise<void> {
  if (document.readyState === "loading") await new Promise((resolve) => document.addEventListener("DOMContentLoaded", resolve, { once: true }));
}

export class Slate {
  readonly #slot: HTMLElement;
  readonly #dress: Dress | undefined;
  readonly #seen = new Seen();
  /** The cards that are known, and what the template's were like before anything was added to them. */
  readonly #known = new WeakMap<Element, Node | undefined>();
  readonly #others = new MutationObserver((records) => this.#changedByOthers(records));
  /** What is left out has changed, or a script has said that there is nothing: what is asked for then does not tell which. */
  readonly #wishes = new MutationObserver(() => {
    // The edge has filled it as it was.
    delete this.#slot.dataset.pocketrankBy;
    this.#again();
  });
  #model: Model | undefined;
  #turn = 0;
  /** The cards as they were last left. */
  #left: HTMLElement[] = [];
  /** Whether the page has put its own cards into another order since. */
  #isTheirs = false;
  /** Hashes of what the visitor has turned down, as the slate was ranked last. */
  #dismissed = new Set<string>();
  /** Indexes of the list's items, the best first. */
  #ranked: number[] = [];
  #again: () => void = () => undefined;
  /** Settles when the slot is worth a model. */
  #due: Promise<void> | undefined;

  constructor(slot: HTMLElement, dress?: Dress) {
    this.#slot = slot;
    this.#dress = dress;
  }

  get shown(): { id: string; seen: boolean }[] {
    return cardsOf(this.#slot).map((card) => ({ id: itemOf(card), seen: this.#seen.has(card) }));
  }

  /** Begins; settles when the slot was reranked for the first time, or needs none. */
  async start(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#stop(), { once: true });
    this.#seen.listen(this.#slot, signal);
    this.#slot.addEventListener("click", (event) => this.#click(event), { signal });
    this.#wishes.observe(this.#slot, { attributeFilter: ["data-pocketrank-exclude"] });
    await ownTask();
    if (signal.aborted) return;
    this.#settle();
    this.#others.observe(this.#slot, { childList: true, subtree: true, attributeFilter: SAYS });
    const [pocketrank] = await Promise.all([window.pocketrank?.catch(() => undefined), parsed()]);
    if (signal.aborted) return;
    if (!pocketrank) return void this.#fold();
    this.#again = () => void this.#continue(pocketrank, signal);
    pocketrank.addEventListener("change", this.#again, { signal });
    window.addEventListener("pageshow", ({ persisted }) => persisted && this.#reveal(), { signal });
    await this.#continue(pocketrank, signal);
  }

  #stop(): void {
    this.#seen.stop();
    this.#others.disconnect();
    this.#wishes.disconnect();
    this.#model?.candidates.free();
    this.#model = this.#due = undefined;
  }

  /** Reranks. For a visitor of whom nothing may be known the edge's slate is right already, and so is the shop's own order. */
  async #continue(pocketrank: Pocketrank, signal: AbortSignal): Promise<void> {
    const { pocketrankBy: by, pocketrankSlot: name } = this.#slot.dataset;
    const isRight = () => {
      if (this.#isTheirs) return true;
      if (pocketrank.mode !== "contextual" || pocketrank.forced || this.#model) return false;
      // The edge does not know what a script leaves out.
      return !isTemplated(this.#slot) || (by === "edge" && cardsOf(this.#slot).every((card) => !excludedFrom(this.#slot).has(itemOf(card))));
    };
    if (isRight()) return;
    let isLate = () => signal.aborted;
    try {
      await (this.#due ??= near(this.#slot, signal));
      const turn = (this.#turn += 1);
      isLate = () => signal.aborted || turn !== this.#turn;
      if (isLate() || isRight()) return;
      const isMade = isTemplated(this.#slot);
      const [slot, made, moves] = await Promise.all([
        pocketrank.slot(this.#slot),
        isMade ? import("./cards.js") : undefined,
        isMotionWanted() ? import("./moves.js") : undefined,
      ]);
      await ownTask();
      // What was asked for later holds.
      if (isLate()) return;
      const { ranker, items } = slot;
      if (this.#model?.slot.ranker !== ranker || this.#model.slot.items !== items) {
        const cards = made && new made.Cards(this.#slot, slot);
        this.#model?.candidates.free();
        this.#model = { pocketrank, slot, candidates: ranker.candidates(items), cards, moving: undefined };
      }
      this.#model.slot = slot;
      this.#model.moving = moves?.moving;
      await this.#rerank(this.#model, isLate);
    } catch (error) {
      if (isLate()) return;
      console.warn(`pocketrank: slot ${name} keeps its cards`, error);
      void this.#fold();
    }
  }

  /** Gives the room of a slot back that has come to nothing, once that moves nothing in view. */
  async #fold(): Promise<void> {
    const isBlank = () => isTemplated(this.#slot) && cardsOf(this.#slot).length === 0;
    if (isBlank() === this.#slot.hasAttribute(BLANK)) return;
    await below(this.#slot);
    this.#slot.toggleAttribute(BLANK, isBlank());
  }

  async #rerank(model: Model, isLate: () => boolean): Promise<void> {
    const { pocketrank, slot, candidates, cards } = model;
    const { ranker, items, diversity, shifts } = slot;
    const dismissed = (this.#dismissed = dismissedBy(pocketrank));
    const count = cards ? this.#count + dismissed.size : items.length;
    const isKnown = cards || (pocketrank.mode !== "contextual" && pocketrank.profile.length > 0);
    const ranked = isKnown ? await rank(ranker, candidates, items, () => ({ count, diversity, shifts: shifts(candidates) })) : [];
    // To make cards takes as long again.
    await ownTask();
    const isEmpty = cards && cardsOf(this.#slot).length === 0;
    if (isEmpty && this.#slot.hasAttribute(BLANK)) await below(this.#slot);
    if (isLate()) return;
    // Meanwhile others may have had a turn with the ranker: templates say why by this slot's weights.
    shifts(candidates);
    this.#ranked = ranked.map(({ index }) => index).filter((index) => !this.#isDismissed(items[index]?.id));
    if (isEmpty) {
      this.#slot.removeAttribute(BLANK);
      this.#slot.replaceChildren(cards.all(slot.template, this.#count));
    }
    this.#settle();
    const changes = this.#changes(model);
    const { marked } = this.#seen;
    // Between the first picture of a transition and the change more may have been seen, or another slate has come.
    const change = () => (isLate() ? [] : this.#apply(marked === this.#seen.marked ? changes : this.#changes(model)));
    if (isEmpty || !model.moving) change();
    else if (changes.length > 0) await model.moving(changes.flatMap(({ card }) => card ?? []), change);
    if (isLate()) return;
    void this.#fold();
    this.#slot.dispatchEvent(new CustomEvent("pocketrank:slate", { bubbles: true, detail: { items: cardsOf(this.#slot).map(itemOf) } }));
  }

  #isDismissed(id = ""): boolean {
    return this.#dismissed.size > 0 && this.#dismissed.has(itemHash(id));
  }

  /** Whether a card is to stay where it is: one that was seen, unless it is not wanted there any more, though the pointer be on it again. */
  #stays(card: HTMLElement): boolean {
    return this.#seen.has(card) && !this.#isDismissed(itemOf(card)) && !excludedFrom(this.#slot).has(itemOf(card));
  }

  get #count(): number {
    return Math.min(Number(this.#slot.dataset.pocketrankCount ?? 12), MAX_COUNT);
  }

  #changes(model: Model): Change[] {
    const changes = model.cards ? this.#changesOfTemplate(model, model.cards) : this.#changesOfOwn();
    return changes.filter(({ card, next }) => card !== next);
  }

  /** Cards that the template makes, where they are not what stands there. */
  #changesOfTemplate({ slot: { items, template } }: Model, cards: Cards): Change[] {
    const there = cardsOf(this.#slot);
    const stay = new Set(there.filter((card) => this.#stays(card)).map(itemOf));
    const next = this.#ranked.filter((index) => !stay.has(items[index]?.id ?? ""));
    const count = this.#count;
    return Array.from({ length: count }, (_, place) => {
      const card = there[place];
      if (card && this.#stays(card)) return { card, next: card };
      const index = next.shift();
      const made = index === undefined ? undefined : cards.card(index, template, place, count);
      return { card, next: made && card && this.#known.get(card)?.isEqualNode(made) ? card : made };
    });
  }

  /** The shop's own cards, those that nothing speaks for after the others and in their order. */
  #changesOfOwn(): Change[] {
    const { cards } = ownOf(this.#slot);
    const ranked = this.#ranked.flatMap((index) => cards[index] ?? []);
    const next = [...new Set([...ranked, ...cards])].filter((card) => !this.#stays(card));
    return cardsOf(this.#slot).map((card) => ({ card, next: this.#stays(card) ? card : next.shift() }));
  }

  /** Gives the cards that came. */
  #apply(changes: Change[]): HTMLElement[] {
    const track = this.#slot.querySelector(".pr-track") ?? this.#slot;
    // A card that the visitor has turned down goes with the focus on it.
    const focused = changes.find(({ card }) => card?.contains(document.activeElement));
    // Marks hold the places, for a card may go to where another one was.
    const marks = changes.map(({ card }) => {
      const mark = new Comment();
      if (card) card.replaceWith(mark);
      else track.append(mark);
      return mark;
    });
    for (const [at, { next }] of changes.entries()) marks[at]?.replaceWith(...(next ? [next] : []));
    for (const { card } of changes) if (card && !card.isConnected) this.#seen.unwatch(card);
    this.#settle();
    if (focused) (focused.next ?? cardsOf(this.#slot).at(-1))?.querySelector<HTMLElement>("button, a")?.focus({ preventScroll: true });
    return changes.flatMap(({ next }) => next ?? []);
  }

  /** Takes cards in that are new here, and notes how all of them stand. */
  #settle(): void {
    const cards = cardsOf(this.#slot);
    const isMade = isTemplated(this.#slot);
    for (const card of cards) {
      if (!this.#known.has(card)) {
        this.#known.set(card, isMade ? card.cloneNode(true) : undefined);
        this.#seen.meet(card);
      }
      this.#seen.watch(card);
    }
    this.#dress?.(cards);
    this.#left = cards;
    this.#others.takeRecords();
  }

  /** The page itself has put other cards here, or other items into them: they are ranked too. One that only orders its own anew has its way. */
  #changedByOthers(records: MutationRecord[]): void {
    const before = this.#left;
    const there = cardsOf(this.#slot);
    const changed = new Set<Node>(records.flatMap(({ type, target }) => (type === "attributes" ? target : [])));
    const isOther = changed.has(this.#slot);
    // The edge has filled it as it was.
    if (isOther) delete this.#slot.dataset.pocketrankBy;
    // What was seen is not what is there now.
    for (const card of there) {
      if (!isOther && !changed.has(card)) continue;
      this.#known.set(card, undefined);
      this.#seen.unwatch(card);
      this.#seen.release(card);
    }
    this.#settle();
    const known = new Set(before);
    if (changed.size > 0 || there.length !== known.size || !there.every((card) => known.has(card))) {
      this.#isTheirs = false;
      this.#again();
    } else if (!isTemplated(this.#slot) && there.some((card, at) => card !== before[at])) this.#isTheirs = true;
  }

  /** The page was left and has come back: what is in view is to be seen anew. */
  #reveal(): void {
    for (const card of cardsOf(this.#slot)) {
      this.#seen.release(card);
      this.#seen.watch(card);
    }
  }

  #click({ target }: Event): void {
    const button = target instanceof Element ? target.closest<HTMLElement>(WHY) : null;
    const card = cardOf(button, this.#slot);
    if (!button || !card) return;
    // A card that the visitor does not want may go.
    void this.#explain(button, card);
  }

  async #explain(button: HTMLElement, card: HTMLElement): Promise<void> {
    try {
      const { showWhy } = await import("./why.js");
      await showWhy(button, card);
    } catch (error) {
      console.warn("pocketrank: why a card is there cannot be said", error);
    }
  }
}
