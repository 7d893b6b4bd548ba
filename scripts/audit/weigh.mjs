/** What journal and records of a page share. These functions run in the page, where their text is put: {@link inPage}. */

/**
 * Bytes of a value: of texts in UTF-8, eight of a number.
 * @param {unknown} value
 * @returns {number}
 */
export function weigh(value) {
  if (value === null || value === undefined) return 0;
  if (typeof value === "string") return new TextEncoder().encode(value).length;
  if (typeof value === "number" || typeof value === "bigint") return 8;
  if (typeof value !== "object") return 1;
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return value.byteLength;
  if (value instanceof Blob) return value.size;
  if (value instanceof Map || value instanceof Set) return weigh([...value]);
  return Object.entries(value).reduce((sum, [key, each]) => sum + weigh(key) + weigh(each), 0);
}

/**
 * A value to be read by people, shortened.
 * @param {unknown} value
 */
export function show(value) {
  const plain = (/** @type {string} */ _, /** @type {unknown} */ each) => (ArrayBuffer.isView(each) ? `${each.byteLength} bytes` : each);
  return (typeof value === "string" ? value : String(JSON.stringify(value, plain))).slice(0, 500);
}

/**
 * A call of a function as text, with what it needs beside it.
 * @param {Function} call
 * @param {string} [argument]
 */
export function inPage(call, argument = "") {
  return `(() => { ${weigh}\n${show}\n${call}\nreturn ${call.name}(${JSON.stringify(argument)}); })()`;
}
