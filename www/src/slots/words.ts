/**
 * The words that visitors read: English, or what the page has put in their place (docs/WORDS.md).
 *
 * Invariant: a word that the page does not give, or not as a text, is the English one. The proofreader says what is wrong with the page's.
 */

/** What holds the page's words: JSON, for its `lang` or for any language. */
export const SOURCE = "[data-pocketrank-words]";

/** Those of a carousel. */
export const CAROUSEL = {
  carousel: "carousel",
  slide: "slide",
  position: "{at} of {count}",
  previous: "Previous",
  next: "Next",
  why: "Why this?",
  why_item: "Why this? {name}",
};

/** Those of "Why this?". */
export const WHY = {
  title: "Why {name}?",
  close: "Close",
  dismiss: "Not for me",
  because_view_item_list: "Because you were shown {name}",
  because_select_item: "Because you looked at {name}",
  because_view_item: "Because you looked at {name}",
  because_here: "Because you are looking at {name}",
  because_add_to_wishlist: "Because you put {name} on your wish list",
  because_add_to_cart: "Because you put {name} in your cart",
  because_remove_from_cart: "Because you took {name} out of your cart",
  because_begin_checkout: "Because you went to the checkout with {name}",
  because_purchase: "Because you bought {name}",
  because_dismiss: "Because you said that {name} is not for you",
  neighbours: "It often goes with things you looked at",
  repeat: "You have shown interest in it before",
  factors: "People with tastes like yours choose it",
  content: "It is similar to things you looked at",
  category: "You often look around in its department",
  brand: "You often look at this brand",
  price_band: "It costs about as much as things you look at",
  popularity: "Many people choose it",
  trend: "More people choose it now than before",
  newness: "It is new in the shop",
  pin: "The shop has put it here",
  boost: "The shop shows more of its kind at the moment",
  none: "It belongs to this list, and nothing speaks for another order",
  note_contextual: "Every visitor sees this here. Nothing about you was used.",
  note_session: "Worked out on this device, from this visit alone.",
  note_persistent: "Worked out on this device, from what it remembers for you.",
};

/** The language around an element, as the page says it. */
export function langOf(element: Element): string {
  return element.closest<HTMLElement>("[lang]")?.lang ?? "";
}

/** The texts of a source; of one that cannot be read there are none. */
function read({ textContent }: Element): [string, unknown][] {
  try {
    return Object.entries(JSON.parse(textContent) as object).filter(([, text]) => typeof text === "string");
  } catch {
    return [];
  }
}

/**
 * The words for an element, those of its own language before those of a wider one (`de-AT`, `de`), and those before what is for any; and which language
 * they are, if it is not the one around it.
 */
export function wordsFor<T extends object>(element: Element, english: T): [words: T, lang: "" | "en"] {
  const lang = langOf(element).toLowerCase();
  const isMeant = ({ lang: own }: HTMLElement) => `${lang}-`.startsWith(own && `${own.toLowerCase()}-`);
  const sources = [...document.querySelectorAll<HTMLElement>(SOURCE)].filter(isMeant).sort((a, b) => a.lang.length - b.lang.length);
  const words = { ...english, ...(Object.fromEntries(sources.flatMap(read)) as T) };
  return [words, sources.length > 0 || /^(en\b|$)/.test(lang) ? "" : "en"];
}

/** A text with values in the place of `{name}`. */
export function fill(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (all, name: string) => String(values[name] ?? all));
}
