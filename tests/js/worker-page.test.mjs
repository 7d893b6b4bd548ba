/** worker/src/lib.rs, page.rs, upstream.rs and assets.rs: what is fetched for a page, and what the answer says of itself. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { Response as Answer } from "miniflare";
import { serveSite } from "./support/site.mjs";
import { expected, fallback, items, manifestPath, page, range, readSlots, slot, snapshotPath, startEdge, visitor } from "../worker/edge.mjs";

const popular = items(range(0, 60));

describe("a page of the static assets", () => {
  /** @type {import("../worker/edge.mjs").Edge} */
  let edge;
  before(async () => void (edge = await startEdge()));
  after(() => edge.stop());

  it("is personalized and stored by nobody", async () => {
    const response = await edge.fetch("/");
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("cache-control"), "private, no-store");
    assert.equal(response.headers.get("content-type"), "text/html; charset=utf-8");
    for (const name of ["etag", "last-modified", "content-length", "age", "expires", "cf-cache-status", "set-cookie"]) {
      assert.equal(response.headers.get(name), null, name);
    }
    const html = await response.text();
    assert.deepEqual(readSlots(html).map(({ by }) => by), ["edge", "edge"]);
    assert.match(html, /<h1>Shop<\/h1>.*<p>between<\/p>.*<\/body><\/html>$/s);
  });

  it("is whole even when the browser has an older one", async () => {
    const response = await edge.fetch("/", { headers: { "If-None-Match": "*", "If-Modified-Since": new Date().toUTCString() } });
    assert.equal(response.status, 200);
    assert.equal(readSlots(await response.text())[0]?.by, "edge");
  });

  it("passes through for HEAD, POST, ranges, credentials, redirects and errors", async () => {
    const range = await edge.fetch("/", { headers: { Range: "bytes=0-9" } });
    const authorized = await edge.fetch("/", { headers: { Authorization: "Basic eDp5" } });
    for (const response of [range, authorized]) assert.doesNotMatch(await response.text(), /data-pocketrank-by/);
    const head = await edge.fetch("/", { method: "HEAD" });
    assert.equal(head.status, 200);
    assert.notEqual(head.headers.get("cache-control"), "private, no-store");
    assert.ok(head.headers.get("etag"));
    assert.equal((await edge.fetch("/", { method: "POST", body: "x" })).status, 405);
    assert.equal((await edge.fetch("/about.html")).status, 307);
    assert.equal((await edge.fetch("/no-such-page")).status, 404);
  });

  it("gives the runtime's files their types and lifetimes", async () => {
    const cached = async (/** @type {string} */ path) => {
      const response = await edge.fetch(path);
      await response.arrayBuffer();
      return [response.status, response.headers.get("content-type"), response.headers.get("cache-control")];
    };
    const immutable = "public, max-age=31536000, immutable";
    assert.deepEqual(await cached(snapshotPath), [200, "application/octet-stream", immutable]);
    assert.deepEqual(await cached("/pocketrank/runtime-0a1b2c3d.wasm"), [200, "application/wasm", immutable]);
    assert.deepEqual(await cached(manifestPath), [200, "application/octet-stream", "no-cache"]);
    const { headers } = await edge.fetch(manifestPath);
    assert.match(headers.get("etag") ?? "", /^"[^"]+"$/);
    const again = await edge.fetch(manifestPath, { headers: { "If-None-Match": headers.get("etag") ?? "" } });
    assert.equal(again.status, 304);
    assert.equal(again.headers.get("etag"), headers.get("etag"));
    assert.equal((await edge.fetch("/pocketrank/snapshots/ffffffffffffffffffffffffffffffff.pkr")).status, 404);
  });
});

describe("a page of the shop's own server", () => {
  /** @type {{ method: string, url: string, headers: Record<string, string>, body: string }[]} */
  const seen = [];
  const { profile, cookie } = visitor([[3, "view_item", 2], [5, "add_to_cart", 1]]);
  const home = page(slot("popular"));
  const html = { "content-type": "text/html; charset=utf-8", etag: '"1"', "last-modified": "Mon, 01 Jan 2024 00:00:00 GMT" };

  /** @type {Record<string, () => Answer>} */
  const answers = {
    "/": () => new Answer(home, { headers: { ...html, "cache-control": "public, max-age=600", "cdn-cache-control": "max-age=600", "set-cookie": "session=new" } }),
    "/category/pots": () => new Answer(home, { headers: html }),
    "/odd": () => new Answer(home, { headers: { "content-type": "text/html; charset=no-such-charset" } }),
    "/data": () => new Answer('{"a":1}', { headers: { "content-type": "application/json", "set-cookie": "session=new" } }),
    "/gone": () => new Answer("gone", { status: 410, headers: html }),
    "/moved": () => new Answer(null, { status: 302, headers: { location: "/elsewhere" } }),
    "/account": () => new Answer(home, { headers: { ...html, "set-cookie": "session=renewed" } }),
  };

  /** @type {import("../worker/edge.mjs").Edge} */
  let edge;
  before(async () => {
    edge = await startEdge({
      vars: { UPSTREAM_URL: "https://shop.example/", PAGES: "/ /category/* /odd /data /gone /moved" },
      upstream: async (request) => {
        const { pathname } = new URL(request.url);
        seen.push({ method: request.method, url: request.url, headers: Object.fromEntries(request.headers), body: await request.text() });
        return answers[pathname]?.() ?? new Answer("nothing here", { status: 404 });
      },
    });
  });
  after(() => edge.stop());

  /** @param {string} path @param {RequestInit} [init] */
  async function ask(path, init) {
    seen.length = 0;
    const response = await edge.fetch(path, init);
    const text = await response.text();
    assert.equal(seen.length, 1);
    return { response, text, request: /** @type {(typeof seen)[0]} */ (seen[0]) };
  }

  it("is asked for as nobody, and filled for the visitor", async () => {
    const { response, text, request } = await ask("/?utm=1", { headers: { cookie: `session=old; ${cookie}; a=b`, "If-None-Match": '"1"' } });
    assert.equal(request.url, "https://shop.example/?utm=1");
    assert.equal(request.headers.cookie, undefined);
    assert.equal(request.headers["if-none-match"], undefined);
    assert.doesNotMatch(JSON.stringify(request), /__Host-pocketrank/);
    assert.equal(readSlots(text)[0]?.html, expected(popular, 5, profile).html);
    assert.equal(response.headers.get("cache-control"), "private, no-store");
    for (const name of ["etag", "last-modified", "set-cookie", "cdn-cache-control"]) assert.equal(response.headers.get(name), null, name);
  });

  it("sends equal requests for different visitors", async () => {
    const one = await ask("/category/pots", { headers: { cookie } });
    const other = await ask("/category/pots", { headers: { cookie: visitor([[9, "purchase", 0]]).cookie } });
    assert.deepEqual(one.request, other.request);
    assert.notEqual(one.text, other.text);
  });

  it("passes through where the rewriter cannot read it", async () => {
    const { response, text } = await ask("/odd");
    assert.equal(response.status, 200);
    assert.equal(text, home);
  });

  it("passes through if it is no page, without its cookies", async () => {
    const data = await ask("/data");
    assert.deepEqual([data.response.status, data.text, data.response.headers.get("set-cookie")], [200, '{"a":1}', null]);
    assert.deepEqual([(await ask("/gone")).response.status, (await ask("/gone")).text], [410, "gone"]);
    const moved = await ask("/moved");
    assert.deepEqual([moved.response.status, moved.response.headers.get("location")], [302, "/elsewhere"]);
  });

  it("keeps the visitor's cookies, but not the capsule, on paths that are not shared", async () => {
    const own = await ask("/account", { headers: { cookie: `session=old; ${cookie}; a=b` } });
    assert.equal(own.request.headers.cookie, "session=old; a=b");
    assert.equal(own.text, home);
    assert.equal(own.response.headers.get("set-cookie"), "session=renewed");
    assert.equal(own.response.headers.get("etag"), '"1"');
    const only = await ask("/account", { headers: { cookie } });
    assert.equal(only.request.headers.cookie, undefined);
    const post = await ask("/", { method: "POST", body: "form", headers: { cookie: `${cookie}; a=b` } });
    assert.deepEqual([post.request.method, post.request.body, post.request.headers.cookie], ["POST", "form", "a=b"]);
  });

  it("takes the runtime's files from the worker's own assets", async () => {
    seen.length = 0;
    assert.equal((await edge.fetch(manifestPath)).status, 200);
    assert.equal(seen.length, 0);
  });
});

describe("a page that streams", () => {
  it("arrives before upstream has finished it", async () => {
    /** @type {() => void} */
    let finish = () => {};
    const finished = new Promise((resolve) => (finish = () => resolve(undefined)));
    const encoder = new TextEncoder();
    const edge = await startEdge({
      vars: { UPSTREAM_URL: "https://shop.example" },
      upstream: () =>
        new Answer(
          new ReadableStream({
            async start(controller) {
              controller.enqueue(encoder.encode(`<!doctype html><body>${slot("popular")}<p>first</p>${" ".repeat(4096)}`));
              await finished;
              controller.enqueue(encoder.encode("<p>last</p></body>"));
              controller.close();
            },
          }),
          { headers: { "content-type": "text/html" } },
        ),
    });
    try {
      const response = await edge.fetch("/", { headers: { "accept-encoding": "identity" } });
      const decoder = new TextDecoder();
      let html = "";
      for await (const chunk of /** @type {AsyncIterable<Uint8Array>} */ (/** @type {unknown} */ (response.body))) {
        html += decoder.decode(chunk, { stream: true });
        if (html.includes("first")) {
          if (!html.includes("last")) assert.equal(readSlots(html)[0]?.by, "edge");
          finish();
        }
      }
      assert.match(html, /first.*last/s);
      assert.ok(!html.includes(fallback));
    } finally {
      finish();
      await edge.stop();
    }
  });
});

describe("a real server", () => {
  it("may compress the page", async () => {
    const headers = { "content-type": "text/html; charset=utf-8", "content-encoding": "gzip" };
    const server = await serveSite("/nowhere", () => ({ headers, body: gzipSync(page(slot("popular"))) }));
    const edge = await startEdge({ vars: { UPSTREAM_URL: server.url } });
    const { profile, cookie } = visitor([[3, "view_item", 2]]);
    const response = await edge.fetch("/", { headers: { cookie } });
    assert.equal(readSlots(await response.text())[0]?.html, expected(popular, 5, profile).html);
    await edge.stop();
    await server.stop();
    assert.deepEqual(server.requests.map(({ headers }) => headers.cookie), [undefined]);
  });

  it("that is down is a 502 without its address", async () => {
    const edge = await startEdge({ vars: { UPSTREAM_URL: "http://localhost:1" } });
    const response = await edge.fetch("/?q=secret");
    assert.equal(response.status, 502);
    assert.equal(await response.text(), "This page cannot be had at the moment.\n");
    await edge.stop();
    assert.match(edge.warnings.join("\n"), /http:\/\/localhost:1: no answer \(.*\); see that it is up/);
  });
});

describe("a setting that cannot be understood", () => {
  /** @type {[Record<string, string>, RegExp][]} */
  const cases = [
    [{ CAPSULE: "maybe" }, /CAPSULE: must be `on` or `off`; correct wrangler.toml/],
    [{ PAGE_MODEL: "yes" }, /PAGE_MODEL: must be `on` or `off`; correct wrangler.toml/],
    [{ UPSTREAM_URL: "shop.example" }, /UPSTREAM_URL: must be empty or an http or https URL/],
    [{ PAGES: "product" }, /PAGES: must be paths/],
  ];
  for (const [vars, warning] of cases) {
    it(`is told to the console and not to the visitor: ${Object.keys(vars).join()}`, async () => {
      const edge = await startEdge({ vars });
      const response = await edge.fetch("/");
      assert.equal(response.status, 500);
      assert.equal(await response.text(), "This page cannot be had at the moment.\n");
      await edge.stop();
      assert.match(edge.warnings.join("\n"), warning);
    });
  }
});
