/** Two visitors never see one another's slate, nor what the other asked upstream for: over cached and uncached pages, with hostile requests between. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { expected, items, page, range, readSlots, slot, startEdge, visitor } from "../worker/edge.mjs";
import { startUpstream } from "../worker/upstream.mjs";
import { share } from "./support/share.mjs";

const popular = items(range(0, 60));
const trending = items(range(100, 140));
const contextual = [expected(popular, 5), expected(trending, 3)];

/** @param {string} text */
const slates = (text) => readSlots(text).map(({ rows, html }) => ({ rows, html }));
/** The page without what the edge put into it. @param {string} text */
const shell = (text) => text.replaceAll(/(<pocketrank-carousel)[^>]*>.*?(<\/pocketrank-carousel>)/gs, "$1>$2");

// An upstream that reflects all that it is told, and that lets everyone keep it.
const upstream = await startUpstream((request, response) => {
  const told = JSON.stringify([request.method, request.url, Object.entries(request.headers).filter(([name]) => !["host", "connection"].includes(name))]);
  response.writeHead(200, { "content-type": "text/html", "cache-control": "public, max-age=1, stale-while-revalidate=600" });
  response.end(page(`${slot("popular")}<p>${told.replaceAll("<", "&lt;")}</p>${slot("trending", 3)}`));
});
const [edge] = await share(startEdge({ vars: { UPSTREAM_URL: upstream.url, CACHE_PAGES: "/cached/*", CACHE_QUERY: "page -utm_*" } }), upstream);

describe("200 visitors at a time", () => {
  it("get what each would get alone, on cached and on other pages", async () => {
    const visitors = range(0, 200).map((n) => visitor([[n % 60, "view_item", 3], [(n * 7 + 1) % 60, "add_to_cart", 1], [100 + (n % 40), "purchase", 0], [(n * 11 + 5) % 60, "view_item", 0]]));
    const wanted = visitors.map(({ profile }) => [expected(popular, 5, profile), expected(trending, 3, profile)]);
    assert.ok(new Set(wanted.map((slates) => JSON.stringify(slates))).size > 100);
    const visits = range(0, 3).flatMap((round) => visitors.map((_, n) => ({ n: (n * 37 + round) % 200, path: `${(n + round) % 3 ? "/cached" : ""}/${n % 5}` })));
    /** @type {Map<string, string>} */
    const shells = new Map();
    await Promise.all(
      visits.map(async ({ n, path }) => {
        const text = await (await edge.fetch(path, { headers: { cookie: visitors[n]?.cookie ?? "" } })).text();
        assert.deepEqual(slates(text), wanted[n]);
        const known = shells.get(path) ?? shell(text);
        shells.set(path, known);
        assert.equal(shell(text), known);
        assert.doesNotMatch(shell(text), /pocketrank=/);
      }),
    );
    assert.deepEqual(edge.warnings, []);
  });
});

describe("a hostile request", () => {
  const mark = "poison";
  const headers = [
    "X-Forwarded-Host",
    "X-Forwarded-Scheme",
    "X-Forwarded-Proto",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-For",
    "X-Host",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-Original-Host",
    "X-HTTP-Method-Override",
    "X-HTTP-Method",
    "X-Method-Override",
    "X-Real-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "Forwarded",
    "Via",
    "Origin",
    "Referer",
    "User-Agent",
    "Accept",
    "Accept-Language",
    "Accept-Encoding",
    "Accept-Charset",
    "Cache-Control",
    "Pragma",
    "Cookie",
    "If-None-Match",
    "If-Modified-Since",
    "X-Pocketrank-Kept",
    "X-Pocketrank-Cache-Control",
    "Content-Type",
    "Next-Router-State-Tree",
    "RSC",
    "X-Middleware-Prefetch",
    "Purpose",
    "DNT",
    "Save-Data",
    "Sec-CH-UA-Mobile",
  ];
  /** @type {[string, string, Record<string, string>][]} */
  const attacks = [
    ...headers.map((name) => /** @type {[string, string, Record<string, string>]} */ ([name, "", { [name]: mark }])),
    ["all headers", "", Object.fromEntries(headers.map((name) => [name, mark]))],
    ["the capsule's name", "", { Cookie: `__Host-pocketrank=${mark}; x=${mark}` }],
    ["an unknown parameter", `?x=${mark}`, {}],
    ["a parameter of no page", `?utm_source=${mark}`, {}],
    ["another spelling of a known one", `?p%61ge=${mark}`, {}],
    ["a known one with more in it", `?page=1%26x=${mark}`, {}],
    ["a known one twice", `?page=1&page=${mark}`, {}],
    ["a semicolon", `?utm_x=1;page=${mark}`, {}],
    ["a fragment that is none", `?utm_x=%23${mark}`, {}],
    ["a dot segment", `/x/..?utm_x=${mark}`, {}],
    ["an encoded slash", `%2f..%2f${mark}`, {}],
    ["a null byte", `%00${mark}`, {}],
  ];
  for (const [at, [name, suffix, sent]] of attacks.entries()) {
    it(`reaches nobody else's page: ${name}`, async () => {
      for (const path of [`/cached/attack-${at}`, `/plain/attack-${at}`]) {
        await (await edge.fetch(`${path}${suffix}`, { headers: sent })).text();
        for (const query of ["", "?page=1", "?utm_source=mail"]) {
          const response = await edge.fetch(`${path}${query}`);
          const text = await response.text();
          assert.equal(response.status, 200);
          assert.doesNotMatch(JSON.stringify([...response.headers]) + text, new RegExp(mark));
          assert.deepEqual(slates(text), contextual);
        }
      }
    });
  }

  it("reaches no other host's page by its own name", async () => {
    for (const host of ["evil.example", "localhost:1", "shop.example"]) {
      const response = await edge.miniflare.dispatchFetch(`http://${host}/cached/hosts`);
      assert.doesNotMatch(await response.text(), /evil/);
    }
    assert.doesNotMatch(await (await edge.fetch("/cached/hosts")).text(), /evil/);
  });
});

describe("a capsule of any bytes", () => {
  it("gives the contextual slate", async () => {
    const { cookie } = visitor([[3, "view_item", 2], [5, "add_to_cart", 1], [105, "purchase", 0]]);
    const [, good = ""] = cookie.split("=");
    const random = range(0, 150).map((n) => {
      const bytes = randomBytes(1 + ((n * 7) % 600));
      return n % 3 ? bytes.toString("base64url") : [...bytes].map((byte) => String.fromCharCode(byte)).join("").replaceAll(/[^\x21-\x7e\x80-\xff]|;/g, "~");
    });
    const changed = range(0, 150).map((n) => {
      const at = (n * 13) % good.length;
      const other = String.fromCharCode(33 + ((good.charCodeAt(at) + n) % 90));
      return `${good.slice(0, at)}${other === good[at] || other === ";" ? "_" : other}${good.slice(at + 1)}`;
    });
    const cut = range(0, good.length).filter((n) => n % 3 === 0).map((n) => good.slice(0, n));
    const all = [...random, ...changed, ...cut].filter((value) => value !== good);
    await Promise.all(
      all.map(async (value, n) => {
        const response = await edge.fetch(`${n % 2 ? "/cached" : ""}/fuzz`, { headers: { cookie: `__Host-pocketrank=${value}` } });
        const text = await response.text();
        assert.equal(response.status, 200, `${value}: ${text} ${edge.warnings.join("\n")}`);
        assert.deepEqual(slates(text), contextual, value);
      }),
    );
  });
});
