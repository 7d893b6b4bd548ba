/**
 * Which cards of a slot the visitor has seen: half of one was in view for a second, or it was pointed at or focused.
 *
 * Invariant: a card that was seen stays so until it is let go.
 */
import { cardOf } from "./card.js";

/** How long half of a card is in view before it counts as seen, in milliseconds (as for a viewable impression). */
const AFTER = 1000;

export class Seen {
  /** How many were marked as seen so far. */
  marked = 0;
  readonly #cards = new WeakSet<Element>();
  readonly #timers = new Map<Element, ReturnType<typeof setTimeout>>();
  readonly #viewport = new IntersectionObserver((entries) => this.#look(entries), { threshold: 0.5 });

  has(card: Element): boolean {
    return this.#cards.has(card);
  }

  /** Listens to pointer and focus in a slot. */
  listen(slot: HTMLElement, signal: AbortSignal): void {
    for (const type of ["pointerover", "focusin"]) slot.addEventListener(type, ({ target }) => this.#mark(cardOf(target, slot)), { signal });
  }

  /** Takes a card in; focus and pointer may have come before the script. */
  meet(card: HTMLElement): void {
    if (card.matches(":focus-within, :hover")) this.#mark(card);
  }

  /** Waits for a card to be seen. */
  watch(card: HTMLElement): void {
    if (!this.#cards.has(card)) this.#viewport.observe(card);
  }

  /** A card that left the page. */
  unwatch(card: Element): void {
    this.#forget(card);
    this.#viewport.unobserve(card);
  }

  /** A card may go, though it was seen. */
  release(card: HTMLElement): void {
    this.#cards.delete(card);
  }

  stop(): void {
    this.#viewport.disconnect();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  /** What was not seen long enough begins anew. */
  #forget(card: Element): void {
    clearTimeout(this.#timers.get(card));
    this.#timers.delete(card);
  }

  #look(entries: IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      this.#forget(target);
      if (!isIntersecting) continue;
      const timer = setTimeout(() => {
        // The tab may have gone to the background: it begins anew when that is over.
        if (document.hidden) {
          this.unwatch(target);
          return this.#viewport.observe(target);
        }
        this.#mark(target);
        target.dispatchEvent(new CustomEvent("pocketrank:seen", { bubbles: true }));
      }, AFTER);
      this.#timers.set(target, timer);
    }
  }

  #mark(card: Element | null): void {
    if (!card) return;
    this.#cards.add(card);
    this.marked += 1;
    this.unwatch(card);
  }
}
