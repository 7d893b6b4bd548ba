/** Cards of a carousel, and what stands by them. */

/** The card that holds an event's target. */
export function cardOf(target: EventTarget | null): HTMLElement | null {
  return target instanceof Element ? target.closest<HTMLElement>(".pr-card") : null;
}

/** The shop's id of the item that a card shows. */
export function itemOf(card: HTMLElement): string {
  return card.dataset.item ?? "";
}

/** The address if it leads into the web, else none. */
export function webAddress(url: string | undefined): string {
  if (!url || !URL.canParse(url, document.baseURI)) return "";
  return /^https?:$/.test(new URL(url, document.baseURI).protocol) ? url : "";
}

const ARROWS = { [-1]: "M15 5l-7 7 7 7", 1: "M9 5l7 7-7 7" };

/** A button that scrolls the carousel. */
export function makeButton(label: string, direction: 1 | -1): HTMLButtonElement {
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
