/** worker/src/upstream.rs: any server's answers, however they come, pass through right, and the first byte is not held back. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { request as ask } from "node:http";
import { beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from "node:zlib";
import { candidates, expected, fallback, items, page, range, readSlots, slot, startEdge } from "../worker/edge.mjs";
import { html, startUpstream } from "../worker/upstream.mjs";
import { share } from "./support/share.mjs";

const popular = expected(items(range(0, 60)), 5).html;

const upstream = await startUpstream(html(""));
const [edge] = await share(startEdge({ vars: { UPSTREAM_URL: upstream.url, PAGES: "/page/* /cached/*", CACHE_PAGES: "/cached/*", UPSTREAM_TIMEOUT: "1" }, lists: { broken: candidates(items(range(0, 60))).slice(0, 99) } }), upstream);
const url = (await edge.miniflare.ready).href;
beforeEach(() => void (upstream.seen.length = 0));

/** As `fetch`, without decoding anything. @param {string} path @param {Record<string, string>} [headers] */
function raw(path, headers = {}) {
  return new Promise((/** @type {(found: { status: number, headers: import("node:http").IncomingHttpHeaders, body: Buffer }) => void} */ resolve, reject) => {
    ask(new URL(path, url), { headers, agent: false }, (response) => {
      /** @type {Buffer[]} */
      const pieces = [];
      response.on("data", (piece) => pieces.push(piece));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(pieces) }));
    }).on("error", reject).end();
  });
}

/** @param {Uint8Array | string} bytes */
const hash = (bytes) => createHash("sha256").update(bytes).digest("hex");
/** The page with its slots as upstream has them. @param {string} text */
const emptied = (text) => text.replaceAll(/<pocketrank-carousel [^>]*data-pocketrank-by="edge">.*?<\/pocketrank-carousel>/gs, slot("popular"));

// The second time a cached page comes from the cache.
for (const folder of ["/page", "/cached"]) {
  describe(`a page of any server, ${folder}`, () => {
    const visit = async (/** @type {string} */ name) => {
      /** @type {Response | undefined} */
      let response;
      let text = "";
      for (let n = 0; n < 2; n++) {
        response = await edge.fetch(`${folder}/${name}`);
        text = await response.text();
      }
      return { response: /** @type {Response} */ (response), text };
    };

    it("may have 5 MB", async () => {
      const large = page(range(0, 40_000).map((n) => `<p class="n${n % 7}">${n} — ${"text ".repeat(24)}</p>`).join("") + slot("popular"));
      assert.ok(Buffer.byteLength(large) > 5_000_000);
      upstream.answer(html(large));
      const { text } = await visit("large");
      assert.equal(readSlots(text)[0]?.html, popular);
      assert.equal(hash(emptied(text)), hash(large));
    });

    it("may have no slot, no head, nothing at all", async () => {
      for (const [n, body] of ["<p>no slot</p>", "plain < text & no tag", "", "<!doctype html>"].entries()) {
        upstream.answer(html(body));
        assert.equal((await visit(`bare-${n}`)).text, body);
      }
    });

    it("may come a byte at a time, in the middle of characters and tags", async () => {
      const odd = page(`<p>žluťoučký kůň 🐎 日本</p>${slot("popular")}<p>конец</p>`);
      upstream.answer(async (_, response) => {
        response.socket?.setNoDelay(true);
        response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
        for (const byte of Buffer.from(odd)) {
          response.write(Uint8Array.of(byte));
          if (byte === 0x3c) await sleep(1);
        }
        response.end();
      });
      const { text } = await visit("odd");
      assert.equal(emptied(text), odd);
      assert.equal(readSlots(text)[0]?.html, popular);
    });

    it("may have another charset, also a wrong or unknown one: its bytes stay", async () => {
      const latin = Buffer.from(page(`<p>caf\xe9</p>${slot("popular")}`), "latin1");
      const charsets = ["iso-8859-1", "windows-1252", "utf-8", "no-such-charset", "", "utf-16le"];
      for (const [n, charset] of charsets.entries()) {
        upstream.answer((_, response) => void response.writeHead(200, { "content-type": `text/html${charset && `; charset=${charset}`}` }).end(latin));
        for (let visits = 0; visits < 2; visits++) {
          const { status, body, headers } = await raw(`${folder}/charset-${n}`);
          assert.equal(status, 200, charset);
          assert.equal(headers["content-type"], `text/html${charset && `; charset=${charset}`}`);
          if (charset !== "utf-8" && charset !== "") assert.ok(body.includes(Buffer.from([0x63, 0x61, 0x66, 0xe9])), charset);
          assert.ok(body.toString("latin1").endsWith("</body></html>"), charset);
        }
      }
    });

    for (const [encoding, compress, decompress] of /** @type {const} */ ([["gzip", gzipSync, gunzipSync], ["br", brotliCompressSync, brotliDecompressSync]])) {
      it(`may come as ${encoding}, to those who take it and those who do not`, async () => {
        const body = page(slot("popular"));
        upstream.answer((request, response) => {
          const takes = request.headers["accept-encoding"]?.includes(encoding);
          response.writeHead(200, { "content-type": "text/html", ...(takes ? { "content-encoding": encoding } : {}) }).end(takes ? compress(body) : body);
        });
        for (const [name, accepted] of /** @type {const} */ ([["as", encoding], ["as", "identity"], ["as", "zstd, gzip;q=0.1, br"], ["first", "identity"], ["first", encoding]])) {
          const found = await raw(`${folder}/${name}-${encoding}`, { "accept-encoding": accepted });
          const sent = found.headers["content-encoding"];
          assert.ok(!sent || accepted.includes(sent), `${sent} for ${accepted}`);
          const text = (sent === "gzip" ? gunzipSync(found.body) : sent === "br" ? brotliDecompressSync(found.body) : found.body).toString();
          assert.equal(readSlots(text)[0]?.html, popular);
        }
        assert.ok(decompress(compress(body)).equals(Buffer.from(body)));
      });
    }

    it("in an encoding that nobody asked for passes as it is", async () => {
      const bytes = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, ...Buffer.from(page(slot("popular")))]);
      upstream.answer((_, response) => void response.writeHead(200, { "content-type": "text/html", "content-encoding": "zstd" }).end(bytes));
      const { body, headers } = await raw(`${folder}/zstd`, { "accept-encoding": "zstd" });
      assert.equal(headers["content-encoding"], "zstd");
      assert.ok(body.equals(bytes));
    });

    it("that says to be encoded and is not, or is cut off, ends without a mix", async () => {
      upstream.answer((_, response) => void response.writeHead(200, { "content-type": "text/html", "content-encoding": "gzip" }).end("<p>no gzip</p>"));
      const text = async () => (await raw(`${folder}/no-gzip`, { "accept-encoding": "identity" }).catch(() => undefined))?.body.toString() ?? "";
      for (let n = 0; n < 2; n++) assert.ok(["", "This page cannot be had at the moment.\n"].includes(await text()));
      upstream.answer(html(page("<p>again</p>")));
      assert.match(await text(), /again/);
    });

    it("that closes midway: the visitor gets what came, with its slots filled", async () => {
      upstream.answer((_, response) => {
        response.writeHead(200, { "content-type": "text/html" }).write(`<!doctype html><html><body>${slot("popular")}<p>half`, () => setTimeout(() => response.destroy(), 100));
      });
      for (const n of [1, 2]) {
        const came = await new Promise((/** @type {(text: string) => void} */ resolve) => {
          let text = "";
          ask(new URL(`${folder}/cut-${n}`, url), { headers: { "accept-encoding": "identity" }, agent: false }, (response) => {
            response.setEncoding("utf8").on("data", (piece) => (text += piece));
            response.on("error", () => resolve(text));
            response.on("end", () => resolve(text));
          }).on("error", () => resolve("no answer")).end();
        });
        assert.match(came, /^<!doctype html><html><body>/);
        assert.equal(readSlots(came)[0]?.html, popular);
      }
    });

    it("sends its head before anything else, and the visitor has it", async () => {
      for (const [list, by] of [["popular", "edge"], ["broken", undefined]]) {
        /** @type {() => void} */
        let finish = () => undefined;
        const finished = new Promise((resolve) => (finish = () => resolve(undefined)));
        upstream.answer(async (_, response) => {
          response.writeHead(200, { "content-type": "text/html" }).write("<!doctype html><html><head><title>Shop</title></head>");
          await finished;
          response.end(`<body>${slot(String(list))}</body></html>`);
        });
        const response = await edge.fetch(`${folder}/head-${list}`, { headers: { "accept-encoding": "identity" } });
        const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
        const decoder = new TextDecoder();
        let text = "";
        while (!text.endsWith("<title>Shop</title></head>")) {
          const { done, value } = await reader.read();
          assert.ok(!done);
          text += decoder.decode(value, { stream: true });
        }
        finish();
        for (let piece = await reader.read(); !piece.done; piece = await reader.read()) text += decoder.decode(piece.value, { stream: true });
        assert.deepEqual([readSlots(text)[0]?.by, text.endsWith("</html>")], [by, true]);
      }
    });

    it("that is none passes as it is: other types, redirects, errors, nothing", async () => {
      const bytes = Buffer.from(range(0, 70_000).map((n) => (n * 31) % 256));
      /** @type {[string, number, Record<string, string>, Uint8Array | undefined][]} */
      const cases = [
        ["image", 200, { "content-type": "image/png", etag: '"7"' }, bytes],
        ["untyped", 200, {}, bytes],
        ["xhtml", 200, { "content-type": "application/xhtml+xml" }, Buffer.from(page(slot("popular")))],
        ["moved", 301, { location: `${upstream.url}/elsewhere?a=b#c` }, undefined],
        ["found", 302, { location: "/elsewhere" }, undefined],
        ["kept", 307, { location: "//other.example/", "content-type": "text/html" }, Buffer.from("moved")],
        ["nothing", 204, {}, undefined],
        ["missing", 404, { "content-type": "text/html" }, Buffer.from(page(slot("popular")))],
        ["teapot", 418, { "content-type": "text/html", "x-own": "1" }, Buffer.from("short and stout")],
        ["broken", 500, { "content-type": "text/html" }, Buffer.from("out of order")],
      ];
      for (const [name, status, headers, body] of cases) {
        upstream.answer((_, response) => void response.writeHead(status, headers).end(body));
        for (let n = 0; n < 2; n++) {
          const found = await raw(`${folder}/is-${name}`);
          assert.equal(found.status, status, name);
          for (const [field, value] of Object.entries(headers)) assert.equal(found.headers[field], value, name);
          assert.ok(found.body.equals(Buffer.from(body ?? [])), name);
        }
        assert.equal(upstream.seen.at(-1)?.url, `${folder}/is-${name}`, "no redirect is followed");
      }
    });
  });
}

describe("a connection that upstream has closed", () => {
  it("is made once more where nothing is lost by it", async () => {
    let broken = 0;
    upstream.answer((request, response) => ((broken += 1) % 2 ? response.destroy() : html(page(`<p>${request.method}</p>`))(request, response)));
    for (const path of ["/page/closed", "/cached/closed", "/elsewhere"]) assert.equal((await raw(path)).status, 200, path);
    upstream.seen.length = 0;
    broken = 0;
    assert.equal((await edge.fetch("/elsewhere", { method: "POST", body: "order" })).status, 502);
    assert.equal(upstream.seen.length, 1);
  });
});

describe("a part of a page", () => {
  it("is upstream's own", async () => {
    upstream.answer((request, response) => void response.writeHead(206, { "content-type": "text/html", "content-range": `bytes 0-3/${fallback.length}` }).end(request.headers.range));
    const { status, headers, body } = await raw("/page/part", { range: "bytes=0-3" });
    assert.deepEqual([status, headers["content-range"], body.toString()], [206, `bytes 0-3/${fallback.length}`, "bytes=0-3"]);
  });
});

describe("an upstream that is slow", () => {
  it("has UPSTREAM_TIMEOUT for pages, and as long as it likes for all else", async () => {
    upstream.answer((request, response) => void setTimeout(() => html(page("late"))(request, response), 1_500));
    const began = Date.now();
    assert.equal((await raw("/page/slow")).status, 504);
    assert.ok(Date.now() - began < 1_400);
    assert.equal((await raw("/elsewhere")).status, 200);
  });
});
