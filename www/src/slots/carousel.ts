/**
 * `<pocketrank-carousel>`: a slot that scrolls, with buttons, as the WAI's pattern for carousels has it.
 *
 * Invariant: it adds to what is there what the pattern asks for, and no more; the slate is {@link Slate}'s. Order in the document, to the eye,
 * of focus and of reading aloud are the same.
 */
import { cardOf, nameOf } from "./card.js";
import { Slate } from "./slate.js";
import { CAROUSEL, fill, wordsFor } from "./words.js";

const ARROWS = { [-1]: "M15 5l-7 7 7 7", 1: "M9 5l7 7-7 7" };

/** A button that scrolls a carousel. */
function makeButton(carousel: Carousel, direction: 1 | -1): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "pr-step";
  button.dataset.step = String(direction);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.ariaHidden = "true";
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ARROWS[direction]);
  svg.append(path);
  button.append(svg);
  button.addEventListener("click", () => carousel.step(direction));
  return button;
}

type Steps = readonly [HTMLElement, HTMLElement];

/** The buttons of each track. */
const stepsOf = new WeakMap<Element, Steps>();

/** Shows where tracks stand. Of all of them is read before anything is written: then, and in a frame's observer, that costs no layout. */
const resized = new ResizeObserver((entries) => {
  const rests = entries.flatMap(({ target: { scrollLeft, scrollWidth, clientWidth } }) => {
    // From right to left it goes down from 0.
    const gone = Math.abs(scrollLeft);
    return [gone, scrollWidth - clientWidth - gone];
  });
  const steps = entries.flatMap(({ target }) => stepsOf.get(target) ?? []);
  for (const [at, rest] of rests.entries()) if (steps[at]) steps[at].ariaDisabled = String(rest < 2);
});

/** Sets an attribute that the page has not set itself. */
function offer(element: HTMLElement, name: string, value: string): void {
  if (!element.hasAttribute(name)) element.setAttribute(name, value);
}

/** Says what an element is called, if that is not said yet. */
function label(element: HTMLElement, text: string): void {
  if (element.ariaLabel !== text) element.ariaLabel = text;
}

/** The same of a button, in a language that may be another one than around it. */
function name(button: HTMLElement, text: string, lang: string): void {
  label(button, text);
  if (button.lang !== lang) button.lang = lang;
}

/** The button of a card that asks why it is there. */
function whyButton(card: HTMLElement): HTMLButtonElement {
  const there = card.querySelector<HTMLButtonElement>(".pr-why-button");
  if (there) return there;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "pr-why-button";
  button.ariaHasPopup = "dialog";
  card.append(button);
  return button;
}

/** Who comes to a card by keyboard sees all of it: browsers leave it where a part of it is in view. */
function reveal({ target, currentTarget }: FocusEvent): void {
  if (!(target instanceof Element) || !(currentTarget instanceof Element) || !target.matches(":focus-visible")) return;
  cardOf(target, currentTarget)?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

export class Carousel extends HTMLElement {
  readonly ready: Promise<void>;
  #settle: () => void = () => undefined;
  #connected: AbortController | undefined;
  #track: HTMLElement | undefined;
  #steps: Steps | undefined;
  readonly #slate = new Slate(this, (cards) => this.#dress(cards));
  /** Cards that are known, and whether they have a label of the page's own. */
  readonly #labelled = new WeakMap<Element, boolean>();

  constructor() {
    super();
    this.ready = new Promise((resolve) => (this.#settle = resolve));
  }

  get slate(): { id: string; seen: boolean }[] {
    return this.#slate.shown;
  }

  connectedCallback(): void {
    const { signal } = (this.#connected = new AbortController());
    offer(this, "role", "group");
    // What changes here is not to interrupt anybody.
    offer(this, "aria-live", "off");
    this.addEventListener("focusin", reveal, { signal });
    void this.#slate.start(signal).finally(this.#settle);
  }

  disconnectedCallback(): void {
    this.#connected?.abort();
    this.#leave();
    this.#track = undefined;
  }

  #leave(): void {
    if (this.#track) resized.unobserve(this.#track);
  }

  step(direction: 1 | -1): void {
    const track = this.#track;
    if (!track) return;
    const forwards = getComputedStyle(track).direction === "rtl" ? -1 : 1;
    track.scrollBy({ left: direction * forwards * track.clientWidth * 0.9 });
  }

  /** What holds the cards, and scrolls. */
  #follow(track: HTMLElement | null): void {
    if (!track || track === this.#track || track === this) return;
    this.#leave();
    this.#track = track;
    // Not in the constructor: many carousels are made in one task.
    this.#steps ??= [makeButton(this, -1), makeButton(this, 1)];
    // A copy of a page that was kept has such buttons, and nothing that hears them.
    for (const step of this.querySelectorAll(":scope > .pr-step")) step.remove();
    this.prepend(...this.#steps);
    stepsOf.set(track, this.#steps);
    const options = { passive: true, ...(this.#connected && { signal: this.#connected.signal }) };
    track.addEventListener("scroll", () => this.#look(), options);
  }

  /** All cards as they stand now, in the page's words as they are now. */
  #dress(cards: HTMLElement[]): void {
    this.#follow(this.querySelector<HTMLElement>(".pr-track") ?? cards[0]?.parentElement ?? null);
    const [words, lang] = wordsFor(this, CAROUSEL);
    offer(this, "aria-roledescription", words.carousel);
    for (const [at, step] of (this.#steps ?? []).entries()) name(step, [words.previous, words.next][at] ?? "", lang);
    for (const [at, card] of cards.entries()) {
      if (!this.#labelled.has(card)) this.#labelled.set(card, card.hasAttribute("aria-label") || card.hasAttribute("aria-labelledby"));
      // What is a list's item, or an article, is a group already, and has to stay what it is.
      if (/^(DIV|SPAN)$|-/.test(card.tagName)) offer(card, "role", "group");
      offer(card, "aria-roledescription", words.slide);
      if (!this.#labelled.get(card)) label(card, fill(words.position, { at: at + 1, count: cards.length }));
      // The shop's own cards have what the shop gives them.
      if (!card.matches(".pr-card")) continue;
      const button = whyButton(card);
      if (button.textContent !== words.why) button.textContent = words.why;
      name(button, fill(words.why_item, { name: nameOf(card) }), lang);
    }
    this.#look();
  }

  /** What is observed anew is told of in the next frame, once it has been laid out. */
  #look(): void {
    this.#leave();
    if (this.#track) resized.observe(this.#track);
  }
}
