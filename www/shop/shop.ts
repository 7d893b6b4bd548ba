/** The demo shop's own script: cart, consent banner, privacy page. It tells of events through `dataLayer`, as shops do. */
import { startCart } from "./cart.js";
import { startConsent } from "./consent.js";
import { startPrivacy } from "./privacy.js";
import { startProduct } from "./product.js";

startCart();
startProduct();

const pocketrank = await window.pocketrank?.catch((error: unknown) => {
  console.warn("shop: the shelves stay as the server sent them", error);
  return undefined;
});
if (pocketrank) {
  startConsent(pocketrank);
  startPrivacy(pocketrank);
}
