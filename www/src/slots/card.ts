/** Cards of a slot: what its template has made, `.pr-card`, or the shop's own elements with `data-item`. */
import type { CandidateItem } from "../../element.js";

const CARD = "[data-item]";

/** The card of a slot that holds an event's target. */
export function cardOf(target: EventTarget | null, slot: Element): HTMLElement | null {
  let card = target instanceof Element ? target.closest<HTMLElement>(CARD) : null;
  // What is in a card may bear the attribute as well.
  for (let outer = card; outer && isIn(outer, slot); outer = outer.parentElement?.closest<HTMLElement>(CARD) ?? null) card = outer;
  return card && isIn(card, slot) ? card : null;
}

function isIn(card: Element, slot: Element): boolean {
  return card !== slot && slot.contains(card);
}

/** The cards in the order in which they stand. */
export function cardsOf(slot: Element): HTMLElement[] {
  return [...slot.querySelectorAll<HTMLElement>(CARD)].filter((card) => cardOf(card, slot) === card);
}

/** The shop's id of the item that a card shows. */
export function itemOf(card: HTMLElement): string {
  return card.dataset.item ?? "";
}

/** Ids of the items that a slot leaves out. */
export function excludedFrom(slot: HTMLElement): Set<string> {
  return new Set(slot.dataset.pocketrankExclude?.match(/\S+/g));
}

/** The name of that item, as the card has it. */
export function nameOf(card: HTMLElement): string {
  const name = card.querySelector('[data-pr="name"]') ?? card.querySelector("h2, h3, h4, a");
  return name?.textContent.trim() ?? "";
}

const shops = new WeakSet<Element>();

/** Whether a slot's cards are made by its template; else they are the shop's own, which can only change their places. */
export function isTemplated(slot: HTMLElement): boolean {
  if (!("pocketrankCandidates" in slot.dataset)) return false;
  if (slot.querySelector(".pr-track")) return true;
  // What had the shop's own once is the shop's to fill again.
  if (slot.querySelector(CARD)) shops.add(slot);
  return !shops.has(slot);
}

interface Own {
  cards: HTMLElement[];
  items: CandidateItem[];
}

const owned = new WeakMap<Element, Own>();

/** The shop's own cards of a slot in the order that the page gave them, and what they show; what came later is at the end. */
export function ownOf(slot: HTMLElement): Own {
  const there = new Set(cardsOf(slot));
  const known = owned.get(slot) ?? { cards: [], items: [] };
  const kept = known.cards.filter((card) => there.delete(card));
  const isSame = kept.length === known.cards.length && there.size === 0;
  if (isSame && known.items.every(({ id }, at) => id === itemOf(kept[at] as HTMLElement))) return known;
  const cards = [...kept, ...there];
  const own = { cards, items: cards.map((card) => ({ id: itemOf(card) })) };
  owned.set(slot, own);
  return own;
}

const left = new WeakMap<Element, { of: CandidateItem[]; out: string; items: CandidateItem[] }>();

/** A list as a slot ranks it: what the page leaves out is as if it were out of stock, so that no rule brings it back. It is the same as long as both are. */
export function leftOf(slot: HTMLElement, of: CandidateItem[]): CandidateItem[] {
  const excluded = excludedFrom(slot);
  const out = [...excluded].join(" ");
  const known = left.get(slot);
  if (known?.of === of && known.out === out) return known.items;
  const items = of.map((item) => (excluded.has(item.id) ? { ...item, in_stock: false } : item));
  left.set(slot, { of, out, items });
  return items;
}

/** The address if it leads into the web, else none. */
export function webAddress(url: string | undefined): string {
  if (!url || !URL.canParse(url, document.baseURI)) return "";
  return /^https?:$/.test(new URL(url, document.baseURI).protocol) ? url : "";
}
