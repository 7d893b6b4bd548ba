/**
 * Prices as the page's language writes them, for some languages and currencies: src/template/price.rs in TypeScript.
 *
 * Invariant: what is formatted is what `Intl.NumberFormat` makes of it (a test compares all three). That itself would take a phone 50 ms at
 * once, when it is first used.
 */

/**
 * Languages, a line each, with slashes between: tags; decimal separator; separator of groups, and from how many digits on there are groups;
 * where the symbol goes, `<` or `>`, and what is between it and the number; symbols of currencies.
 */
const LOCALES = `en en-us/./,/4/</EUR€ GBP£ USD$
en-gb en-ie/./,/4/</EUR€ GBP£ USDUS$
de de-de/,/./4/>\xa0/EUR€ GBP£ USD$
fr fr-fr/,/\u202f/4/>\xa0/EUR€ GBP£GB USD$US
es es-es/,/./5/>\xa0/EUR€ GBPGBP USDUS$
it it-it/,/./5/>\xa0/EUR€ GBP£ USDUSD
nl nl-nl/,/./4/<\xa0/EUR€ GBP£ USDUS$
pl pl-pl/,/\xa0/5/>\xa0/EUR€ GBPGBP PLNzł USDUSD
sv sv-se/,/\xa0/4/>\xa0/EUR€ GBPGBP SEKkr USDUS$`
  .split("\n")
  .map((line) => line.split("/") as [string, string, string, string, string, string]);

/** `undefined` for other prices, languages and currencies. */
export function formatPrice(lang: string, price: string, currency: string): string | undefined {
  const [, whole, decimals = ""] = /^(?=\d{1,12}(?:\.|$))0*(\d+)(?:\.(\d\d?))?$/.exec(price) ?? [];
  const tag = lang.toLowerCase();
  const [, decimal, group = "", from, [side, ...gap] = "", symbols] = LOCALES.find(([tags]) => tags.split(" ").includes(tag)) ?? [];
  const symbol = /^[A-Z]{3}$/.test(currency) && symbols?.split(" ").find((symbol) => symbol.startsWith(currency))?.slice(3);
  if (whole === undefined || !symbol) return undefined;
  const grouped = whole.length < Number(from) ? whole : whole.replace(/\B(?=(\d{3})+$)/g, group);
  const number = `${grouped}${decimal}${decimals.padEnd(2, "0")}`;
  return side === "<" ? symbol + gap.join("") + number : number + gap.join("") + symbol;
}
