/** worker/src/nonce.mjs: a page from the cache has nonces of its own, the same in its header and in its markup. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { expected, items, page, range, readSlots, slot, startEdge } from "../worker/edge.mjs";
import { startUpstream } from "../worker/upstream.mjs";
import { share } from "./support/share.mjs";

const popular = expected(items(range(0, 60)), 5).html;

let pages = 0;
let path = "";
const upstream = await startUpstream(() => undefined);
const [edge] = await share(startEdge({ vars: { UPSTREAM_URL: upstream.url, CACHE_PAGES: "/*", PAGE_MODEL: "on" } }), upstream);
beforeEach(() => {
  path = `/${(pages += 1)}`;
  upstream.seen.length = 0;
});

async function visit() {
  const response = await edge.fetch(path);
  const text = await response.text();
  const policy = response.headers.get("content-security-policy") ?? "";
  return { response, text, policy, nonces: [...policy.matchAll(/'nonce-([^']+)'/g)].map(([, nonce = ""]) => nonce) };
}

describe("nonces of a cached page", () => {
  it("are each visitor's own, in the header, in attributes, in scripts and split anywhere", async () => {
    upstream.answer(async (_, response) => {
      const [one, two] = [randomBytes(18).toString("base64"), randomBytes(16).toString("hex")];
      const html = page(`<script nonce="${one}">go("${one}")</script><meta name="csp-nonce" content="${one}">${slot("popular")}<style nonce=${two}></style><script nonce='${one}' src="/a.js"></script><p>${one.slice(0, 10)}</p>`);
      response.writeHead(200, {
        "content-type": "text/html",
        "content-security-policy": `script-src 'nonce-${one}' 'strict-dynamic'; style-src 'nonce-${two}'`,
        "content-security-policy-report-only": `script-src 'nonce-${one}'`,
      });
      for (let at = 0; at < html.length; at += 37) {
        response.write(html.slice(at, at + 37));
        await sleep(1);
      }
      response.end();
    });
    const seen = new Set();
    const shells = new Set();
    for (let n = 0; n < 5; n++) {
      const { text, nonces, response } = await visit();
      const [one = "", two = ""] = nonces;
      assert.equal(nonces.length, 2);
      assert.deepEqual([one.length, two.length], [24, 32]);
      assert.equal(response.headers.get("content-security-policy-report-only"), `script-src 'nonce-${one}'`);
      assert.equal(text.split(one).length - 1, 4);
      assert.equal(text.split(two).length - 1, 1);
      assert.deepEqual([...text.matchAll(/ nonce=["']?([^\s"'>]+)/g)].map(([, nonce]) => nonce), [one, two, one]);
      assert.equal(readSlots(text)[0]?.html, popular);
      for (const nonce of nonces) {
        assert.ok(!seen.has(nonce));
        seen.add(nonce);
      }
      shells.add(text.replaceAll(one, "ONE").replaceAll(two, "TWO").replace(/<p>.{10}<\/p>/, ""));
    }
    assert.equal(shells.size, 1);
    assert.equal(upstream.seen.length, 1);
  });

  it("need nothing of what the edge puts into the page: no script, no style", async () => {
    upstream.answer((_, response) => void response.writeHead(200, { "content-type": "text/html", "content-security-policy": "default-src 'none'" }).end(page(slot("popular"))));
    const { text } = await visit();
    assert.deepEqual([...text.matchAll(/<script[^>]*>/g)].map(([tag]) => /type="([^"]*)"/.exec(tag)?.[1]), ["application/vnd.pocketrank.snapshot"]);
    assert.doesNotMatch(text, /<style|style=|\son\w+=/);
  });
});

describe("a page is not kept", () => {
  const nonce = "abcdefghijklmnopqrstuvwx";
  /** @type {Record<string, [header: string, body: string]>} */
  const cases = {
    "with a nonce of its markup alone": ["", `<script nonce="${nonce}"></script>`],
    "with one of a <meta> alone": ["", `<meta http-equiv="Content-Security-Policy" content="script-src 'nonce-${nonce}'">`],
    "with one of a <meta> alone, as references": ["", `<meta http-equiv="content-security-policy" content="script-src &#39;nonce-${nonce}&#39;">`],
    "with another than its header's": [`script-src 'nonce-${nonce}'`, `<script nonce="${nonce}"></script><script a=">" nonce='${nonce.toUpperCase()}'></script>`],
    "with one that could be a word": ["script-src 'nonce-shop'", `<p>shop</p><script nonce="shop"></script>`],
  };
  for (const [name, [header, body]] of Object.entries(cases)) {
    it(name, async () => {
      upstream.answer((_, response) => void response.writeHead(200, { "content-type": "text/html", ...(header ? { "content-security-policy": header } : {}) }).end(page(body)));
      for (const n of [1, 2]) {
        const { text, policy } = await visit();
        assert.equal(text, page(body));
        assert.equal(policy, header);
        assert.equal(upstream.seen.length, n);
      }
    });
  }
});
