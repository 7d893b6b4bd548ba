/** A scripted origin: what was published, and every way in which it may not arrive. */
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** @typedef {"manifest" | "delta" | "snapshot" | "file"} Kind */
/**
 * @typedef {(response: import("node:http").ServerResponse, whole: Uint8Array) => void} Fault answers instead of the origin, which would send
 *   `whole`
 */

/** @param {string} path @returns {Kind} */
function kindOf(path) {
  const [, kind] = /^\/(?:models\/)?(manifest|snapshot|delta|file)/.exec(path) ?? [];
  return /** @type {Kind} */ (kind ?? "manifest");
}

/** The ways. @type {Record<string, Fault>} */
export const faults = {
  down: (response) => void response.destroy(),
  "500": (response) => void response.writeHead(500).end("out of order"),
  "404": (response) => void response.writeHead(404).end(),
  "429": (response) => void response.writeHead(429, { "retry-after": "1" }).end(),
  stall: () => undefined,
  "stall after a half": (response, whole) => void response.writeHead(200, { "content-length": whole.length }).write(whole.subarray(0, whole.length >> 1)),
  cut: (response, whole) => {
    response.writeHead(200, { "content-length": whole.length }).write(whole.subarray(0, whole.length >> 1), () => setTimeout(() => response.destroy(), 20));
  },
  short: (response, whole) => void response.end(whole.subarray(0, -1)),
  changed: (response, whole) => void response.end(whole.map((byte, at) => (at === whole.length - 9 ? byte ^ 4 : byte))),
  other: (response) => void response.end("<!doctype html><title>Sign in</title>"),
  "redirect loop": (response) => void response.writeHead(302, { location: "?again" }).end(),
  "10 GB announced": (response, whole) => {
    response.writeHead(200, { "content-length": 10_000_000_000 });
    const piece = Buffer.alloc(65_536, whole);
    const more = () => {
      while (!response.destroyed && response.write(piece));
    };
    response.on("drain", more);
    more();
  },
};

/**
 * @typedef {object} Origin
 * @property {string} url where the manifest's folder is
 * @property {Kind[]} asked what was asked for, one after another
 * @property {(files: import("./published.mjs").Files) => void} publish what is there from now on, beside what was
 * @property {(fault: Fault | undefined, kinds?: Kind[]) => void} fail what happens to requests of these kinds, or of all, from now on
 * @property {(kind: Kind, count?: number) => Promise<void>} saw waits until that was asked for so many times
 * @property {() => number} sent bytes that left so far
 * @property {() => Promise<void>} stop
 */

/** @returns {Promise<Origin>} */
export async function startOrigin() {
  /** @type {Map<string, Uint8Array>} */
  const files = new Map();
  /** @type {Kind[]} */
  const asked = [];
  /** @type {{ fault?: Fault | undefined, kinds?: Kind[] | undefined }} */
  let now = {};
  /** @type {Set<import("node:net").Socket>} */
  const sockets = new Set();
  let sent = 0;
  // Who asks lets go first: an answer is never lost to a line that is just being closed.
  const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
    const path = new URL(request.url ?? "/", "http://origin").pathname;
    const kind = kindOf(path);
    asked.push(kind);
    const whole = files.get(path.replace("/models/", ""));
    if (!whole) return response.writeHead(404).end();
    if (now.fault && (now.kinds?.includes(kind) ?? true)) return now.fault(response, whole);
    response.writeHead(200, { "cache-control": kind === "manifest" ? "no-cache" : "public, max-age=31536000, immutable" }).end(whole);
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => {
      sent += socket.bytesWritten;
      sockets.delete(socket);
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}/models`,
    asked,
    publish: (more) => {
      for (const [path, content] of Object.entries(more)) files.set(path, Buffer.from(content));
    },
    fail: (fault, kinds) => void (now = { fault, kinds }),
    saw: async (kind, count = 1) => {
      while (asked.filter((one) => one === kind).length < count) await sleep(10);
    },
    sent: () => [...sockets].reduce((sum, socket) => sum + socket.bytesWritten, sent),
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve(undefined)));
    },
  };
}
