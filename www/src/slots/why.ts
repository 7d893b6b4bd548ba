/**
 * "Why this?": the runtime's explanation of a card's score, in plain words. Loaded when it is asked for.
 *
 * Invariant: every sentence follows from a part of the score, from an event of the profile or from a rule of the shop; none is written otherwise.
 */
import type { Effect, EventKind, Explanation, Mode, Pocketrank, Why } from "../../element.js";
import { itemOf, nameOf, webAddress } from "./card.js";

type Part = Explanation["parts"][number]["name"];

/** The row of an item that the snapshot does not know. */
const UNKNOWN = 0xffff_ffff;
/** How many items of the history are named. */
const NAMED = 3;
/** A part smaller than this share of the positive ones is not worth a sentence. */
const WORTH = 0.1;

const DID: Record<EventKind, string> = {
  view_item_list: "You were shown",
  select_item: "You looked at",
  view_item: "You looked at",
  add_to_wishlist: "You saved",
  add_to_cart: "You put in your cart",
  remove_from_cart: "You took out of your cart",
  begin_checkout: "You went to check out with",
  purchase: "You bought",
  dismiss: "You turned down",
};

const SAYS: Record<Part, string> = {
  neighbours: "It often goes with things you looked at",
  repeat: "You have come back to it before",
  factors: "People with tastes like yours choose it",
  content: "It is like things you looked at",
  category: "You look around in its department",
  brand: "You look at this maker's things",
  price_band: "It costs about what you tend to look at",
  popularity: "Many people choose it",
  trend: "More people choose it now than before",
  newness: "It is new in the shop",
};

/** What rules do; what is buried is not there for its rule. */
const RULES: Partial<Record<Effect["action"], string>> = {
  pin: "The shop has put it here",
  boost: "The shop shows more of its kind at the moment",
};

/** Where there is no reason. */
const NONE = "It belongs to this list, and nothing speaks for another order.";

const NOTES: Record<Mode, string> = {
  contextual: "Every visitor sees this here. Nothing about you was used.",
  session: "Worked out on this device, from this visit alone.",
  persistent: "Worked out on this device, from what it remembers for you.",
};

/** The reasons of an explanation, the strongest first. */
function reasons({ parts, because }: Explanation, items: Awaited<ReturnType<Pocketrank["items"]>>): Why["reasons"] {
  const named = because.slice(0, NAMED).flatMap(({ item, kind }) => {
    const known = items.get(item);
    return known ? [{ text: `${DID[kind]} ${known.name}`, named: known }] : [];
  });
  const positive = parts.filter(({ value }) => value > 0).sort((a, b) => b.value - a.value);
  const sum = positive.reduce((total, { value }) => total + value, 0);
  return positive
    .filter(({ value }) => value >= sum * WORTH)
    .flatMap(({ name }) => (name === "neighbours" && named.length > 0 ? named : [{ text: SAYS[name] }]));
}

/** Why items stand in a slot: those of its cards, if none are given. */
export async function why(pocketrank: Pocketrank, slot: HTMLElement, ids = itemsOf(slot)): Promise<Why[]> {
  // The names are asked for whatever the profile holds.
  const [{ ranker, effects }, items] = await Promise.all([pocketrank.slot(slot), pocketrank.items()]);
  const candidates = ranker.candidates(ids);
  const { rows } = candidates;
  candidates.free();
  return ids.map((item, at) => {
    const row = rows[at] ?? UNKNOWN;
    const ruled = new Set(effects(row).flatMap(({ action }) => RULES[action] ?? []));
    const said = [...[...ruled].map((text) => ({ text })), ...reasons(ranker.explain(row), items)];
    return { item, reasons: said.length > 0 ? said : [{ text: NONE }], note: NOTES[pocketrank.mode] };
  });
}

function itemsOf(slot: HTMLElement): string[] {
  return [...slot.querySelectorAll<HTMLElement>("[data-item]")].map(itemOf);
}

/** A reason, with a link to the item that it names. */
function sentence({ text, named }: Why["reasons"][number]): (string | Node)[] {
  return named ? [text.slice(0, -named.name.length), link(named.name, named.url)] : [text];
}

function link(text: string, url: string): Node {
  return make("a", { href: webAddress(url) }, [text]);
}

function make<K extends keyof HTMLElementTagNameMap>(
  name: K,
  properties: Partial<HTMLElementTagNameMap[K]>,
  children: (string | Node)[] = [],
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/** Shows why a card is there. `release` lets the carousel replace the card once the visitor does not want it. */
export async function showWhy(button: HTMLElement, card: HTMLElement, release: () => void): Promise<void> {
  const pocketrank = await window.pocketrank?.catch(() => undefined);
  if (!pocketrank) return;
  const id = itemOf(card);
  const slot = card.closest<HTMLElement>("[data-pocketrank-slot]");
  if (!slot) return;
  const [found] = await why(pocketrank, slot, [id]);
  const name = nameOf(card);

  const close = make("button", { type: "button", className: "pr-why-close", ariaLabel: "Close" }, ["\u00d7"]);
  const title = make("h3", { id: "pr-why-title" }, [`Why ${name}?`]);
  const body = make("ul", {}, (found?.reasons ?? []).map((reason) => make("li", {}, sentence(reason))));
  const popover = make("div", { className: "pr-why", popover: "auto", role: "dialog" }, [
    close,
    title,
    body,
    make("p", { className: "pr-why-note" }, [found?.note ?? ""]),
  ]);
  popover.setAttribute("aria-labelledby", title.id);
  if (pocketrank.mode !== "contextual") {
    const dismiss = make("button", { type: "button", className: "pr-why-dismiss" }, ["Not for me"]);
    dismiss.addEventListener("click", () => {
      popover.hidePopover();
      release();
      void pocketrank.record("dismiss", [id]);
    });
    popover.append(dismiss);
  }
  close.addEventListener("click", () => popover.hidePopover());
  popover.addEventListener("toggle", ({ newState }) => {
    button.setAttribute("aria-expanded", String(newState === "open"));
    if (newState === "open") close.focus();
    else popover.remove();
  });
  document.body.append(popover);
  popover.showPopover();
  place(popover, button);
}

/** Beside the button where there is room; on a narrow page the style sheet puts it at the foot. */
function place(popover: HTMLElement, button: HTMLElement): void {
  if (window.matchMedia("(max-width: 40rem)").matches) return;
  const anchor = button.getBoundingClientRect();
  const { width, height } = popover.getBoundingClientRect();
  const left = Math.max(16, Math.min(anchor.right - width, document.documentElement.clientWidth - width - 16));
  const below = anchor.bottom + 8;
  const top = below + height < window.innerHeight ? below : Math.max(16, anchor.top - height - 8);
  popover.style.left = `${left}px`;
  popover.style.top = `${top}px`;
}
