/**
 * The shop's own server, as a program of its own: one page, the same under every path, over connections that are kept.
 *
 * Usage: node upstream.mjs FILE     it writes its port to stdout
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const page = readFileSync(/** @type {string} */ (process.argv[2]));
const headers = { "content-type": "text/html; charset=utf-8", "content-length": page.length, "cache-control": "public, max-age=60" };

const server = createServer({ keepAliveTimeout: 120_000 }, (_, response) => void response.writeHead(200, headers).end(page));
server.listen(0, "127.0.0.1", () => {
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  process.stdout.write(`${port}\n`);
});
// Whoever started it has ended.
process.stdin.resume().once("end", () => process.exit());
