/**
 * Cards that a slot's template makes. Loaded when a slot needs them: one with the shop's own cards never does.
 *
 * Invariant: they are what the edge makes of the same item in the same place.
 */
import type { CandidateItem, Slot } from "../../element.js";
import type { RenderOptions } from "../../render.js";
import { coded } from "../coded.js";
import { got } from "../options.js";
import { nodesOf } from "./nodes.js";
import { Renderer } from "../render.js";

/** As `slot_options` in src/edge.rs takes it. */
const COUNT = /^\s*\+?0*[1-9]\d*\s*$/;

export class Cards {
  readonly #slot: HTMLElement;
  readonly #items: readonly CandidateItem[];
  readonly #ranker: Slot["ranker"];
  readonly #renderer: Renderer;

  /** @throws where the slot does not say how many cards there are to be, as the edge refuses it */
  constructor(slot: HTMLElement, { ranker, items }: Slot) {
    const { pocketrankCount = "12" } = slot.dataset;
    if (!COUNT.test(pocketrankCount)) throw coded("invalid_option", `data-pocketrank-count must be a number from 1; it is ${got(pocketrankCount)}`);
    this.#slot = slot;
    this.#items = items;
    this.#ranker = ranker;
    this.#renderer = new Renderer(ranker, items);
  }

  /** What the template makes of the first items, as a server puts it into a slot. */
  all(template: string | undefined, count: number): Node {
    return nodesOf(new Renderer(this.#ranker, this.#items.slice(0, count)).slot(this.#options(template)));
  }

  /** An item's card in a place, from 0, of `count`. */
  card(index: number, template: string | undefined, place: number, count: number): HTMLElement | undefined {
    const made = nodesOf(this.#renderer.item(index, { ...this.#options(template), place, count })).firstElementChild;
    return made instanceof HTMLElement ? made : undefined;
  }

  #options(template: string | undefined): RenderOptions {
    const { pocketrankVisitor: visitor, pocketrankUtcOffset: utcOffset } = this.#slot.dataset;
    return { template, lang: this.#slot.lang || document.documentElement.lang, visitor, utcOffset };
  }
}
