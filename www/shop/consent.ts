/**
 * The consent banner: three answers of one prominence, over the page so that nothing moves.
 *
 * Invariant: a no is not stored, so it cannot be remembered; instead of asking on every page, the banner comes by itself
 * only on the first page of a visit, and from "Privacy choices" at any time.
 */
import type { Choice, Pocketrank } from "../element.js";
import { emptyCart } from "./cart.js";
import { button, make, toast } from "./dom.js";
import { showProof } from "./privacy.js";

const ANSWERS: { text: string; said: string; choice: Choice }[] = [
  { text: "Accept all", said: "Your browser will remember", choice: { mode: "persistent", capsule: true } },
  { text: "Only this visit", said: "Your browser will remember until you close the tab", choice: { mode: "session" } },
  { text: "Decline", said: "Nothing is remembered", choice: { mode: "contextual" } },
];

const GPC = "Your browser sends Global Privacy Control: nothing is remembered";

let banner: HTMLElement | undefined;

function ask(pocketrank: Pocketrank): HTMLElement {
  banner?.remove();
  const answers = ANSWERS.map(({ text, said, choice }) =>
    button(text, "button", () => {
      banner?.remove();
      void pocketrank.setConsent(choice).then(() => toast(said));
    }),
  );
  const title = make("h2", { id: "consent-title", tabIndex: -1 }, ["May your browser remember what you look at?"]);
  const more = make("a", { href: "/privacy" }, ["What stays on your device"]);
  const text = make("p", {}, [
    "Then it sorts the shelves to your taste by itself, on this device. If you accept all, the last few things also go along " +
      "when you open a page, so that it comes sorted. We keep no record. ",
    more,
  ]);
  banner = make("section", { className: "consent" }, [
    make("div", { className: "consent-row" }, [
      make("div", {}, [title, text]),
      make("div", { className: "consent-choices" }, answers),
    ]),
  ]);
  banner.setAttribute("aria-labelledby", title.id);
  document.body.append(banner);
  return title;
}

function isFirstPage(): boolean {
  return !URL.canParse(document.referrer) || new URL(document.referrer).origin !== location.origin;
}

/** Asks where nothing was answered yet, and makes the footer's buttons work. */
export function startConsent(pocketrank: Pocketrank): void {
  if (isFirstPage() && pocketrank.gpc !== false) toast(GPC);
  else if (isFirstPage() && !pocketrank.choice) ask(pocketrank);
  for (const element of document.querySelectorAll('[data-shop="ask"]')) {
    element.addEventListener("click", () => {
      if (pocketrank.gpc === false) ask(pocketrank).focus();
      else toast(GPC);
    });
  }
  for (const element of document.querySelectorAll('[data-shop="forget"]')) {
    element.addEventListener("click", () => {
      emptyCart();
      void pocketrank.erase().then(
        (places) => {
          toast(`Forgotten: nothing is left in ${places.length} places`);
          showProof(places);
        },
        (error: Error) => toast(error.message),
      );
    });
  }
}
