/** What the tests of a file share: opened before the first of them, closed after the last. */
import { after } from "node:test";

/**
 * Opens browsers, servers and the like side by side.
 * @template {unknown[]} Opening
 * @param {Opening} opening what has a `stop` or a `close` is ended after the tests, in this order
 * @returns {Promise<{ [K in keyof Opening]: Awaited<Opening[K]> }>}
 */
export async function share(...opening) {
  const opened = await Promise.all(opening);
  after(async () => {
    for (const one of /** @type {({ stop?: () => unknown, close?: () => unknown } | undefined)[]} */ (opened)) await (one?.stop ?? one?.close)?.call(one);
  });
  return /** @type {any} */ (opened);
}
