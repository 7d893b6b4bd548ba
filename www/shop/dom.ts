/** DOM nodes for the demo shop's scripts; data becomes text and properties, never markup. */

/** Makes an element. */
export function make<K extends keyof HTMLElementTagNameMap>(
  name: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  children: (string | Node)[] = [],
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/** The parts of a page that scripts bring to life, by `data-shop`. */
export function part<E extends HTMLElement = HTMLElement>(name: string): E | null {
  return document.querySelector<E>(`[data-shop="${name}"]`);
}

/** A button. */
export function button(text: string, className: string, act: () => void): HTMLButtonElement {
  const made = make("button", { type: "button", className }, [text]);
  made.addEventListener("click", act);
  return made;
}

let hide: ReturnType<typeof setTimeout> | undefined;

/** Says something in passing. */
export function toast(text: string): void {
  const element = part("toast");
  if (!element) return;
  element.textContent = text;
  element.classList.add("shown");
  clearTimeout(hide);
  hide = setTimeout(() => element.classList.remove("shown"), 3000);
}
