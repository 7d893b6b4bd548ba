/**
 * Slots that are no carousel: any element with `data-pocketrank-slot`, on the page from the start or put there later.
 *
 * Invariant: each has one slate while it is on the page, and none after.
 */
import { Slate } from "./slate.js";

const SLOT = "[data-pocketrank-slot]:not(pocketrank-carousel)";

/** Watches the page for them from now on. */
export function watchLists(): void {
  const known = new Map<Element, AbortController>();
  const look = () => {
    for (const [slot, connected] of known) {
      if (slot.isConnected) continue;
      connected.abort();
      known.delete(slot);
    }
    for (const slot of document.querySelectorAll<HTMLElement>(SLOT)) {
      if (known.has(slot)) continue;
      const connected = new AbortController();
      known.set(slot, connected);
      void new Slate(slot).start(connected.signal);
    }
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true, attributeFilter: ["data-pocketrank-slot"] });
  look();
}
