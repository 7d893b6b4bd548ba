/** The cart page: its products with their numbers, check-out, and the end of it. What they are and cost comes from the shop's list, never along with the cart. */
import { MOST, type Line, cartLines, emptyCart, onCart, setQuantity } from "./cart.js";
import { button, make, part } from "./dom.js";
import { type Product, tell } from "./layer.js";

interface Listed extends Product {
  url: string;
  image: string;
}
type Full = Listed & Line;

function money(amount: number, currency: string): string {
  return new Intl.NumberFormat("en-GB", { style: "currency", currency }).format(amount);
}

function total(lines: Full[]): string {
  return money(
    lines.reduce((sum, { price, quantity }) => sum + price * quantity, 0),
    lines[0]?.currency ?? "GBP",
  );
}

/** A button that is the same one after the page was made anew. */
function acting(key: string, text: string, label: string, className: string, act: () => void): HTMLButtonElement {
  const made = button(text, className, act);
  made.dataset.key = key;
  made.setAttribute("aria-label", label);
  return made;
}

function row(line: Full): HTMLElement {
  const { id, name, quantity } = line;
  const set = (to: number) => () => setQuantity(line, to);
  const more = acting(`more ${id}`, "+", `One more of ${name}`, "step", set(quantity + 1));
  more.disabled = quantity >= MOST;
  return make("li", { className: "cart-line" }, [
    make("img", { src: line.image, alt: "", width: 96, height: 96 }),
    make("a", { href: line.url }, [name]),
    make("div", { className: "quantity" }, [
      acting(`less ${id}`, "\u2212", `One less of ${name}`, "step", set(quantity - 1)),
      make("span", { className: "quantity-number" }, [make("span", { className: "visually-hidden" }, ["Quantity "]), String(quantity)]),
      more,
      acting(`remove ${id}`, "Remove", `Remove ${name}`, "as-link", set(0)),
    ]),
    make("span", { className: "cart-amount" }, [money(line.price * quantity, line.currency)]),
  ]);
}

function sum(lines: Full[]): HTMLElement {
  const entry = (term: string, text: string) => make("div", {}, [make("dt", {}, [term]), make("dd", {}, [text])]);
  return make("section", { className: "cart-sum", ariaLabel: "Summary" }, [
    make("dl", {}, [entry("Items", total(lines)), entry("Delivery", "Free"), entry("Total", total(lines))]),
    button("Check out", "button", () => checkOut(lines)),
    make("p", { className: "small" }, ["A demonstration: no address and no payment."]),
  ]);
}

function empty(): Node[] {
  const link = make("a", { href: "/", className: "button" }, ["Find something to keep"]);
  return [make("div", { className: "cart-empty" }, [make("p", {}, ["Your cart is empty."]), link])];
}

function checkOut(lines: Full[]): void {
  tell("begin_checkout", lines);
  const order = button("Place the order", "button", () => {
    tell("purchase", lines);
    const paid = total(lines);
    const picture = (src: string) => make("img", { src, alt: "", width: 56, height: 56 });
    const ordered = lines.map(({ image, name, quantity }) => make("li", {}, [picture(image), quantity > 1 ? `${quantity} \u00d7 ${name}` : name]));
    emptyCart();
    const title = make("h2", { tabIndex: -1 }, ["Thank you"]);
    part("cart")?.replaceChildren(
      make("div", { className: "cart-thanks", role: "status" }, [
        title,
        make("p", {}, [`Your order for ${paid} is placed. This was a demonstration: nothing is charged and nothing is sent.`]),
        make("ul", { className: "ordered" }, ordered),
        make("a", { href: "/", className: "button quiet" }, ["Back to the shop"]),
      ]),
    );
    const heading = document.querySelector("h1");
    if (heading) heading.textContent = "Your order";
    title.focus();
  });
  part("cart")?.querySelector(".cart-sum .button")?.replaceWith(order);
  order.focus();
}

async function load(url: string): Promise<Map<string, Listed>> {
  const listed = (await (await fetch(url)).json()) as Listed[];
  return new Map(listed.map((product) => [product.id, product]));
}

/** Nobody is shown what they have in the cart already. It is said also where nothing is in it, so that what the shelf asks for does not tell. */
function leaveOut(): void {
  const ids = cartLines().map(({ id }) => id);
  document.querySelector('[data-pocketrank-slot="cart-for-you"]')?.setAttribute("data-pocketrank-exclude", ids.join(" "));
}

/** Shows the cart; on other pages there is nothing to do. What is asked for does not depend on what is in it. */
export async function startCartPage(): Promise<void> {
  const cart = part("cart");
  const url = cart?.dataset.products;
  if (!cart || !url) return;
  leaveOut();
  onCart(leaveOut);
  const products = await load(url).catch((error: unknown) => {
    console.warn("shop: what is in the cart cannot be shown", error);
    cart.replaceChildren(make("div", { className: "cart-empty" }, [make("p", {}, ["Your cart cannot be shown just now. Nothing in it is lost: try again in a moment."])]));
    cart.dataset.ready = "";
  });
  if (!products) return;
  const show = (): void => {
    // What the shop no longer has is not sold.
    const lines = cartLines().flatMap((line) => {
      const product = products.get(line.id);
      return product ? [{ ...product, ...line }] : [];
    });
    const { key } = document.activeElement instanceof HTMLElement ? document.activeElement.dataset : {};
    cart.replaceChildren(...(lines.length > 0 ? [make("ul", { className: "cart-lines" }, lines.map(row)), sum(lines)] : empty()));
    cart.dataset.ready = "";
    // Focus stays where it was, or goes to the heading where that is gone.
    if (key === undefined) return;
    const same = [...cart.querySelectorAll<HTMLElement>("[data-key]")].find(({ dataset }) => dataset.key === key);
    (same ?? document.querySelector<HTMLElement>("h1"))?.focus();
  };
  show();
  onCart(show);
}
