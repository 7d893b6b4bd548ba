/** The one module script that a shop includes: starts the page's Pocketrank and defines its element. */
import { init } from "./browser.js";
import { Carousel } from "./carousel.js";
import { Pocketrank } from "./pocketrank.js";

const manifest = document.querySelector<HTMLScriptElement>("script[data-manifest]")?.dataset.manifest;
const manifestUrl = new URL(manifest ?? "/pocketrank/manifest.json", document.baseURI);

export const pocketrank = init().then(() => Pocketrank.start(manifestUrl));
window.pocketrank = pocketrank;
customElements.define("pocketrank-carousel", Carousel);
