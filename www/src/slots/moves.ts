/**
 * Shows where cards went, by a View Transition. Loaded where the browser has them and the visitor does not ask for less motion.
 *
 * Invariant: the change happens in any case, once, and nothing of the transition is left behind. Only cards take part in it: the rest of the
 * page stays as it is, and can be used meanwhile.
 */
import { itemOf } from "./card.js";

const PREFIX = "pocketrank-";
let isRunning = false;

/** Whether a card is in view as a whole, in its row and on the page: what its row cuts off would be shown whole while it moves. */
function isVisible(card: HTMLElement): boolean {
  const { left, right, top, bottom, width } = card.getBoundingClientRect();
  const row = card.parentElement?.getBoundingClientRect();
  return !!row && width > 0 && left >= row.left - 1 && right <= row.right + 1 && bottom > 0 && top < window.innerHeight && card.checkVisibility();
}

function name(element: HTMLElement, name: string): void {
  element.style.viewTransitionName = name;
  if (name === "" && element.getAttribute("style") === "") element.removeAttribute("style");
}

/**
 * @param cards that go, or go elsewhere
 * @param change gives the cards that came
 */
export async function moving(cards: readonly HTMLElement[], change: () => readonly HTMLElement[]): Promise<void> {
  const going = cards.filter(isVisible);
  if (going.length === 0 || isRunning) return void change();
  isRunning = true;
  const names = new Map<string, string>();
  const named = new Set<HTMLElement>();
  const nameAll = (all: readonly HTMLElement[]) => {
    for (const card of all) {
      const own = names.get(itemOf(card)) ?? PREFIX + names.size;
      names.set(itemOf(card), own);
      name(card, own);
      named.add(card);
    }
  };
  const root = document.documentElement;
  const before = root.style.viewTransitionName;
  name(root, "none");
  nameAll(going);
  const end = () => {
    for (const card of named) name(card, "");
    name(root, before);
    isRunning = false;
  };
  const transition = document.startViewTransition(() => {
    for (const card of named) name(card, "");
    nameAll(change().filter(isVisible));
  });
  // What is skipped, for the page is hidden or begins a transition of its own, has changed all the same.
  transition.ready.catch(() => undefined);
  transition.finished.then(end, end);
  await transition.updateCallbackDone;
}
