/** DOM nodes of the overlay; data becomes text and properties, never markup. */

export type Child = string | Node;

/** Makes an element. Attributes are set by name, so that a strict policy has nothing against them. */
export function make<K extends keyof HTMLElementTagNameMap>(name: K, attributes: Record<string, string> = {}, children: Child[] = []): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** A button. `key` names it among all, so that the focus finds it again. */
export function button(text: string, key: string, act: () => unknown): HTMLButtonElement {
  const made = make("button", { type: "button", "data-key": key }, [text]);
  made.addEventListener("click", () => void act());
  return made;
}

/** A table that scrolls by itself, also by keyboard; without rows, a sentence. */
export function table(caption: string, head: string[], rows: Child[][], none: string): HTMLElement {
  if (rows.length === 0) return make("p", { class: "none" }, [none]);
  const cells = (row: Child[]) => row.map((cell, at) => (at === 0 ? make("th", { scope: "row" }, [cell]) : make("td", {}, [cell])));
  const made = make("table", {}, [
    make("caption", {}, [caption]),
    make("thead", {}, [make("tr", {}, head.map((text) => make("th", { scope: "col" }, [text])))]),
    make("tbody", {}, rows.map((row) => make("tr", {}, cells(row)))),
  ]);
  return make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": caption }, [made]);
}

/** Terms and what they are. */
export function terms(entries: [term: string, value: string][]): HTMLElement {
  return make("dl", {}, entries.flatMap(([term, value]) => [make("dt", {}, [term]), make("dd", {}, [value])]));
}

/** A part that opens and closes. */
export function fold(title: string, key: string, children: Child[]): HTMLDetailsElement {
  return make("details", { "data-key": key }, [make("summary", { "data-key": `${key} summary` }, [title]), ...children]);
}

/** When, as the browser writes it. */
export function time(seconds: number): string {
  return new Date(seconds * 1000).toLocaleString();
}

/** A day, in UTC as models have it. */
export function day(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}
