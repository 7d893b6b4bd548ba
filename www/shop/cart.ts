/**
 * The cart: numbers of products by their ids, and what they are from the shop's list. `cart-page.ts` shows it.
 *
 * Invariant: without consent nothing is stored: it is in the page's memory and goes along in the address. After a yes it is in the tab's storage,
 * and leaves that with the yes.
 */
import type { Pocketrank } from "../element.js";
import { carried, carry } from "./carry.js";
import { part, toast } from "./dom.js";
import { type Product, tell } from "./layer.js";

export interface Line {
  id: string;
  quantity: number;
}

const KEY = "cart";
/** More of one thing is a matter for a conversation. */
export const MOST = 99;

let lines: Line[] = [];
let mayStore = false;
const shown = new Set<() => void>();

/** `2*sku-1 1*sku-7`; what is not so, is none. */
function parse(text: string): Line[] {
  return text.split(" ").flatMap((word) => {
    const [, number = "", id = ""] = /^(\d{1,2})\*([^*]+)$/.exec(word) ?? [];
    const quantity = Number(number);
    return quantity > 0 && id !== "" ? [{ id: decode(id), quantity }] : [];
  });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The tab's storage, if the browser lets pages have it. */
function storage(): Storage | undefined {
  try {
    return window.sessionStorage;
  } catch {
    return undefined;
  }
}

/** Puts the cart where it may be. */
function keep(): void {
  const text = lines.map(({ id, quantity }) => `${quantity}*${encodeURIComponent(id)}`).join(" ");
  const isStored = mayStore && text !== "" && store(text);
  if (!isStored) storage()?.removeItem(KEY);
  carry("cart", isStored || text === "" ? undefined : text);
}

function store(text: string): boolean {
  try {
    storage()?.setItem(KEY, text);
    return storage() !== undefined;
  } catch {
    // The device is full; the address has room.
    return false;
  }
}

function show(): void {
  const pieces = lines.reduce((sum, { quantity }) => sum + quantity, 0);
  const badge = part("cart-count");
  if (badge) {
    badge.hidden = pieces === 0;
    badge.textContent = String(pieces);
  }
  for (const each of shown) each();
}

/** What is in it. */
export function cartLines(): readonly Line[] {
  return lines;
}

/** Calls when something has changed. */
export function onCart(act: () => void): void {
  shown.add(act);
}

/** Sets how many of a product are in it, and tells of it. */
export function setQuantity(product: Product, quantity: number): void {
  const line = lines.find(({ id }) => id === product.id);
  const had = line?.quantity ?? 0;
  const has = Math.max(0, Math.min(quantity, MOST));
  if (has === had) return;
  if (line) line.quantity = has;
  else lines.push({ id: product.id, quantity: has });
  lines = lines.filter((each) => each.quantity > 0);
  keep();
  show();
  tell(has > had ? "add_to_cart" : "remove_from_cart", [{ ...product, quantity: Math.abs(has - had) }]);
}

/** Puts one of a product in. */
export function addToCart(product: Product): void {
  setQuantity(product, (lines.find(({ id }) => id === product.id)?.quantity ?? 0) + 1);
  toast("In your cart");
}

/** Empties the cart. */
export function emptyCart(): void {
  lines = [];
  keep();
  show();
}

/** Shows what came along to this page. */
export function startCart(): void {
  const read = (): void => {
    lines = parse(storage()?.getItem(KEY) ?? carried("cart") ?? "");
    show();
  };
  read();
  // A page that the browser kept as it was may be behind the others of the tab.
  window.addEventListener("pageshow", ({ persisted }) => {
    if (persisted && mayStore) read();
  });
}

/** Stores the cart while there is a yes, and only then. */
export function keepCart(pocketrank: Pocketrank): void {
  const update = (): void => {
    mayStore = pocketrank.mode !== "contextual";
    keep();
  };
  update();
  pocketrank.addEventListener("change", update);
}
