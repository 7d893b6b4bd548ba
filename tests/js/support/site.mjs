/** A server of static files for the tests: any free port of this machine, and a log of what was asked for. */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { Readable } from "node:stream";

const types = /** @type {Record<string, string>} */ ({
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".bin": "application/octet-stream",
});

/**
 * @typedef {(request: import("node:http").IncomingMessage) => { status?: number, headers?: Record<string, string>, body: string | Uint8Array | AsyncIterable<string> } | undefined} Answer
 */

/**
 * @param {string} folder
 * @param {Answer} [answer] is asked first; what it leaves undefined comes from the folder
 * @returns {Promise<{ url: string, requests: import("node:http").IncomingMessage[], stop: () => Promise<void> }>}
 */
export async function serveSite(folder, answer) {
  /** @type {import("node:http").IncomingMessage[]} */
  const requests = [];
  // Who asks lets go first: an answer is never lost to a line that is just being closed.
  const server = createServer({ keepAliveTimeout: 120_000 }, async (request, response) => {
    requests.push(request);
    const own = answer?.(request);
    if (own) {
      response.writeHead(own.status ?? 200, own.headers);
      const isWhole = typeof own.body === "string" || own.body instanceof Uint8Array;
      return isWhole ? response.end(own.body) : Readable.from(own.body).pipe(response);
    }
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const path = normalize(decodeURIComponent(pathname.endsWith("/") ? `${pathname}index.html` : pathname));
    try {
      const body = await readFile(join(folder, path));
      response.writeHead(200, { "content-type": types[extname(path)] ?? "application/octet-stream" }).end(body);
    } catch (error) {
      response.writeHead(404, { "content-type": "text/plain" }).end(`${path}: ${/** @type {Error} */ (error).message}`);
    }
  });
  await new Promise((resolve) => server.listen(0, "localhost", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://localhost:${port}`,
    requests,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
