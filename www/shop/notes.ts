/**
 * The line beside a shelf's title: why it is as it is now.
 *
 * Invariant: it says what the runtime says of the shelf's first cards; its room is there from the start, so nothing moves. What is asked for follows
 * from the visitor's mode alone, not from the history.
 */
import type { Pocketrank, Why } from "../element.js";
import { make } from "./dom.js";

/** What a shelf says to everybody. */
const usual = new WeakMap<Element, string>();
/** How often it was asked; only the last answer counts. */
const turns = new WeakMap<Element, number>();

/** Without haste: the page has more to do. */
function idle(): Promise<unknown> {
  return new Promise((resolve) => ("requestIdleCallback" in window ? requestIdleCallback(resolve, { timeout: 2000 }) : setTimeout(resolve, 200)));
}

/** The first that names an item of the history; the page's own is no news on its page. */
function sentence(found: Why[]): (string | Node)[] | undefined {
  const all = found.flatMap(({ reasons }) => reasons.flatMap(({ named }) => named ?? []));
  const named = all.find(({ url }) => url !== location.pathname);
  return named && [named.before, make("a", { href: named.url }, [named.name]), named.after];
}

async function explain(pocketrank: Pocketrank, slot: HTMLElement): Promise<void> {
  const note = slot.closest(".shelf")?.querySelector(".shelf-note");
  if (!note) return;
  if (!usual.has(note)) usual.set(note, note.textContent);
  const turn = (turns.get(note) ?? 0) + 1;
  turns.set(note, turn);
  const said = pocketrank.mode === "contextual" ? undefined : sentence(await pocketrank.why(slot));
  if (turns.get(note) !== turn) return;
  note.replaceChildren(...(said ?? [usual.get(note) ?? ""]));
  note.classList.toggle("adapted", said !== undefined);
}

/** Says it of each shelf, and again when its slate changes. */
export function startNotes(pocketrank: Pocketrank): void {
  const say = async (slot: HTMLElement): Promise<void> => {
    await idle();
    await explain(pocketrank, slot).catch((error: unknown) => {
      // What was stopped, for the visitor has just chosen, is followed by a slate. Otherwise a shelf keeps the line that it has.
      if ((error as Error).name !== "AbortError") console.warn("shop: a shelf is not explained", error);
    });
  };
  document.addEventListener("pocketrank:slate", ({ target }) => {
    if (target instanceof HTMLElement) void say(target);
  });
  for (const carousel of document.querySelectorAll("pocketrank-carousel")) void carousel.ready.then(() => say(carousel));
}
