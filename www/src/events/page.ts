/**
 * What the page itself says of what the visitor looks at: the item that it is about, also where a single-page application shows one after the
 * other, and how long the visitor stays.
 *
 * Invariant: while it is stopped, nothing is read and no time is counted.
 */
import { Dwell } from "./dwell.js";
import { readProduct } from "./product.js";

/** How long the page's changes may gather before it is read again, in milliseconds. */
const GATHER = 100;
/** What says what a page is about. */
const SAYS = 'script[type="application/ld+json" i], link[rel~="canonical" i], [itemscope]';

/** What is told. */
export interface Reader {
  /** The page is about this item from now on. */
  view(item: string): void;
  /** The visitor stayed long with an item. */
  stay(item: string): void;
  /** Another page is shown in this document. */
  moved(): void;
}

/** The part of an address that makes it another page: one that applications route by has a path in its fragment. */
function pageOf({ pathname, search, hash }: Location): string {
  return pathname + search + (/^#!?\//.test(hash) ? hash : "");
}

export class Page {
  readonly #reader: Reader;
  readonly #dwell: Dwell;
  readonly #changes = new MutationObserver((records) => this.#changed(records));
  #running: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #page = "";
  #item: string | undefined;

  constructor(reader: Reader) {
    this.#reader = reader;
    this.#dwell = new Dwell((item) => reader.stay(item));
  }

  /** Reads the page, and goes on reading it as it changes. */
  start(): void {
    if (this.#running) return;
    this.#running = new AbortController();
    this.#page = pageOf(location);
    this.#item = undefined;
    followHistory(() => this.#moved(), this.#running.signal);
    this.#changes.observe(document, { subtree: true, childList: true, characterData: true, attributeFilter: ["href", "content", "itemscope"] });
    this.#read();
  }

  stop(): void {
    this.#running?.abort();
    this.#running = undefined;
    this.#changes.disconnect();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#dwell.start();
  }

  /** The visitor looks at an item, says who else tells of it. */
  viewed(item: string): void {
    if (this.#running) this.#dwell.start(item);
  }

  #moved(): void {
    const page = pageOf(location);
    if (page === this.#page) return;
    this.#page = page;
    this.#reader.moved();
    // What schema.org data still says is the last page's, until it changes.
    if (this.#item === undefined) this.#dwell.start();
    this.#readSoon();
  }

  #changed(records: MutationRecord[]): void {
    const says = (node: globalThis.Node) => node instanceof Element && (node.matches(SAYS) || node.querySelector(SAYS) !== null);
    const isMeant = ({ target, addedNodes, removedNodes }: MutationRecord) =>
      (target instanceof Element ? target : target.parentElement)?.closest(SAYS) || [...addedNodes, ...removedNodes].some(says);
    if (records.some(isMeant)) this.#readSoon();
  }

  /** Changes do not put it off: a page that never stands still is read as well. */
  #readSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#read();
    }, GATHER);
  }

  #read(): void {
    const item = readProduct(document);
    if (item === this.#item) return;
    this.#item = item;
    this.#dwell.start(item);
    if (item !== undefined) this.#reader.view(item);
  }
}

/** Tells of each navigation within the document. */
function followHistory(moved: () => void, signal: AbortSignal): void {
  if ("navigation" in window && window.navigation) {
    window.navigation.addEventListener("currententrychange", moved, { signal });
    return;
  }
  for (const name of ["pushState", "replaceState"] as const) {
    const own = history[name];
    history[name] = function (...state) {
      own.apply(this, state);
      if (!signal.aborted) moved();
    };
  }
  for (const type of ["popstate", "hashchange"]) window.addEventListener(type, moved, { signal });
}
