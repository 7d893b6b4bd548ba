/**
 * "Why this?": the runtime's explanation of a card's score, in plain words. Loaded when it is asked for.
 *
 * Invariant: every sentence follows from a part of the score, from an event of the profile or from a rule of the shop; none is written otherwise.
 */
import type { EventKind, Explanation, Pocketrank, Reason, Why } from "../../element.js";
import { cardsOf, itemOf, nameOf, webAddress } from "./card.js";
import { CAROUSEL, WHY, fill, langOf, wordsFor } from "./words.js";

type Words = typeof WHY;

/** The row of an item that the snapshot does not know. */
const UNKNOWN = 0xffff_ffff;
/** How many items of the history are named. */
const NAMED = 3;
/** A part smaller than this share of the positive ones is not worth a sentence. */
const WORTH = 0.1;

/** An address without its fragment. */
function bare(url: string): string {
  return URL.canParse(url, document.baseURI) ? new URL(url, document.baseURI).href.replace(/#.*/, "") : "";
}

/** How the words say that the visitor did this with an item; of the page's own item that they are at it. */
function didOf(words: Words, kind: EventKind, url: string): string {
  const isLook = kind === "view_item" || kind === "select_item";
  return isLook && bare(url) === bare(location.href) ? words.because_here : words[`because_${kind}`];
}

/** The reasons of an explanation, the strongest first. An item, or one of its name, is no reason for itself. */
function reasons({ parts, because }: Explanation, own: { row: number; name: string }, items: Awaited<ReturnType<Pocketrank["items"]>>, words: Words): Reason[] {
  const named = because
    .filter(({ row }) => row !== own.row)
    .flatMap(({ item, kind, share }) => {
      const known = items.get(item);
      if (!known || known.name === own.name) return [];
      const [before = "", after] = didOf(words, kind, known.url).split("{name}");
      if (after === undefined) return [{ text: before, share }];
      return [{ text: before + known.name + after, share, named: { item, kind, ...known, before, after } }];
    })
    .slice(0, NAMED);
  const positive = parts.filter(({ value }) => value > 0).sort((a, b) => b.value - a.value);
  const sum = positive.reduce((total, { value }) => total + value, 0);
  return positive
    .map(({ name, value }) => ({ because: name, share: value / sum }))
    .filter(({ share }) => share >= WORTH)
    .flatMap((part): Reason[] =>
      part.because === "neighbours" && named.length > 0
        ? named.map((reason) => ({ ...reason, because: part.because, share: part.share * reason.share }))
        : [{ text: words[part.because], ...part }],
    );
}

/** Why items stand in a slot: those of its cards, if none are given. */
export async function why(pocketrank: Pocketrank, slot: HTMLElement, ids = cardsOf(slot).map(itemOf)): Promise<Why[]> {
  // The names are asked for whatever the profile holds.
  const [{ ranker, effects }, items] = await Promise.all([pocketrank.slot(slot), pocketrank.items()]);
  const [words] = wordsFor(slot, WHY);
  const names = new Map(cardsOf(slot).map((card) => [itemOf(card), nameOf(card)]));
  const candidates = ranker.candidates(ids);
  const { rows } = candidates;
  candidates.free();
  const { mode } = pocketrank;
  return ids.map((item, at) => {
    const row = rows[at] ?? UNKNOWN;
    // What is buried is not there for its rule.
    const ruled = new Set(effects(row).flatMap(({ action }) => (action === "pin" || action === "boost" ? [action] : [])));
    const said: Reason[] = [...ruled].map((action) => ({ text: words[action], because: action }));
    said.push(...reasons(ranker.explain(row), { row, name: names.get(item) ?? "" }, items, words));
    if (said.length === 0) said.push({ text: words.none, because: "none" });
    return { item, reasons: said, mode, note: words[`note_${mode}`] };
  });
}

/** A reason, with a link to the item that it names, which is in the language of the page. */
function sentence({ text, named }: Reason, lang: string): (string | Node)[] {
  if (!named) return [text];
  const { before, name, after, url } = named;
  return [before, make("a", { href: webAddress(url), lang }, [name]), after];
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

/** Shows why a card is there. */
export async function showWhy(button: HTMLElement, card: HTMLElement): Promise<void> {
  const pocketrank = await window.pocketrank?.catch(() => undefined);
  if (!pocketrank) return;
  const id = itemOf(card);
  const slot = card.closest<HTMLElement>("[data-pocketrank-slot]");
  if (!slot) return;
  const [found] = await why(pocketrank, slot, [id]);
  const name = nameOf(card);
  const lang = langOf(slot);
  const [words, other] = wordsFor(slot, WHY);

  const close = make("button", { type: "button", className: "pr-why-close", ariaLabel: words.close }, ["\u00d7"]);
  const title = make("h3", { id: "pr-why-title" }, [name ? fill(words.title, { name }) : wordsFor(slot, CAROUSEL)[0].why]);
  const body = make("ul", {}, (found?.reasons ?? []).map((reason) => make("li", {}, sentence(reason, lang))));
  const { direction: dir } = getComputedStyle(card);
  const popover = make("div", { className: "pr-why", popover: "auto", role: "dialog", lang: other || lang, dir }, [
    close,
    title,
    body,
    make("p", { className: "pr-why-note" }, [found?.note ?? ""]),
  ]);
  popover.setAttribute("aria-labelledby", title.id);
  if (pocketrank.mode !== "contextual") {
    const dismiss = make("button", { type: "button", className: "pr-why-dismiss" }, [words.dismiss]);
    dismiss.addEventListener("click", () => {
      popover.hidePopover();
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
  if (!("showPopover" in popover)) throw new Error("this browser has no popovers");
  document.body.append(popover);
  // Tab goes on from the button, where the browser can do that.
  popover.showPopover({ source: button });
  place(popover, button);
}

/** Beside the button where there is room; on a narrow page the style sheet puts it at the foot. */
function place(popover: HTMLElement, button: HTMLElement): void {
  if (window.matchMedia("(max-width: 40rem)").matches) return;
  const anchor = button.getBoundingClientRect();
  const { width, height } = popover.getBoundingClientRect();
  const side = popover.dir === "rtl" ? anchor.left : anchor.right - width;
  const left = Math.max(16, Math.min(side, document.documentElement.clientWidth - width - 16));
  const below = anchor.bottom + 8;
  const top = below + height < window.innerHeight ? below : Math.max(16, anchor.top - height - 8);
  popover.style.left = `${left}px`;
  popover.style.top = `${top}px`;
}
