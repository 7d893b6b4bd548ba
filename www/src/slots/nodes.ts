/**
 * What a template made, as DOM nodes: one element after another, so that no text ever becomes markup and Trusted Types have nothing to forbid.
 *
 * Invariant: it reads the HTML that templates compile to (src/template/html.rs): elements closed in their order, values in quotes, five
 * references. Anything else is an error, as a field of HTML can hold it.
 */
import { REFERENCES } from "../templates/fill.js";

const TOKEN = /<!--[^]*?--!?>|<(\/?)([a-zA-Z][\w-]*)((?:(?:\s+|(?<=["']))[\w.:-]+(?:=\s*(?:"[^"]*"|'[^']*'))?)*)\s*(\/?)>|[^<]+/y;
const ATTRIBUTE = /([\w.:-]+)(?:=\s*("[^"]*"|'[^']*'))?/g;
const REFERENCE = /&(?:amp|lt|gt|quot|#39);/g;
const VOID = /^(area|br|col|embed|hr|img|input|link|source|track|wbr)$/i;
const CHARACTERS = new Map(Object.entries(REFERENCES).map(([char, reference]) => [reference, char]));
const SVG = "http://www.w3.org/2000/svg";

function resolve(text: string): string {
  return text.replace(REFERENCE, (reference) => CHARACTERS.get(reference) ?? "");
}

/** The nodes of some HTML that a template made. */
export function nodesOf(html: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  const open: (DocumentFragment | Element)[] = [fragment];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < html.length) {
    const at = TOKEN.lastIndex;
    const [token, end, name, attributes, closed] = TOKEN.exec(html) ?? [];
    const parent = open.at(-1);
    if (token === undefined || !parent) throw new SyntaxError(`no HTML of a template: ${html.slice(at, at + 40)}`);
    if (!name) {
      if (!token.startsWith("<")) parent.append(resolve(token));
    } else if (end) {
      open.pop();
    } else {
      const foreign = /^svg$/i.test(name) || (parent instanceof SVGElement && !/^(title|desc)$/i.test(parent.localName));
      const element = foreign ? document.createElementNS(SVG, name) : document.createElement(name);
      for (const [, key = "", value = '""'] of (attributes ?? "").matchAll(ATTRIBUTE)) element.setAttribute(key, resolve(value.slice(1, -1)));
      parent.append(element);
      if (!closed && !(VOID.test(name) && !foreign)) open.push(element);
    }
  }
  return fragment;
}
