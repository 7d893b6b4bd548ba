/** The one module script that a shop includes: starts the page's Pocketrank and defines its element. */
import { init } from "./browser.js";
import { Carousel } from "./slots/carousel.js";
import { watchLists } from "./slots/lists.js";
import { idle } from "./slots/near.js";
import { SOURCE } from "./slots/words.js";
import { Pocketrank } from "./script/pocketrank.js";
import { readSource } from "./script/tag.js";

declare global {
  interface Document {
    /** https://wicg.github.io/nav-speculation/prerendering.html; absent where the browser does not have it. */
    readonly prerendering?: boolean;
  }
}

async function start(): Promise<Pocketrank> {
  const script = document.querySelector<HTMLScriptElement>("script[data-manifest]")?.dataset ?? {};
  const source = readSource(script);
  await init();
  // A page that is made before it is asked for is no visit until it is shown.
  if (document.prerendering) await new Promise((resolve) => document.addEventListener("prerenderingchange", resolve, { once: true }));
  return Pocketrank.start(source, script);
}

/** A page that gives words of its own is told what is wrong with them. */
async function proofread(): Promise<void> {
  await idle(new AbortController().signal);
  if (document.querySelector(SOURCE)) (await import("./slots/proofreader.js")).proofread();
}

const { pocketrank: there } = window;
/** A page that includes the script twice has one. What else has the name may be an element of the page, by its id. */
export const pocketrank = there instanceof Promise ? there : start();
if (there !== pocketrank) {
  window.pocketrank = pocketrank;
  // The one warning of a page where this cannot run: all that waits for it stays as it is, and says nothing.
  pocketrank.catch((error: unknown) => console.warn("pocketrank: the page stays as the server sent it.", error));
  customElements.define("pocketrank-carousel", Carousel);
  watchLists();
  void proofread();
}
