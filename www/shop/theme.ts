/** Light or dark: as the system has it, or as the visitor turns it for this visit. Nothing of it is stored; `first.ts` sets it before the page is painted. */
import { carried, carry } from "./carry.js";
import { part } from "./dom.js";

const dark = window.matchMedia("(prefers-color-scheme: dark)");

function isDark(): boolean {
  const theme = carried("theme");
  return theme === undefined ? dark.matches : theme === "dark";
}

function show(): void {
  const theme = carried("theme");
  if (theme === undefined) delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  part("theme")?.setAttribute("aria-pressed", String(isDark()));
}

/** Makes the header's button work. */
export function startTheme(): void {
  show();
  dark.addEventListener("change", show);
  part("theme")?.addEventListener("click", () => {
    const next = !isDark();
    // What the system has needs no word in the address.
    carry("theme", next === dark.matches ? undefined : next ? "dark" : "light");
    show();
  });
}
