/**
 * What goes along from page to page without being written anywhere: in the address, after the `#`, which no server gets.
 *
 * Invariant: it is in the address only while it is needed; an address that names a place on the page keeps that.
 */
const OURS = /^#(theme|cart)=/;

const values = new URLSearchParams(OURS.test(location.hash) ? location.hash.slice(1) : "");

/** What came along. */
export function carried(name: "theme" | "cart"): string | undefined {
  return values.get(name) ?? undefined;
}

/** Takes a value along from now on, or none any more. */
export function carry(name: "theme" | "cart", value?: string): void {
  if (carried(name) === value) return;
  if (value === undefined) values.delete(name);
  else values.set(name, value);
  if (location.hash === "" || OURS.test(location.hash)) history.replaceState(history.state, "", location.pathname + location.search + hash());
}

function hash(): string {
  return values.size > 0 ? `#${values}` : "";
}

/** Has the shop's links take it along, however they are followed. */
export function startCarrying(): void {
  const adopt = ({ target }: Event): void => {
    const link = target instanceof Element ? target.closest("a") : null;
    if (!link || link.origin !== location.origin || link.hasAttribute("download")) return;
    if (link.hash === "" || OURS.test(link.hash)) link.hash = hash();
  };
  for (const type of ["click", "auxclick", "contextmenu"]) document.addEventListener(type, adopt, { capture: true });
}
