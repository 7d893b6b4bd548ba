/** The one module script that a shop includes: starts the page's Pocketrank and defines its element. */
import { init } from "./browser.js";
import { Carousel } from "./carousel.js";
import { watchLists } from "./lists.js";
import { Pocketrank } from "./pocketrank.js";

const script = document.querySelector<HTMLScriptElement>("script[data-manifest]")?.dataset ?? {};
const { manifest, audience, keys, offline } = script;
const source = {
  manifest: new URL(manifest ?? "/pocketrank/manifest.pkrm", document.baseURI),
  audience: audience ?? "",
  keys: keys?.split(/\s+/).filter(Boolean) ?? [],
  offline: offline === undefined ? undefined : new URL(offline, document.baseURI),
};

export const pocketrank = init().then(() => Pocketrank.start(source, script));
window.pocketrank = pocketrank;
customElements.define("pocketrank-carousel", Carousel);
watchLists();
