/**
 * `<pocketrank-carousel>`: a slot that scrolls, with buttons, as the WAI's pattern for carousels has it.
 *
 * Invariant: it adds to what is there what the pattern asks for, and no more; the slate is {@link Slate}'s. Order in the document, to the eye,
 * of focus and of reading aloud are the same.
 */
import { nameOf } from "./card.js";
import { Slate } from "./slate.js";

const ARROWS = { [-1]: "M15 5l-7 7 7 7", 1: "M9 5l7 7-7 7" };

/** A button that scrolls a carousel. */
function makeButton(carousel: Carousel, label: string, direction: 1 | -1): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "pr-step";
  button.dataset.step = String(direction);
  button.ariaLabel = label;
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
  const rests = entries.flatMap(({ target: { scrollLeft, scrollWidth, clientWidth } }) => [scrollLeft, scrollWidth - clientWidth - scrollLeft]);
  const steps = entries.flatMap(({ target }) => stepsOf.get(target) ?? []);
  for (const [at, rest] of rests.entries()) if (steps[at]) steps[at].ariaDisabled = String(rest < 2);
});

/** Sets an attribute that the page has not set itself. */
function offer(element: HTMLElement, name: string, value: string): void {
  if (!element.hasAttribute(name)) element.setAttribute(name, value);
}

export class Carousel extends HTMLElement {
  readonly ready: Promise<void>;
  #settle: () => void = () => undefined;
  #connected: AbortController | undefined;
  #track: HTMLElement | undefined;
  #steps: Steps | undefined;
  readonly #slate = new Slate(this, { card: (card) => this.#adopt(card), all: (cards) => this.#number(cards) });
  /** Cards whose label is the page's own. */
  readonly #labelled = new WeakSet<Element>();

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
    offer(this, "aria-roledescription", "carousel");
    // What changes here is not to interrupt anybody.
    offer(this, "aria-live", "off");
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
    this.#track?.scrollBy({ left: direction * this.#track.clientWidth * 0.9 });
  }

  /** What holds the cards, and scrolls. */
  #follow(track: HTMLElement | null): void {
    if (!track || track === this.#track || track === this) return;
    this.#leave();
    this.#track = track;
    // Not in the constructor: many carousels are made in one task.
    this.#steps ??= [makeButton(this, "Previous", -1), makeButton(this, "Next", 1)];
    this.prepend(...this.#steps);
    stepsOf.set(track, this.#steps);
    const options = { passive: true, ...(this.#connected && { signal: this.#connected.signal }) };
    track.addEventListener("scroll", () => this.#look(), options);
  }

  #adopt(card: HTMLElement): void {
    if (card.hasAttribute("aria-label") || card.hasAttribute("aria-labelledby")) this.#labelled.add(card);
    // What is a list's item, or an article, is a group already, and has to stay what it is.
    if (/^(DIV|SPAN)$|-/.test(card.tagName)) offer(card, "role", "group");
    offer(card, "aria-roledescription", "slide");
    // The shop's own cards have what the shop gives them.
    if (!card.matches(".pr-card")) return;
    let button = card.querySelector<HTMLButtonElement>(".pr-why-button");
    if (!button) {
      button = document.createElement("button");
      button.type = "button";
      button.className = "pr-why-button";
      button.textContent = "Why this?";
      button.ariaHasPopup = "dialog";
      card.append(button);
    }
    button.ariaLabel = `Why this? ${nameOf(card)}`;
  }

  #number(cards: HTMLElement[]): void {
    this.#follow(this.querySelector<HTMLElement>(".pr-track") ?? cards[0]?.parentElement ?? null);
    for (const [at, card] of cards.entries()) {
      const label = `${at + 1} of ${cards.length}`;
      if (!this.#labelled.has(card) && card.ariaLabel !== label) card.ariaLabel = label;
    }
    this.#look();
  }

  /** What is observed anew is told of in the next frame, once it has been laid out. */
  #look(): void {
    this.#leave();
    if (this.#track) resized.observe(this.#track);
  }
}
