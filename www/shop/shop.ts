/** The demo shop's own script: cart, consent banner, privacy page. It tells of events through `dataLayer`, as shops do. */
import { startCart } from "./cart.js";
import { startConsent } from "./consent.js";
import { startPrivacy } from "./privacy.js";
import { startProduct } from "./product.js";

/** For who looks inside: `#pocketrank-devtools`, and links that replay. */
const DEVTOOLS = "/pocketrank/devtools.js";
const showDevtools = async () => {
  if (!location.hash.startsWith("#pocketrank-")) return;
  const { show } = (await import(DEVTOOLS)) as typeof import("../devtools.js");
  await show();
};
window.addEventListener("hashchange", () => void showDevtools());

startCart();
startProduct();
void showDevtools();

const pocketrank = await window.pocketrank?.catch((error: unknown) => {
  console.warn("shop: the shelves stay as the server sent them", error);
  return undefined;
});
if (pocketrank) {
  startConsent(pocketrank);
  startPrivacy(pocketrank);
}
