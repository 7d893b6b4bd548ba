/**
 * `<pocketrank-carousel>`: a slot that scrolls, with buttons, as the WAI's pattern for carousels has it.
 *
 * Invariant: it adds to what is there what the pattern asks for, and no more; the slate is {@link Slate}'s. Order in the document, to the eye,
 * of focus and of reading aloud are the same.
 */
import { nameOf } from "./card.js";
import { Slate } from "./slate.js";

const ARROWS = { [-1]: "M15 5l-7 7 7 7", 1: "M9 5l7 7-7 7" };

/** A button that scrolls the carousel. */
function makeButton(label: string, direction: 1 | -1): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "pr-step";
  button.dataset.step = String(direction);
  button.setAttribute("aria-label", label);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ARROWS[direction]);
  svg.append(path);
  button.append(svg);
  return button;
}

/** Sets an attribute that the page has not set itself. */
function offer(element: HTMLElement, name: string, value: string): void {
  if (!element.hasAttribute(name)) element.setAttribute(name, value);
}

export class Carousel extends HTMLElement {
  readonly ready: Promise<void>;
  #settle: () => void = () => undefined;
  #connected: AbortController | undefined;
  #track: HTMLElement | undefined;
  readonly #steps = [makeButton("Previous", -1), makeButton("Next", 1)] as const;
  readonly #resized = new ResizeObserver(() => this.#showSteps());
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
    for (const button of this.#steps) button.addEventListener("click", () => this.step(button === this.#steps[0] ? -1 : 1), { signal });
    void this.#slate.start(signal).finally(this.#settle);
  }

  disconnectedCallback(): void {
    this.#connected?.abort();
    this.#resized.disconnect();
    this.#track = undefined;
  }

  step(direction: 1 | -1): void {
    this.#track?.scrollBy({ left: direction * this.#track.clientWidth * 0.9 });
  }

  /** What holds the cards, and scrolls. */
  #follow(track: HTMLElement | null): void {
    if (!track || track === this.#track || track === this) return;
    this.#track = track;
    this.prepend(...this.#steps);
    this.#resized.disconnect();
    this.#resized.observe(track);
    const options = { passive: true, ...(this.#connected && { signal: this.#connected.signal }) };
    track.addEventListener("scroll", () => this.#showSteps(), options);
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
      button.setAttribute("aria-haspopup", "dialog");
      card.append(button);
    }
    button.setAttribute("aria-label", `Why this? ${nameOf(card)}`);
  }

  #number(cards: HTMLElement[]): void {
    this.#follow(this.querySelector<HTMLElement>(".pr-track") ?? cards[0]?.parentElement ?? null);
    for (const [at, card] of cards.entries()) {
      const label = `${at + 1} of ${cards.length}`;
      if (!this.#labelled.has(card) && card.getAttribute("aria-label") !== label) card.setAttribute("aria-label", label);
    }
    this.#showSteps();
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
