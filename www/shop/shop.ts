/** The demo shop's own script: cart, theme, consent banner, account and privacy pages, notes at shelves. It tells of events through `dataLayer`, as shops do. */
import { startCarrying } from "./carry.js";
import { startCartPage } from "./cart-page.js";
import { keepCart, startCart } from "./cart.js";
import { startConsent } from "./consent.js";
import { startNotes } from "./notes.js";
import { startPrivacy } from "./privacy.js";
import { startProduct } from "./product.js";
import { startTheme } from "./theme.js";

/** For who looks inside: `#pocketrank-devtools`, and links that replay. */
const DEVTOOLS = "/pocketrank/devtools.js";
const showDevtools = async () => {
  if (!location.hash.startsWith("#pocketrank-")) return;
  const { show } = (await import(DEVTOOLS)) as typeof import("../devtools.js");
  await show();
};
window.addEventListener("hashchange", () => void showDevtools());
// Once more, where the address says so already.
for (const link of document.querySelectorAll<HTMLAnchorElement>('[href="#pocketrank-devtools"]')) {
  link.addEventListener("click", () => {
    if (location.hash === link.hash) void showDevtools();
  });
}

startCarrying();
startTheme();
startCart();
startProduct();
void startCartPage();
void showDevtools();

const pocketrank = await window.pocketrank?.catch((error: unknown) => {
  console.warn("shop: the shelves stay as the server sent them", error);
  return undefined;
});
if (pocketrank) {
  keepCart(pocketrank);
  startConsent(pocketrank);
  startPrivacy(pocketrank);
  startNotes(pocketrank);
}
