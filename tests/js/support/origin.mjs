/** An origin that hosts follow: published by the CLI, served with the faults that a test asks for. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { cli } from "../../../scripts/build.mjs";
import { root } from "../../../scripts/process.mjs";

/** @typedef {import("node:http").ServerResponse} Response */
/** @typedef {(response: Response, body: Buffer) => unknown} Fault answers in place of the file that was asked for */

/** For whom it publishes. */
export const AUDIENCE = "shop.example/test";

const types = /** @type {Record<string, string>} */ ({
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
});

const golden = (/** @type {string} */ name) => join(root, "tests/fixtures", name);

/** A snapshot and two that follow it by deltas. */
function makeSnapshots(/** @type {string} */ folder) {
  const deltas = ["random-changed-v1.delta", "random-again-v1.delta"].map(golden);
  const made = deltas.map((_, at) => {
    const path = join(folder, `${at}.bin`);
    execFileSync(cli(), ["apply", golden("random-v1.bin"), ...deltas.slice(0, at + 1), "-o", path], { stdio: ["ignore", "ignore", "inherit"] });
    return path;
  });
  return /** @type {[string, string, string]} */ ([golden("random-v1.bin"), ...made]);
}

/** @type {Record<string, Fault>} */
export const faults = {
  "cut off": (response, body) => {
    response.writeHead(200, { "content-length": body.length }).write(body.subarray(0, body.length >> 1));
    setTimeout(() => response.destroy(), 20);
  },
  stalled: (response, body) => void response.writeHead(200, { "content-length": body.length }).write(body.subarray(0, body.length >> 1)),
  "answered by 500": (response) => response.writeHead(500).end(),
  "answered by 404": (response) => response.writeHead(404).end(),
  "led in circles": (response) => response.writeHead(302, { location: response.req.url ?? "" }).end(),
  "10 GB long": async (response) => {
    response.writeHead(200, { "content-length": 10_000_000_000 });
    const piece = Buffer.alloc(65_536);
    const drained = () => Promise.race([once(response, "drain"), once(response, "close")]);
    while (!response.destroyed) if (!response.write(piece)) await drained();
  },
  "the first half": (response, body) => response.writeHead(200).end(body.subarray(0, body.length >> 1)),
  "other bytes": (response, body) => response.writeHead(200).end(Buffer.alloc(body.length, 7)),
};

/**
 * What a host reports of a fault that is met at that part.
 * @param {string} fault
 * @param {"manifest" | "snapshot" | "file"} part
 */
export function codeOf(fault, part) {
  /** @type {Record<string, string>} */
  const codes = {
    "cut off": "network",
    stalled: "timeout",
    "answered by 500": "status",
    "answered by 404": "status",
    "led in circles": "redirected",
    "10 GB long": "too_long",
    "the first half": part === "manifest" ? "signature" : `${part}_refused`,
    "other bytes": part === "manifest" ? "magic" : `${part}_refused`,
  };
  return codes[fault];
}

/**
 * An origin in a folder of its own, with nothing published yet.
 * @param {string[]} [sites] folders that are served beside what is published, the first that has a file
 */
export async function openOrigin(sites = []) {
  const folder = mkdtempSync(join(tmpdir(), "pocketrank-origin-"));
  const place = join(folder, "place");
  const snapshots = makeSnapshots(folder);
  const run = (/** @type {string[]} */ ...args) => execFileSync(cli(), args, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  const makeKey = (/** @type {string} */ name) => {
    const secret = join(folder, `${name}.pem`);
    return { secret, hex: run("keys", "--out", secret).trim() };
  };
  const key = makeKey("key");
  /** By what an address contains. @type {Map<string, Fault>} */
  const faulty = new Map();
  /** @type {string[]} */
  const asked = [];

  // Who asks lets go first: an answer is never lost to a line that is just being closed.
  const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const path = normalize(decodeURIComponent(pathname));
    const isOurs = path.startsWith("/models/");
    if (isOurs) asked.push(path.slice("/models/".length));
    const files = isOurs ? [join(place, path.slice("/models".length))] : sites.flatMap((site) => [join(site, path), join(site, `${path}.html`), join(site, path, "index.html")]);
    const file = files.find((name) => /\.\w+$/.test(name) && existsSync(name));
    const body = file ? readFileSync(file) : Buffer.alloc(0);
    const fault = [...faulty].find(([part]) => path.includes(part))?.[1];
    response.setHeader("access-control-allow-origin", "*");
    if (fault) return void fault(response, body);
    if (!file) return void response.writeHead(404).end();
    const isManifest = path.endsWith(".pkrm");
    const etag = `"${createHash("sha256").update(body).digest("hex")}"`;
    response.setHeader("content-type", types[extname(file)] ?? "application/octet-stream");
    if (isOurs) response.setHeader("cache-control", isManifest ? "no-cache" : "max-age=31536000, immutable").setHeader("etag", etag);
    if (isManifest && request.headers["if-none-match"] === etag) return void response.writeHead(304).end();
    response.writeHead(200, { "content-length": body.length }).end(body);
  });
  await new Promise((resolve) => server.listen(0, "localhost", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());

  const bytes = snapshots.map((path) => readFileSync(path));
  /**
   * Publishes one of the snapshots and a list that says so.
   * @param {number} at
   * @param {{ secret?: string | string[], trust?: string, audience?: string, files?: Record<string, unknown> }} [options] `trust`: the key that hosts trust from then on
   */
  function publish(at, { secret = key.secret, trust, audience = AUDIENCE, files = { "candidates/home.json": { snapshot: at } } } = {}) {
    const named = Object.entries(files).flatMap(([name, content], number) => {
      const path = join(folder, `file-${number}.json`);
      writeFileSync(path, JSON.stringify(content));
      return ["--file", `${name}=${path}:1h`];
    });
    const text = run("publish", snapshots[at] ?? "", "--to", place, "--audience", audience, ...[secret].flat().flatMap((secret) => ["--key", secret]), ...(trust ? ["--trust", trust] : []), ...named, "--json");
    return JSON.parse(text);
  }
  /** Puts what is live aside, for another to take its place. */
  const withdraw = () => rmSync(place, { recursive: true, force: true });

  return {
    url: `http://localhost:${port}`,
    sites,
    manifest: `http://localhost:${port}/models/manifest.pkrm`,
    /** How hosts follow it that ask each second at least. What is late on a busy machine would count as a fault. */
    quick: { audience: AUDIENCE, keys: [key.hex], interval: 1, maxBackoff: 1, timeout: 15_000 },
    folder,
    place,
    key,
    makeKey,
    faulty,
    /** What of the published was asked for since the last call. */
    asked: () => asked.splice(0),
    /** The same, by its kinds, the manifest left out. */
    kinds: () => asked.splice(0).filter((path) => path !== "manifest.pkrm").map((path) => path.split("/")[0]),
    /** The snapshots' bytes. */
    snapshots: bytes,
    /** Their ids, which are a part of their headers. */
    ids: bytes.map((snapshot) => snapshot.toString("hex", 16, 32)),
    publish,
    /** What must not be followed by who follows the snapshot 1 in its second manifest: by the code of the report, how it gets there. @type {Record<string, () => void>} */
    strangers: {
      unsigned: () => void (withdraw(), publish(2, { secret: makeKey("other").secret })),
      audience: () => void (withdraw(), publish(2, { audience: "elsewhere.example" })),
      older: () => void (withdraw(), publish(2)),
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(() => resolve(undefined)));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
