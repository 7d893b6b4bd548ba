/**
 * What a slot shows: what page and slate give to its template, as src/template/page.rs does at the edge.
 *
 * Invariant: all of it follows from the snapshot, the profile that the ranker has, the list and the page. It asks the runtime by the ranker
 * alone, so that it can be an entry of its own beside that of any host.
 */
import type { CandidateItem, Explanation, Ranker } from "../index.js";
import type { RenderOptions } from "../render.js";
import { coded } from "./coded.js";
import { fill, shown } from "./templates/fill.js";
import { formatPrice } from "./templates/price.js";
import { readTemplates, type Templates } from "./templates/templates.js";

function priceOf({ price, currency, price_text }: CandidateItem, lang: string): string {
  return formatPrice(lang, shown(price), shown(currency)) ?? shown(price_text);
}

/** The hour there; where the offset says nothing, no number. */
function hourAt(at: number, offset: string): number {
  if (!/^(z|[+-](0\d|1[0-4]):[0-5]\d)$/i.test(offset)) return NaN;
  return new Date(at * 1000 - Date.parse(`1970-01-01T00:00${offset.toUpperCase()}`)).getUTCHours();
}

/** The largest part of a score, of equal ones the first. */
function reason({ parts }: Explanation): string {
  return parts.reduce((best, part) => (part.value > best.value ? part : best), { name: "", value: 0 }).name;
}

type Runtime = Pick<Ranker, "templates" | "candidates" | "explain">;

export class Renderer {
  readonly #ranker: Runtime;
  readonly #items: readonly CandidateItem[];
  readonly #templates: Templates;
  #rows: Uint32Array | undefined;

  constructor(ranker: Runtime, items: readonly CandidateItem[]) {
    this.#ranker = ranker;
    this.#items = items;
    this.#templates = readTemplates(ranker.templates);
  }

  slot(options: RenderOptions = {}): string {
    const items = this.#items.map((item, index) => this.#place(item, index, options, index, this.#items.length));
    return fill(this.#templates, options.template, this.#page(options, items));
  }

  item(index: number, options: RenderOptions & { place?: number | undefined; count?: number | undefined } = {}): string {
    const { place = 0, count = this.#items.length } = options;
    const item = this.#items[index];
    if (!item) throw coded("invalid_option", `item ${index} is not one of ${this.#items.length}`);
    return fill(this.#templates, options.template, this.#page(options, []), this.#place(item, index, options, place, count));
  }

  #page({ lang = "", visitor = "", utcOffset = "", at = Date.now() / 1000 }: RenderOptions, items: object[]): object {
    const hour = hourAt(at, utcOffset);
    const is = (from: number, to: number) => hour >= from && hour < to;
    return { lang, visitor, morning: is(5, 12), afternoon: is(12, 18), evening: is(18, 23), night: hour < 5 || hour >= 23, items };
  }

  #place(item: CandidateItem, index: number, { lang = "" }: RenderOptions, place: number, count: number): object {
    let known: Explanation | undefined;
    // What no template asks for is not worked out.
    const why = () => (known ??= this.#ranker.explain(this.#all()[index] as number));
    const speaks = () => why().because.map(({ row }) => this.#items[this.#all().indexOf(row)]).find(Boolean) ?? null;
    return {
      ...item,
      price: priceOf(item, lang),
      position: place + 1,
      first: place === 0,
      last: place + 1 === count,
      get because() {
        return speaks();
      },
      get because_category() {
        return reason(why()) === "category";
      },
      get because_brand() {
        return reason(why()) === "brand";
      },
    };
  }

  /** The rows of all items. */
  #all(): Uint32Array {
    if (!this.#rows) {
      const candidates = this.#ranker.candidates(this.#items);
      this.#rows = candidates.rows;
      candidates.free();
    }
    return this.#rows;
  }
}
