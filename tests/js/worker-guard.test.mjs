/** worker/src/guard.rs and guard.mjs: a panic ends the instance of the wasm, and no page that is under way. */
import assert from "node:assert/strict";
import { after, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { expected, fallback, items, measured, page, range, readSlots, slot, startEdge } from "../worker/edge.mjs";
import { html, startUpstream } from "../worker/upstream.mjs";
import { share } from "./support/share.mjs";

const popular = expected(items(range(0, 60)), 5).html;
const trending = expected(items(range(100, 140)), 3).html;
const panicking = slot("popular", 5, "test-panic");

/** @type {() => void} */
let finish = () => undefined;
let finished = Promise.resolve();

after(() => finish());
const upstream = await startUpstream(html(""));
const [edge] = await share(startEdge({ build: "worker-faults", vars: { UPSTREAM_URL: upstream.url, CACHE_PAGES: "/cached/*", PAGE_MODEL: "on" } }), upstream);
beforeEach(() => {
  upstream.seen.length = 0;
  finished = new Promise((resolve) => (finish = resolve));
  upstream.answer(async (request, response) => {
    const [, kind] = /^\/(?:cached\/)?(\w+)/.exec(request.url ?? "") ?? [];
    if (kind === "panic") return html(page(`<p>before</p>${panicking}<p>after</p>${slot("trending", 3)}`))(request, response);
    if (kind === "waiting") await finished;
    response.writeHead(200, { "content-type": kind === "passed" ? "text/plain" : "text/html" });
    // So much that the rewriter has let go of it.
    response.write(`<!doctype html><html lang="en"><body>${slot("popular")}<p>${request.url}</p>${" ".repeat(20_000)}`);
    await finished;
    response.end(`${slot("trending", 3)}<p>last</p></body></html>`);
  });
});

/** A page that begins, and its rest. @param {string} path */
async function begin(path) {
  // What stands before the worker here compresses what it can, and holds it back for that.
  const response = await edge.fetch(path, { headers: { "accept-encoding": "identity" } });
  assert.equal(response.status, 200);
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  const decoder = new TextDecoder();
  let text = "";
  const more = async () => {
    const { done, value } = await reader.read();
    text += decoder.decode(value, { stream: !done });
    return !done;
  };
  while (!text.includes("</p>")) assert.ok(await more());
  return async () => {
    while (await more());
    return text;
  };
}

/** @param {string} text @param {string} path */
function isWhole(text, path) {
  const [first, second] = readSlots(text);
  assert.equal(first?.html, popular);
  assert.ok([fallback, trending].includes(second?.html ?? ""), "filled or as it was");
  assert.match(text, new RegExp(`<p>${path}</p>`));
  assert.match(text, /<p>last<\/p><\/body><\/html>/);
  return second?.by === "edge";
}

async function panic() {
  const response = await edge.fetch("/panic");
  const text = await response.text();
  assert.equal(response.status, 200);
  const [first, second] = readSlots(text);
  assert.deepEqual([first?.html, first?.by], [fallback, undefined]);
  assert.ok([fallback, trending].includes(second?.html ?? ""));
  assert.match(text, /<p>before<\/p>.*<p>after<\/p>.*<\/html>/s);
}

describe("a panic in a slot", () => {
  it("leaves its page whole, and the next are filled", async () => {
    finish();
    for (const n of [1, 2, 3]) {
      await panic();
      assert.equal(isWhole(await (await edge.fetch(`/page/${n}`)).text(), `/page/${n}`), true);
    }
  });

  it("leaves 50 pages that stream whole, and fills what is to come of them", async () => {
    const paths = range(0, 50).map((n) => `${n % 2 ? "/cached" : ""}/page/${n}`);
    const pages = await Promise.all(paths.map(begin));
    await panic();
    finish();
    const texts = await Promise.all(pages.map((rest) => rest()));
    const filled = texts.filter((text, n) => isWhole(text, paths[n] ?? ""));
    assert.equal(filled.length, 50);
  });

  it("leaves those whole whose upstream has not begun, also if it comes again", async () => {
    const paths = range(0, 20).map((n) => `${n % 2 ? "/cached" : ""}/waiting/${n}`);
    const pages = paths.map((path) => edge.fetch(path).then((response) => response.text()));
    while (upstream.seen.length < 20) await sleep(10);
    await panic();
    await panic();
    finish();
    for (const [n, text] of (await Promise.all(pages)).entries()) assert.equal(isWhole(text, paths[n] ?? ""), true);
  });

  it("leaves what was passed on as it is: it is sent once", async () => {
    const post = edge.fetch("/waiting/post", { method: "POST", body: "order" }).then((response) => response.text());
    while (upstream.seen.length < 1) await sleep(10);
    await panic();
    finish();
    assert.match(await post, /\/waiting\/post.*last/s);
    assert.equal(upstream.seen.filter(({ method }) => method === "POST").length, 1);
  });

  it("loses no page of many at a time", async () => {
    finish();
    const all = range(0, 100).map((n) => (n % 20 === 7 ? panic() : edge.fetch(`/page/${n}`).then((response) => response.text()).then((text) => assert.match(text, /<p>last<\/p><\/body><\/html>/))));
    await Promise.all(all);
  });
});

describe("the worker that is released", () => {
  it("has no slot that panics", async () => {
    const released = await startEdge({ files: { "/panic.html": page(panicking) } });
    const [only] = readSlots(await (await released.fetch("/panic")).text());
    await released.stop();
    assert.equal(only?.html, popular);
  });
});

describe("visitors who leave before upstream has answered", () => {
  it("leave nothing behind", async () => {
    const left = await startEdge({ entry: measured, vars: { UPSTREAM_URL: upstream.url, CACHE_PAGES: "/cached/*", UPSTREAM_TIMEOUT: "1" } });
    /** Who waits for upstream, by path. @type {Map<string, () => void>} */
    const waiting = new Map();
    let open = 0;
    upstream.answer((request, response) => {
      open += 1;
      response.on("close", () => (open -= 1));
      waiting.get(request.url ?? "")?.();
      setTimeout(() => html(page(slot("popular")))(request, response), 30);
    });
    const leave = async (/** @type {number} */ n) => {
      const abort = new AbortController();
      const path = `${n % 2 ? "/cached" : ""}/${n}`;
      waiting.set(path, () => setTimeout(() => abort.abort(), n % 20));
      const asked = left.fetch(path, { signal: abort.signal }).then((response) => response.text());
      // Node's fetch, aborted in an unlucky moment, never ends.
      await Promise.race([asked.catch(() => undefined), sleep(1_000)]);
      waiting.delete(path);
    };
    let visits = 0;
    /** By how many bytes memory grows, which never shrinks. */
    const grows = async (/** @type {number} */ count) => {
      const measure = async () => /** @type {[number]} */ (await (await left.fetch("/memory")).json())[0];
      const before = await measure();
      for (const end = visits + count; visits < end; visits += 20) {
        await Promise.all(range(visits, visits + 20).map(leave));
        // What was begun ends, so that as much is always under way.
        while (open > 0) await sleep(5);
      }
      return (await measure()) - before;
    };
    try {
      await (await left.fetch("/")).text();
      await grows(600);
      // Where the machine was busy more was under way than ever before; what is left behind is so each time.
      const grown = [];
      do grown.push(await grows(2_000));
      while ((grown.at(-1) ?? 0) >= 500_000 && grown.length < 3);
      assert.ok((grown.at(-1) ?? 0) < 500_000, `bytes that 2,000 visits left: ${grown.join(", ")}`);
    } finally {
      await left.stop();
    }
  });
});
