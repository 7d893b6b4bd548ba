/**
 * `<pocketrank-carousel>`: goes on from the cards that the edge or upstream put into a slot.
 *
 * Invariant: a card that was seen stays where it is; one that was not is replaced in its place by a new element of the
 * same size, so nothing moves. If anything fails, the cards that are there stay.
 */
import type { Pocketrank, Slot } from "../element.js";
import type { Candidates } from "../index.js";
import { itemHash } from "./api.js";
import { cardOf, itemOf, makeButton } from "./card.js";
import { nodesOf } from "./nodes.js";
import { Renderer } from "./render.js";
import { showWhy } from "./why.js";

/** How long half of a card is in view before it counts as seen, in milliseconds (as for a viewable impression). */
const SEEN_AFTER = 1000;
/** As at the edge. */
const MAX_COUNT = 48;

interface Model {
  pocketrank: Pocketrank;
  slot: Slot;
  candidates: Candidates;
  renderer: Renderer;
}

/** Hashes of the items that the visitor asked not to see. */
function dismissedBy({ profile }: Pocketrank): Set<string> {
  return new Set(profile.events().flatMap(({ item, kind }) => (kind === "dismiss" ? [item] : [])));
}

export class Carousel extends HTMLElement {
  readonly ready: Promise<void>;
  #settle: () => void = () => undefined;
  #model: Model | undefined;
  #turn = 0;
  #connected: AbortController | undefined;
  #track: HTMLElement | null = null;
  readonly #steps = [makeButton("Previous", -1), makeButton("Next", 1)] as const;
  readonly #seen = new WeakSet<Element>();
  readonly #timers = new Map<Element, ReturnType<typeof setTimeout>>();
  readonly #viewport = new IntersectionObserver((entries) => this.#watch(entries), { threshold: 0.5 });
  readonly #resized = new ResizeObserver(() => this.#showSteps());

  constructor() {
    super();
    this.ready = new Promise((resolve) => (this.#settle = resolve));
  }

  get slate(): { id: string; seen: boolean }[] {
    return this.#cards().map((card) => ({ id: itemOf(card), seen: this.#seen.has(card) }));
  }

  connectedCallback(): void {
    this.#track = this.querySelector(".pr-track");
    if (!this.#track) return this.#settle();
    this.#connected = new AbortController();
    const { signal } = this.#connected;
    this.setAttribute("role", "group");
    this.setAttribute("aria-roledescription", "carousel");
    for (const button of this.#steps) {
      button.addEventListener("click", () => this.step(button === this.#steps[0] ? -1 : 1), { signal });
      this.append(button);
    }
    for (const card of this.#cards()) this.#adopt(card);
    this.#track.addEventListener("scroll", () => this.#showSteps(), { signal, passive: true });
    this.#resized.observe(this.#track);
    for (const type of ["pointerover", "focusin"]) {
      this.addEventListener(type, ({ target }) => this.#mark(cardOf(target)), { signal });
    }
    this.addEventListener("click", (event) => this.#click(event), { signal });
    void this.#start(signal);
  }

  disconnectedCallback(): void {
    this.#connected?.abort();
    this.#viewport.disconnect();
    this.#resized.disconnect();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#model?.candidates.free();
    this.#model = undefined;
  }

  step(direction: 1 | -1): void {
    this.#track?.scrollBy({ left: direction * this.#track.clientWidth * 0.9 });
  }

  async #start(signal: AbortSignal): Promise<void> {
    const pocketrank = await window.pocketrank?.catch(() => undefined);
    if (pocketrank && !signal.aborted) {
      pocketrank.addEventListener("change", () => void this.#continue(pocketrank, signal), { signal });
      window.addEventListener("pageshow", ({ persisted }) => persisted && this.#reveal(), { signal });
      await this.#continue(pocketrank, signal);
    }
    this.#settle();
  }

  /** Reranks; for a visitor of whom nothing may be known, the edge's slate is right already. */
  async #continue(pocketrank: Pocketrank, signal: AbortSignal): Promise<void> {
    const { pocketrankCandidates: list, pocketrankBy: by, pocketrankSlot: slot } = this.dataset;
    const isRight = by === "edge" && pocketrank.mode === "contextual" && !this.#model;
    if (!list || isRight) return;
    try {
      const turn = (this.#turn += 1);
      const slot = await pocketrank.slot(this);
      // What was asked for later holds.
      if (signal.aborted || turn !== this.#turn) return;
      const { ranker, items } = slot;
      if (this.#model?.slot.ranker !== ranker || this.#model.slot.items !== items) {
        const renderer = new Renderer(ranker, items);
        this.#model?.candidates.free();
        this.#model = { pocketrank, slot, candidates: ranker.candidates(items), renderer };
      }
      this.#model.slot = slot;
      this.#rerank(this.#model);
    } catch (error) {
      console.warn(`pocketrank: slot ${slot} keeps its cards`, error);
    }
  }

  #rerank(model: Model): void {
    const { pocketrank, slot, candidates } = model;
    const { ranker, items, diversity } = slot;
    const cards = this.#cards();
    const count = Math.min(Number(this.dataset.pocketrankCount ?? 12), MAX_COUNT);
    const dismissed = dismissedBy(pocketrank);
    const stay = new Set(cards.filter((card) => this.#seen.has(card)).map(itemOf));
    const next = ranker.rerank(candidates, { count: count + dismissed.size, diversity, shifts: slot.shifts(candidates) }).flatMap(({ index }) => {
      const id = items[index]?.id ?? "";
      return id && !stay.has(id) && !(dismissed.size > 0 && dismissed.has(itemHash(id))) ? [index] : [];
    });
    for (let place = 0; place < count; place += 1) {
      const card = cards[place];
      if (card && this.#seen.has(card)) continue;
      const index = next.shift();
      if (index !== undefined) this.#put(model, index, place, count, card);
      else card?.remove();
    }
    this.#showSteps();
  }

  /** Puts an item in a place, as the slot's template shows it: in that of `card`, if it shows anything else, or at the end. */
  #put({ renderer, slot }: Model, index: number, place: number, count: number, card: HTMLElement | undefined): void {
    const { pocketrankVisitor: visitor, pocketrankUtcOffset: utcOffset } = this.dataset;
    const { template } = slot;
    const lang = this.lang || document.documentElement.lang;
    const made = nodesOf(renderer.item(index, { template, lang, visitor, utcOffset, place, count })).firstElementChild;
    if (!(made instanceof HTMLElement)) return;
    const old = card?.cloneNode(true) as HTMLElement | undefined;
    old?.querySelector(".pr-why-button")?.remove();
    if (old?.isEqualNode(made)) return;
    if (card) {
      this.#viewport.unobserve(card);
      card.replaceWith(made);
    } else {
      this.#track?.append(made);
    }
    this.#adopt(made);
  }

  #cards(): HTMLElement[] {
    return [...(this.#track?.querySelectorAll<HTMLElement>(".pr-card") ?? [])];
  }

  /** Gives a card its button and waits for it to be seen. */
  #adopt(card: HTMLElement): void {
    let button = card.querySelector<HTMLButtonElement>(".pr-why-button");
    if (!button) {
      button = document.createElement("button");
      button.type = "button";
      button.className = "pr-why-button";
      button.textContent = "Why this?";
      button.setAttribute("aria-haspopup", "dialog");
      card.append(button);
    }
    button.setAttribute("aria-label", `Why this? ${card.querySelector('[data-pr="name"]')?.textContent ?? ""}`);
    this.#viewport.observe(card);
  }

  #watch(entries: IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      clearTimeout(this.#timers.get(target));
      this.#timers.delete(target);
      if (isIntersecting)
        this.#timers.set(
          target,
          setTimeout(() => this.#mark(target), SEEN_AFTER),
        );
    }
  }

  #mark(card: Element | null): void {
    if (!card) return;
    this.#seen.add(card);
    this.#timers.delete(card);
    this.#viewport.unobserve(card);
  }

  /** The page was left and has come back: what is in view is to be seen anew. */
  #reveal(): void {
    for (const card of this.#cards()) {
      this.#seen.delete(card);
      this.#viewport.observe(card);
    }
  }

  #click({ target }: Event): void {
    const button = target instanceof Element ? target.closest<HTMLElement>(".pr-why-button") : null;
    const card = cardOf(button);
    if (!button || !card) return;
    void showWhy(button, card, () => this.#seen.delete(card)); // A card that the visitor does not want may go.
  }

  #showSteps(): void {
    const track = this.#track;
    if (!track) return;
    const [previous, next] = this.#steps;
    const rest = track.scrollWidth - track.clientWidth - track.scrollLeft;
    previous.setAttribute("aria-disabled", String(track.scrollLeft < 2));
    next.setAttribute("aria-disabled", String(rest < 2));
  }
}
