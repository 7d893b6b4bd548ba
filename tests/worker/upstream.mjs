/** A scripted server of a shop: every answer is written by hand, as badly as need be. */
import { createServer } from "node:http";

/** @typedef {import("node:http").IncomingMessage} Request */
/** @typedef {import("node:http").ServerResponse} Response */
/** @typedef {(request: Request, response: Response) => unknown} Handler */

/**
 * @typedef {object} Upstream
 * @property {string} url
 * @property {Request[]} seen what was asked, one after another
 * @property {(handler: Handler) => void} answer what answers from now on
 * @property {() => Promise<void>} stop
 */

/** @param {Handler} handler @param {number} [port] any free one if not given @returns {Promise<Upstream>} */
export async function startUpstream(handler, port = 0) {
  /** @type {Request[]} */
  const seen = [];
  let answer = handler;
  // Who asks lets go first: an answer is never lost to a line that is just being closed.
  const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
    seen.push(request);
    response.on("error", () => undefined);
    answer(request, response);
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(undefined)));
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${address.port}`,
    seen,
    answer: (other) => void (answer = other),
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/**
 * Answers with a page.
 * @param {string | ((request: Request) => string)} html
 * @param {Record<string, string>} [headers]
 * @returns {Handler}
 */
export function html(html, headers = {}) {
  return (request, response) =>
    void response.writeHead(200, { "content-type": "text/html; charset=utf-8", ...headers }).end(typeof html === "string" ? html : html(request));
}
