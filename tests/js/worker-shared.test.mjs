/** worker/src/shared.rs: the shared page in the cache, what is asked of upstream for it, and what becomes of it with time. */
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { expected, items, page, range, readSlots, slot, startEdge, visitor } from "../worker/edge.mjs";
import { html, startUpstream } from "../worker/upstream.mjs";
import { share } from "./support/share.mjs";

const popular = items(range(0, 60));
const seconds = 1_000;

let pages = 0;
/** The page of one test: nothing else is kept under it. */
let path = "";

const upstream = await startUpstream(html(""));
const [edge] = await share(startEdge({
  vars: {
    UPSTREAM_URL: upstream.url,
    PAGES: "/*",
    CACHE_PAGES: "/cached/*",
    CACHE_QUERY: "page sort -utm_*",
    PAGE_TTL: "600",
    STALE_WHILE_REVALIDATE: "0",
    STALE_IF_ERROR: "0",
    UPSTREAM_TIMEOUT: "1",
  },
}), upstream);
beforeEach(() => {
  path = `/cached/${(pages += 1)}`;
  upstream.seen.length = 0;
});

/** A page that says which answer of upstream's it is of. @param {Record<string, string>} [headers] */
function counted(headers) {
  return html(() => page(`<p>answer ${upstream.seen.length}</p>${slot("popular")}`), headers);
}

/** @param {string} [at] @param {RequestInit} [init] */
async function visit(at = path, init) {
  const response = await edge.fetch(at, init);
  const text = await response.text();
  return { response, status: response.status, text, answer: Number(/<p>answer (\d+)/.exec(text)?.[1]), slate: readSlots(text)[0]?.html };
}

/** Visits until that answer of upstream's is there, and never another but the one before. @param {number} answer */
async function shows(answer) {
  for (const until = Date.now() + 5 * seconds; ; await sleep(20)) {
    const found = (await visit()).answer;
    if (found === answer) return;
    assert.equal(found, answer - 1);
    assert.ok(Date.now() < until, `answer ${answer} does not come`);
  }
}

describe("a cached page", () => {
  it("is fetched once, and filled for each visitor", async () => {
    upstream.answer(counted());
    const visitors = [[3, 5], [9, 11], [20, 21]].map(([one = 0, other = 0]) => visitor([[one, "view_item", 2], [other, "add_to_cart", 1]]));
    const slates = new Set();
    for (const { profile, cookie } of visitors) {
      const { response, answer, slate } = await visit(path, { headers: { cookie } });
      assert.equal(answer, 1);
      assert.equal(slate, expected(popular, 5, profile).html);
      assert.equal(response.headers.get("cache-control"), "private, no-store");
      for (const name of ["age", "etag", "x-pocketrank-kept", "x-pocketrank-cache-control", "cf-cache-status"]) assert.equal(response.headers.get(name), null, name);
      slates.add(slate);
    }
    assert.equal(slates.size, 3);
    assert.equal(upstream.seen.length, 1);
  });

  it("is asked for with nothing of the visitor", async () => {
    upstream.answer(counted());
    const headers = {
      cookie: "session=1",
      "user-agent": "evil",
      accept: "application/json",
      "accept-language": "fr",
      "accept-encoding": "zstd",
      forwarded: "host=evil.example",
      "x-forwarded-host": "evil.example",
      "x-forwarded-for": "1.2.3.4",
      "x-original-url": "/admin",
      "x-rewrite-url": "/admin",
      "x-http-method-override": "POST",
      "x-anything": "evil",
      "if-none-match": "*",
      origin: "https://evil.example",
      referer: "https://evil.example/?secret",
    };
    assert.equal((await visit(`${path}?utm_source=evil&page=2`, { headers })).status, 200);
    const [{ headers: sent = {}, url = "", method = "" } = {}] = upstream.seen;
    assert.deepEqual([method, url], ["GET", `${path}?page=2`]);
    assert.doesNotMatch(JSON.stringify(sent), /evil|admin|POST|session|1\.2\.3\.4/);
    const own = new Set(["accept", "accept-encoding", "user-agent"]);
    assert.deepEqual(Object.keys(sent).filter((name) => !own.has(name) && !["host", "connection", "mf-vary", "cf-worker"].includes(name)), []);
    assert.equal(sent["accept-encoding"], "gzip, br");
  });

  it("is told from others by host, path and the parameters of a page", async () => {
    upstream.answer(html((request) => page(`<p>${request.url}</p>`)));
    const paths = [path, `${path}/`, `${path}?page=1`, `${path}?page=2`, `${path}?sort=page`, `${path}?page=1&page=2`, `${path}?page=2&page=1`];
    for (let n = 0; n < 2; n++) for (const at of paths) assert.match((await visit(at)).text, new RegExp(`<p>${at.replaceAll("?", "\\?")}</p>`));
    assert.equal(upstream.seen.length, paths.length);
    // The same page: in another order, with and without what is of no page.
    for (const same of [`${path}?`, `${path}?utm_source=a`, `${path}?utm_source=b&page=1`, `${path}?page=1&utm_medium=x`]) await visit(same);
    assert.equal(upstream.seen.length, paths.length);
    const other = await edge.miniflare.dispatchFetch(`http://other.example${path}`);
    await other.text();
    assert.equal(upstream.seen.length, paths.length + 1);
  });

  it("is fetched each time with parameters that nobody knows, and by the visitor's own request", async () => {
    upstream.answer(html((request) => page(`<p>${request.url} ${request.headers["accept-language"]}</p>`)));
    for (let n = 0; n < 2; n++) {
      const { text } = await visit(`${path}?q=<script>`, { headers: { "accept-language": "fr", cookie: "a=b" } });
      assert.match(text, /\?q=.*script.* fr</);
    }
    assert.equal(upstream.seen.length, 2);
    assert.deepEqual(upstream.seen.map(({ headers }) => headers.cookie), [undefined, undefined]);
    assert.doesNotMatch((await visit()).text, /script|fr/);
  });

  it("passes by where it is not a plain GET", async () => {
    upstream.answer(counted());
    await visit();
    /** @type {RequestInit[]} */
    const others = [{ method: "HEAD" }, { method: "POST", body: "x" }, { headers: { authorization: "Basic eDp5" } }, { headers: { range: "bytes=0-1" } }];
    for (const init of others) await edge.fetch(path, init);
    assert.equal(upstream.seen.length, 5);
    assert.equal((await visit()).answer, 1);
  });
});

describe("what upstream says of a page", () => {
  /** @type {Record<string, Record<string, string | string[]>>} */
  const refusals = {
    private: { "cache-control": "private, max-age=600" },
    "no-store": { "cache-control": "no-store" },
    "no-cache": { "cache-control": "no-cache" },
    "two lines": { "cache-control": ["max-age=600", "private"] },
    "no time": { "cache-control": "max-age=0" },
    cookie: { "set-cookie": "session=1" },
    "Vary: Cookie": { vary: "Accept-Encoding, Cookie" },
    "Vary: *": { vary: "*" },
    "Expires: 0": { expires: "0" },
    json: { "content-type": "application/json" },
  };
  for (const [name, headers] of Object.entries(refusals)) {
    it(`keeps it from the cache: ${name}`, async () => {
      upstream.answer((_, response) => void response.writeHead(200, { "content-type": "text/html", ...headers }).end(page(`<p>answer ${upstream.seen.length}</p>`)));
      for (const answer of [1, 2]) {
        const { response, ...found } = await visit();
        assert.equal(found.answer, answer);
        assert.equal(response.headers.get("set-cookie"), null);
      }
    });
  }

  for (const status of [301, 404, 500]) {
    it(`keeps it from the cache: status ${status}`, async () => {
      upstream.answer((_, response) => void response.writeHead(status, { "content-type": "text/html", "cache-control": "max-age=600", location: "/elsewhere" }).end(`<p>answer ${upstream.seen.length}</p>`));
      for (const answer of [1, 2]) {
        const { response, ...found } = await visit();
        assert.deepEqual([found.answer, found.status], [answer, status]);
        assert.equal(response.headers.get("location"), "/elsewhere");
      }
    });
  }

  it("is what a page has for a header that nobody sent", async () => {
    upstream.answer(counted({ vary: "Accept-Language, User-Agent" }));
    assert.deepEqual([(await visit()).answer, (await visit(path, { headers: { "accept-language": "fr" } })).answer], [1, 1]);
  });

  it("is how long it is fresh", async () => {
    upstream.answer(counted({ "cache-control": "s-maxage=1, max-age=600" }));
    assert.deepEqual([(await visit()).answer, (await visit()).answer], [1, 1]);
    await sleep(1.1 * seconds);
    assert.equal((await visit()).answer, 2);
  });

  it("is, as its Age, how long it has been fresh before", async () => {
    upstream.answer(counted({ "cache-control": "max-age=600", age: "600" }));
    assert.deepEqual([(await visit()).answer, (await visit()).answer], [1, 2]);
  });
});

describe("a stale page", () => {
  it("is shown while another is fetched, once", async () => {
    upstream.answer(counted({ "cache-control": "max-age=1, stale-while-revalidate=60" }));
    await visit();
    await sleep(1.1 * seconds);
    /** @type {() => void} */
    let finish = () => undefined;
    const finished = new Promise((resolve) => (finish = () => resolve(undefined)));
    upstream.answer(async (request, response) => {
      await finished;
      counted({ "cache-control": "max-age=60" })(request, response);
    });
    const stale = await Promise.all(range(0, 20).map(() => visit()));
    assert.deepEqual(new Set(stale.map(({ answer }) => answer)), new Set([1]));
    assert.equal(upstream.seen.length, 2);
    finish();
    await shows(2);
    assert.equal(upstream.seen.length, 2);
  });

  it("stays where the other fails, and is tried again", async () => {
    upstream.answer(counted({ "cache-control": "max-age=1, stale-while-revalidate=60" }));
    await visit();
    await sleep(1.1 * seconds);
    for (const fail of /** @type {import("../worker/upstream.mjs").Handler[]} */ ([(_, response) => response.destroy(), (_, response) => response.writeHead(503).end("no")])) {
      upstream.answer(fail);
      const before = upstream.seen.length;
      assert.equal((await visit()).answer, 1);
      for (const until = Date.now() + 5 * seconds; upstream.seen.length === before; await sleep(20)) assert.ok(Date.now() < until);
      await sleep(200);
    }
    upstream.answer(html(page("<p>answer 2</p>")));
    await shows(2);
  });

  it("goes where upstream no longer lets it be kept", async () => {
    upstream.answer(counted({ "cache-control": "max-age=1, stale-while-revalidate=60" }));
    await visit();
    await sleep(1.1 * seconds);
    upstream.answer((_, response) => void response.writeHead(404, { "content-type": "text/html" }).end("gone"));
    for (const until = Date.now() + 5 * seconds; (await visit()).status !== 404; await sleep(20)) assert.ok(Date.now() < until);
    assert.equal((await visit()).text, "gone");
  });

  it("stands in where upstream is gone, slow or out of order, and only then", async () => {
    upstream.answer(counted({ "cache-control": "max-age=1, stale-if-error=60" }));
    await visit();
    await sleep(1.1 * seconds);
    for (const fail of /** @type {import("../worker/upstream.mjs").Handler[]} */ ([(_, response) => response.destroy(), (_, response) => response.writeHead(503).end("no"), () => undefined, (_, response) => response.socket?.end("garbage\r\n\r\n")])) {
      upstream.answer(fail);
      const { answer, slate, status } = await visit();
      assert.deepEqual([answer, status, slate], [1, 200, expected(popular, 5).html]);
    }
    upstream.answer((_, response) => void response.writeHead(404, { "content-type": "text/html" }).end("gone"));
    assert.equal((await visit()).status, 404);
    upstream.answer((_, response) => response.destroy());
    assert.equal((await visit()).status, 502, "what was gone does not come back");
  });
});

describe("without a page in the cache", () => {
  it("upstream that is gone is a 502, one that is slow a 504, one out of order its own", async () => {
    upstream.answer((_, response) => response.destroy());
    assert.deepEqual([(await visit()).status, (await visit()).text], [502, "This page cannot be had at the moment.\n"]);
    upstream.answer(() => undefined);
    assert.equal((await visit()).status, 504);
    upstream.answer((_, response) => response.writeHead(503, { "retry-after": "7" }).end("in a while"));
    const { response, text } = await visit();
    assert.deepEqual([response.status, text, response.headers.get("retry-after")], [503, "in a while", "7"]);
  });
});

describe("the cache", () => {
  for (const [name, compress] of /** @type {const} */ ([["gzip", gzipSync], ["br", brotliCompressSync]])) {
    it(`keeps a page that came as ${name}`, async () => {
      upstream.answer((_, response) => void response.writeHead(200, { "content-type": "text/html", "content-encoding": name }).end(compress(page(`<p>answer ${upstream.seen.length}</p>${slot("popular")}`))));
      for (const encoding of ["gzip", "br", "identity"]) {
        const { answer, slate } = await visit(path, { headers: { "accept-encoding": encoding } });
        assert.deepEqual([answer, slate], [1, expected(popular, 5).html]);
      }
    });
  }

  it("keeps no page that was cut off", async () => {
    upstream.answer((_, response) => {
      response.writeHead(200, { "content-type": "text/html", "content-length": "5000" }).write(page("<p>answer 1</p>"), () => setTimeout(() => response.destroy(), 50));
    });
    await visit().catch(() => undefined);
    upstream.answer((_, response) => {
      response.writeHead(200, { "content-type": "text/html" }).write(page("<p>answer 2</p>"), () => setTimeout(() => response.destroy(), 50));
    });
    await visit().catch(() => undefined);
    // The connections to the worker that were cut off are not used again once that is seen.
    await sleep(200);
    upstream.answer(counted());
    assert.equal((await visit()).answer, 3);
    assert.equal((await visit()).answer, 3);
  });

  it("takes a page as it streams, and gives it as it reads", async () => {
    const large = page(`${slot("popular")}${"<p>some text of a large page</p>".repeat(160_000)}`);
    upstream.answer(html(large));
    const [first, second] = [(await visit()).text, (await visit()).text];
    assert.equal(upstream.seen.length, 1);
    assert.equal(first, second);
    assert.equal(first.length - (readSlots(first)[0]?.html.length ?? 0) > 5_000_000, true);
    assert.ok(first.endsWith("</p></body></html>"));
  });

  it("keeps the visitor's own answer apart where the page is not personalized", async () => {
    const bare = await startEdge({ seed: { audience: "others" }, vars: { UPSTREAM_URL: upstream.url, CACHE_PAGES: "/*" } });
    try {
      upstream.answer(counted({ "cache-control": "public, max-age=300", etag: '"1"' }));
      await (await bare.fetch(path)).text();
      await sleep(1.1 * seconds);
      const { headers } = await bare.fetch(path);
      assert.deepEqual([headers.get("cache-control"), headers.get("etag")], ["public, max-age=300", '"1"']);
      assert.ok(Number(headers.get("age")) >= 1);
      for (const name of ["x-pocketrank-kept", "x-pocketrank-cache-control", "cf-cache-status"]) assert.equal(headers.get(name), null, name);
      assert.equal(upstream.seen.length, 1);
    } finally {
      await bare.stop();
    }
  });
});
