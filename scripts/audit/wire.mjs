/**
 * What leaves a visitor's device, on the wire: a proxy between one visitor's browser and the shop, so that every request is seen with the
 * headers and the body that went out, whoever made it: a page, a frame, a worker or a Service Worker.
 *
 * Invariant: nothing is passed on but to the shop; whatever else is asked for is recorded and refused.
 */
import { Agent, createServer, request as ask } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * @typedef {object} Sent one request
 * @property {string} method `CONNECT` for what is encrypted or no HTTP, of which but the host is seen
 * @property {string} url
 * @property {Record<string, string>} headers as they went out, but those for the proxy itself
 * @property {string} body
 * @property {string} destination what it was for, as the browser says: `document`, `script`, `image`, `worker`, `empty` for `fetch`
 * @property {number} status of the answer; 0 where the page was left before it came
 */

/** How long nothing is asked until it counts as quiet, and how long that is waited for, in milliseconds. */
const STILL = 400;
const LONGEST = 30_000;

/** For the proxy, and not passed on. */
const OURS = new Set(["proxy-connection", "proxy-authorization"]);

/** @param {string[]} raw names and values by turns */
function headersOf(raw) {
  /** @type {Record<string, string>} */
  const headers = {};
  for (let at = 0; at < raw.length; at += 2) {
    const name = String(raw[at]).toLowerCase();
    if (OURS.has(name)) continue;
    headers[name] = headers[name] === undefined ? String(raw[at + 1]) : `${headers[name]}, ${raw[at + 1]}`;
  }
  return headers;
}

/**
 * @param {string} shop the shop's origin
 * @returns {Promise<{ server: string, sent: Sent[], given: string[], quiet: () => Promise<void>, stop: () => void }>} `server` is the proxy's
 *   address, `given` the `Set-Cookie` headers that came back; `quiet` waits until nothing is under way and nothing has been asked for a while,
 *   and throws where the shop did not answer
 */
export async function openWire(shop) {
  /** @type {Sent[]} */
  const sent = [];
  /** @type {string[]} */
  const given = [];
  /** @type {string[]} */
  const failed = [];
  // The edge closes lines that are still for five seconds, and what is asked on one just then is lost: each request has its own.
  const agent = new Agent({ keepAlive: false });
  let [underWay, last] = [0, performance.now()];
  const note = (/** @type {import("node:http").IncomingMessage} */ { method = "", url = "", rawHeaders }) => {
    const headers = headersOf(rawHeaders);
    const made = { method, url, headers, body: "", destination: headers["sec-fetch-dest"] ?? "", status: 0 };
    sent.push(made);
    last = performance.now();
    return made;
  };
  const server = createServer((request, response) => {
    const made = note(request);
    underWay += 1;
    response.on("close", () => {
      underWay -= 1;
      last = performance.now();
    });
    request.toArray().then((pieces) => {
      const body = Buffer.concat(pieces);
      made.body = body.toString();
      if (new URL(made.url).origin !== shop) return response.writeHead(403).end();
      // Read whole, whether the browser still wants it or not: the edge is not to see a line that breaks.
      const onward = ask(made.url, { method: made.method, headers: made.headers, agent }, (answer) => {
        made.status = answer.statusCode ?? 0;
        given.push(...(answer.headers["set-cookie"] ?? []));
        answer.toArray().then((whole) => response.writeHead(made.status, answer.rawHeaders).end(Buffer.concat(whole)), fail);
      });
      const fail = (/** @type {Error} */ { message }) => {
        failed.push(`${made.url}: ${message}`);
        response.destroy();
      };
      onward.on("error", fail);
      onward.end(body);
    }, () => response.destroy());
  });
  for (const kind of ["connect", "upgrade"]) {
    server.on(kind, (request, socket) => {
      note(request);
      socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    });
  }
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    server: `http://127.0.0.1:${port}`,
    sent,
    given,
    async quiet() {
      // What a page asks for as it is left takes a moment to come.
      const begun = performance.now();
      const end = begun + LONGEST;
      while (underWay > 0 || performance.now() - Math.max(last, begun) < STILL) {
        if (performance.now() > end) throw new Error(`requests go on for ${LONGEST} ms: ${sent.slice(-3).map(({ url }) => url).join(" ")}`);
        await sleep(20);
      }
      if (failed.length > 0) throw new Error(`the shop did not answer: ${failed.join("; ")}`);
    },
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
