/**
 * What the visitor does, in GA4's names: from the page's `dataLayer`, its schema.org Product, what is seen of its slots, and clicks on cards.
 * Loaded when the visitor first agrees.
 *
 * Invariants: a page's view of an item is recorded once, whichever of them says so, and so is that it was shown; where there is no consent
 * yet, nothing is kept aside: after a yes the page is read again. Whatever a page pushes, its push goes on.
 */
import type { EventKind } from "../../element.js";
import { KINDS } from "../ranking/kinds.js";
import { Page } from "./page.js";
import { isObject } from "./product.js";

type Record = (kind: EventKind, items: string[]) => Promise<void>;

/** What GA4 knows: `dismiss` is our own. */
const KNOWN: ReadonlySet<string> = new Set(KINDS.filter((kind) => kind !== "dismiss"));
/** Of a list that was shown: more would push out of the profile what says more. */
const IMPRESSIONS = 4;
/** The most items of an event, as GA4 has it. */
const MOST = 200;
/** How long cards that were seen gather before they are recorded together, in milliseconds. */
const GATHER = 2000;

/** Ids of an event's items, each once however many of it there are. */
function idsOf(items: unknown[]): string[] {
  const ids = items.slice(0, MOST).flatMap((item) => {
    const id = isObject(item) ? (item["item_id"] ?? item["id"]) : undefined;
    return (typeof id === "string" && id) || Number.isFinite(id) ? [String(id)] : [];
  });
  return [...new Set(ids)];
}

/**
 * The event in an entry of `dataLayer`: GTM's `{ event, ecommerce: { items } }` or gtag's `["event", name, { items }]`.
 * @param ecommerce what an entry before it has said without an event
 */
export function readEntry(entry: unknown, ecommerce?: unknown): { kind: EventKind; items: string[] } | undefined {
  if (!isObject(entry)) return undefined;
  const [name, data] = entry["0"] === "event" ? [entry["1"], entry["2"]] : [entry["event"], "ecommerce" in entry ? entry["ecommerce"] : ecommerce];
  if (typeof name !== "string" || !KNOWN.has(name) || !isObject(data) || !Array.isArray(data["items"])) return undefined;
  const kind = name as EventKind;
  const items = idsOf(data["items"]);
  return { kind, items: kind === "view_item_list" ? items.slice(0, IMPRESSIONS) : items };
}

export class Events {
  readonly #record: Record;
  readonly #allowed: () => boolean;
  readonly #layer: unknown[];
  readonly #page = new Page({
    view: (item) => this.#add("view_item", [item]),
    // As if they had come back to it: the model has learned what that says.
    stay: (item) => void (this.#allowed() && this.#record("view_item", [item])),
    moved: () => this.#turn(),
  });
  #taken = new WeakSet<object>();
  /** `ecommerce` that was pushed without an event, for those that come after it. */
  #ecommerce: unknown;
  #viewed = new Set<string>();
  #shown = new Set<string>();
  #seen: string[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Listens from now on; {@link Events.readPage} takes in what the page has said before.
   * @param name of the layer
   */
  constructor(record: Record, allowed: () => boolean, name: string) {
    this.#record = record;
    this.#allowed = allowed;
    this.#layer = this.#listen(name);
    // The middle button opens a link in another tab, which is no "click".
    for (const type of ["click", "auxclick"] as const) document.addEventListener(type, (event) => event.button < 2 && this.#click(event), { capture: true });
    document.addEventListener("pocketrank:seen", ({ target }) => this.#see(target));
    document.addEventListener("visibilitychange", () => document.hidden && this.#flush());
    window.addEventListener("pagehide", () => this.#flush());
  }

  /** Takes in what the page says of itself. */
  readPage(): void {
    for (const entry of [...this.#layer]) this.#take(entry);
    this.#page.start();
  }

  /** Forgets what was taken in, so that the page can be read anew after another yes. */
  reset(): void {
    this.#taken = new WeakSet();
    this.#ecommerce = undefined;
    this.#seen = [];
    this.#turn();
    this.#page.stop();
  }

  /** Another page begins, in this document. */
  #turn(): void {
    this.#viewed = new Set();
    this.#shown = new Set();
  }

  #listen(name: string): unknown[] {
    const page = window as unknown as { [name: string]: unknown };
    const layer = (page[name] ??= []);
    if (!Array.isArray(layer) || !Object.isExtensible(layer)) {
      console.warn(`pocketrank: window.${name} is no array that grows, and is not read`);
      return [];
    }
    const push = layer.push;
    layer.push = (...entries: unknown[]) => {
      const length = push.apply(layer, entries);
      for (const entry of entries) this.#take(entry);
      return length;
    };
    return layer;
  }

  #take(entry: unknown): void {
    if (!this.#allowed() || !isObject(entry) || this.#taken.has(entry)) return;
    this.#taken.add(entry);
    try {
      const event = readEntry(entry, this.#ecommerce);
      if (entry["0"] !== "event" && "ecommerce" in entry) this.#ecommerce = "event" in entry ? undefined : entry["ecommerce"];
      if (event) this.#add(event.kind, event.items);
    } catch (error) {
      // An entry may throw where it is read. It is the page that pushes, and that goes on.
      console.warn("pocketrank: an entry of the data layer cannot be read", error);
    }
  }

  #click({ target }: Event): void {
    const link = target instanceof Element ? target.closest("a") : null;
    const card = link?.closest<HTMLElement>("[data-pocketrank-slot] [data-item]");
    if (card?.dataset.item !== undefined) this.#add("select_item", [card.dataset.item]);
  }

  /** Half of a card was in view for a second. */
  #see(card: EventTarget | null): void {
    const item = card instanceof HTMLElement ? card.dataset.item : undefined;
    if (!item || !this.#allowed()) return;
    this.#seen.push(item);
    this.#timer ??= setTimeout(() => this.#flush(), GATHER);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#add("view_item_list", [...new Set(this.#seen.splice(0))]);
  }

  #add(kind: EventKind, items: string[]): void {
    if (!this.#allowed()) return;
    const before = { view_item: this.#viewed, view_item_list: this.#shown }[kind as string];
    const added = before ? items.filter((item) => !before.has(item)) : items;
    for (const item of added) before?.add(item);
    if (added.length === 0) return;
    if (kind === "view_item" && added.length === 1) this.#page.viewed(added[0] as string);
    void this.#record(kind, added);
  }
}
