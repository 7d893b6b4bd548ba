/** The product page: what its schema.org data says goes to `dataLayer`, the cart and the wish list. */
import { addToCart } from "./cart.js";
import { part, toast } from "./dom.js";
import { tell } from "./layer.js";

interface Schema {
  sku: string;
  name: string;
  category?: string;
  offers: { price: string; priceCurrency: string };
}

/** Tells of the view and makes the buttons work. */
export function startProduct(): void {
  const block = document.querySelector('script[type="application/ld+json"]');
  if (!block?.textContent) return;
  const { sku, name, category = "", offers } = JSON.parse(block.textContent) as Schema;
  const product = {
    id: sku,
    name,
    category,
    price: Number(offers.price),
    currency: offers.priceCurrency,
  };
  tell("view_item", [product]);
  part("add")?.addEventListener("click", () => addToCart(product));
  const wish = part("wish");
  wish?.addEventListener("click", () => {
    const saved = wish.getAttribute("aria-pressed") !== "true";
    wish.setAttribute("aria-pressed", String(saved));
    if (saved) tell("add_to_wishlist", [product]);
    toast(saved ? "Saved" : "No longer saved");
  });
}
