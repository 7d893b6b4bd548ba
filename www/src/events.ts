/**
 * What the visitor does, in GA4's names: from the page's `dataLayer`, its schema.org Product and clicks on cards.
 *
 * Invariant: a page's view of an item is recorded once, whichever of them says so; where there is no consent yet, nothing
 * is kept aside: after a yes the page is read again.
 */
import type { EventKind } from "../element.js";

type Record = (kind: EventKind, items: string[]) => Promise<void>;

const KINDS: ReadonlySet<string> = new Set([
  "view_item_list",
  "select_item",
  "view_item",
  "add_to_wishlist",
  "add_to_cart",
  "remove_from_cart",
  "begin_checkout",
  "purchase",
]);
/** Of a list that was shown: more would push out of the profile what says more. */
const IMPRESSIONS = 4;

function isObject(value: unknown): value is { [key: string]: unknown } {
  return typeof value === "object" && value !== null;
}

/** The event in an entry of `dataLayer`: GTM's `{ event, ecommerce: { items } }` or gtag's `["event", name, { items }]`. */
export function readEntry(entry: unknown): { kind: EventKind; items: string[] } | undefined {
  if (!isObject(entry)) return undefined;
  const [name, data] = entry["0"] === "event" ? [entry["1"], entry["2"]] : [entry["event"], entry["ecommerce"]];
  if (typeof name !== "string" || !KINDS.has(name) || !isObject(data) || !Array.isArray(data["items"]))
    return undefined;
  const kind = name as EventKind;
  const ids = data["items"].flatMap((item: unknown) => {
    const id = isObject(item) ? item["item_id"] : undefined;
    return typeof id === "string" || typeof id === "number" ? [String(id)] : [];
  });
  return { kind, items: kind === "view_item_list" ? ids.slice(0, IMPRESSIONS) : ids };
}

/** The item that the page is about, by its schema.org Product. */
export function readProduct(page: Document): string | undefined {
  for (const block of page.querySelectorAll('script[type="application/ld+json"]')) {
    let data: unknown;
    try {
      data = JSON.parse(block.textContent ?? "");
    } catch {
      // Not ours to mend: search engines report such blocks to the shop.
      continue;
    }
    if (isObject(data) && data["@type"] === "Product" && typeof data["sku"] === "string") return data["sku"];
  }
  return undefined;
}

export class Events {
  readonly #record: Record;
  readonly #allowed: () => boolean;
  readonly #layer: unknown[];
  #taken = new WeakSet<object>();
  #viewed = new Set<string>();

  /** Listens from now on; {@link Events.readPage} takes in what the page has said before. */
  constructor(record: Record, allowed: () => boolean) {
    this.#record = record;
    this.#allowed = allowed;
    this.#layer = window.dataLayer ??= [];
    const push = this.#layer.push;
    this.#layer.push = (...entries) => {
      const length = push.apply(this.#layer, entries);
      for (const entry of entries) this.#take(entry);
      return length;
    };
    document.addEventListener("click", (event) => this.#click(event), { capture: true });
  }

  /** Takes in what the page says of itself. */
  readPage(): void {
    for (const entry of [...this.#layer]) this.#take(entry);
    const product = readProduct(document);
    if (product !== undefined) this.#add("view_item", [product]);
  }

  /** Forgets what was taken in, so that the page can be read anew after another yes. */
  reset(): void {
    this.#taken = new WeakSet();
    this.#viewed = new Set();
  }

  #take(entry: unknown): void {
    if (!this.#allowed() || !isObject(entry) || this.#taken.has(entry)) return;
    this.#taken.add(entry);
    const event = readEntry(entry);
    if (event) this.#add(event.kind, event.items);
  }

  #click({ target }: Event): void {
    const link = target instanceof Element ? target.closest("a") : null;
    const card = link?.closest<HTMLElement>("[data-pocketrank-slot] [data-item]");
    if (card?.dataset.item !== undefined) this.#add("select_item", [card.dataset.item]);
  }

  #add(kind: EventKind, items: string[]): void {
    if (!this.#allowed()) return;
    const added = kind === "view_item" ? items.filter((item) => !this.#viewed.has(item)) : items;
    if (kind === "view_item") added.forEach((item) => this.#viewed.add(item));
    void this.#record(kind, added);
  }
}
