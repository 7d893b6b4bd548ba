/**
 * The item that a page is about, by its schema.org data: JSON-LD, or microdata where it has none of that.
 *
 * Invariant: a page that shows several products and does not say which one it is about, is about none of them.
 */

type Node = { [key: string]: unknown };

const TYPE = /^(https?:\/\/schema\.org\/|schema:)?(IndividualProduct|Product|ProductGroup|ProductModel|SomeProducts)$/;
/** What a shop names an item by, the likeliest first. */
const IDS = ["sku", "productID", "gtin", "gtin14", "gtin13", "gtin12", "gtin8", "productGroupID"];
/** Deeper than any page nests lists and graphs. */
const DEPTH = 6;

export function isObject(value: unknown): value is Node {
  return typeof value === "object" && value !== null;
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value];
}

/** An id as shops write it: a text that is not empty, or a number. */
export function idOf(value: unknown): string | undefined {
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  return typeof value === "string" && value.trim() ? value.trim() : undefined;
}

/** Products that a block is about, not those in its lists. */
function products(value: unknown, depth = DEPTH): Node[] {
  if (depth === 0 || !isObject(value)) return [];
  if (Array.isArray(value)) return value.flatMap((each) => products(each, depth - 1));
  const isProduct = list(value["@type"]).some((type) => typeof type === "string" && TYPE.test(type));
  return isProduct ? [value] : [value["@graph"], value["mainEntity"]].flatMap((each) => products(each, depth - 1));
}

function inJson(page: Document): Node[] {
  return [...page.querySelectorAll('script[type="application/ld+json" i]')].flatMap(({ textContent }) => {
    try {
      return products(JSON.parse(textContent));
    } catch {
      // Not ours to mend: search engines report such blocks to the shop.
      return [];
    }
  });
}

/** As JSON-LD would say it. */
function inMarkup(page: Document): Node[] {
  return [...page.querySelectorAll("[itemscope][itemtype]:not([itemprop])")].flatMap((scope) => {
    const node: Node = { "@type": scope.getAttribute("itemtype")?.split(/\s+/) };
    for (const name of [...IDS, "url"]) {
      // What stands in another thing, such as an offer, is that one's.
      const found = [...scope.querySelectorAll(`[itemprop~="${name}"]`)].find((element) => element.parentElement?.closest("[itemscope]") === scope);
      node[name] = ["content", "href", "value"].map((attribute) => found?.getAttribute(attribute)).find(Boolean) ?? found?.textContent;
    }
    return products(node);
  });
}

/** The addresses that the page goes by. */
function addresses(page: Document): string[] {
  const canonical = page.querySelector<HTMLLinkElement>('link[rel~="canonical" i]')?.href;
  return [page.URL, canonical ?? ""].map(bare);
}

function bare(address: string): string {
  return address.replace(/#.*/, "");
}

/** The shop's id of the item that the page is about. */
export function readProduct(page: Document): string | undefined {
  const here = addresses(page);
  const isHere = ({ url }: Node) => typeof url === "string" && URL.canParse(url, page.baseURI) && here.includes(bare(new URL(url, page.baseURI).href));
  const own = (node: Node) => IDS.map((name) => idOf(list(node[name])[0])).find(Boolean);
  const json = inJson(page);
  const found = (json.length > 0 ? json : inMarkup(page)).map((node) => {
    // The page of a variant shows that one, not its group.
    const variant = list(node["hasVariant"]).find((each): each is Node => isObject(each) && isHere(each));
    return { id: (variant && own(variant)) ?? own(node), isHere: variant !== undefined || isHere(node) };
  });
  const only = (all: typeof found) => {
    const ids = [...new Set(all.flatMap(({ id }) => id ?? []))];
    return ids.length === 1 ? ids[0] : undefined;
  };
  return only(found) ?? only(found.filter(({ isHere }) => isHere));
}
