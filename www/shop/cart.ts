/**
 * The cart. Invariant: it is strictly necessary storage of the tab and holds only what the visitor put in; it does not exist
 * before that, and an empty one is not kept.
 */
import { button, make, part, toast } from "./dom.js";
import { tell } from "./layer.js";

/** A product as the cart keeps it. */
export interface Line {
  id: string;
  name: string;
  url: string;
  image: string;
  price: number;
  currency: string;
  category: string;
  quantity: number;
}

const KEY = "cart";

function read(): Line[] {
  const text = sessionStorage.getItem(KEY);
  return text === null ? [] : (JSON.parse(text) as Line[]);
}

function write(lines: Line[]): void {
  if (lines.length > 0) sessionStorage.setItem(KEY, JSON.stringify(lines));
  else sessionStorage.removeItem(KEY);
  show();
}

/** Puts one of a product in. */
export function addToCart(product: Omit<Line, "quantity">): void {
  const lines = read();
  const line = lines.find(({ id }) => id === product.id);
  if (line) line.quantity += 1;
  else lines.push({ ...product, quantity: 1 });
  write(lines);
  tell("add_to_cart", [{ ...product, quantity: 1 }]);
  toast("In your cart");
}

function remove(line: Line): void {
  write(read().filter(({ id }) => id !== line.id));
  tell("remove_from_cart", [line]);
}

/** Empties the cart. */
export function emptyCart(): void {
  if (read().length > 0) write([]);
}

function money(amount: number, currency: string): string {
  return new Intl.NumberFormat("en-GB", { style: "currency", currency }).format(amount);
}

function show(): void {
  const lines = read();
  const pieces = lines.reduce((sum, { quantity }) => sum + quantity, 0);
  const badge = part("cart-count");
  if (badge) {
    badge.hidden = pieces === 0;
    badge.textContent = String(pieces);
    badge.setAttribute("aria-label", `${pieces} in the cart`);
  }
  const cart = part("cart");
  if (cart && (lines.length > 0 || cart.querySelector(".cart-lines"))) cart.replaceChildren(...contents(lines));
}

function contents(lines: Line[]): Node[] {
  const first = lines[0];
  if (!first) {
    const link = make("a", { href: "/" }, ["Find something to keep"]);
    return [make("p", { className: "cart-empty" }, ["Your cart is empty. ", link])];
  }
  const total = lines.reduce((sum, { price, quantity }) => sum + price * quantity, 0);
  return [
    make("ul", { className: "cart-lines" }, lines.map(row)),
    make("div", { className: "cart-sum" }, [
      make("p", { className: "cart-total" }, [`Total ${money(total, first.currency)}`]),
      button("Check out", "button", () => checkOut(lines)),
    ]),
  ];
}

function row(line: Line): HTMLElement {
  const amount = `${line.quantity > 1 ? `${line.quantity} x ` : ""}${money(line.price, line.currency)}`;
  const away = button("Remove", "as-link", () => remove(line));
  away.setAttribute("aria-label", `Remove ${line.name}`);
  return make("li", { className: "cart-line" }, [
    make("img", { src: line.image, alt: "", width: 88, height: 88 }),
    make("a", { href: line.url }, [line.name]),
    make("span", { className: "cart-amount" }, [amount]),
    away,
  ]);
}

function checkOut(lines: Line[]): void {
  tell("begin_checkout", lines);
  const order = button("Place the order", "button", () => {
    tell("purchase", lines);
    write([]);
    part("cart")?.replaceChildren(
      make("p", { className: "cart-empty", role: "status" }, [
        "Thank you. This was a demonstration: nothing is charged and nothing is sent.",
      ]),
    );
  });
  part("cart")?.append(
    make("div", { className: "cart-sum" }, [
      make("p", {}, ["This is a demonstration: no address and no payment."]),
      order,
    ]),
  );
  order.focus();
}

/** Shows what the tab's cart holds. */
export function startCart(): void {
  show();
}
