/**
 * HTML by tagged template. Invariant: whatever is filled in is escaped, unless it is HTML made here or by the runtime.
 */

/** HTML that needs no escaping any more. */
export class Html {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
  }

  toString() {
    return this.text;
  }
}

/** @type {Record<string, string>} */
const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

/**
 * @param {unknown} value
 * @returns {string}
 */
function fill(value) {
  if (value === undefined || value === null || value === false) return "";
  if (value instanceof Html) return value.text;
  if (Array.isArray(value)) return value.map(fill).join("");
  return String(value).replace(/[&<>"']/g, (char) => entities[char] ?? "");
}

/**
 * @param {TemplateStringsArray} texts
 * @param {...unknown} values nothing for undefined, null and false
 */
export function html(texts, ...values) {
  return new Html(texts.reduce((out, text, at) => out + fill(values[at - 1]) + text));
}

/**
 * A data block that the page carries, such as schema.org's; no `<` is left that could end it.
 * @param {string} type
 * @param {unknown} value
 */
export function dataBlock(type, value) {
  const json = JSON.stringify(value).replaceAll("<", "\\u003c");
  return html`<script type="${type}">${new Html(json)}</script>`;
}
