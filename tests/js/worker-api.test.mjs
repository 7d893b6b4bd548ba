/** worker/src/api.rs: what servers get, held to docs/openapi.json; every route with every answer that is documented. */
import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, describe, it } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Consent, Profile } from "pocketrank";
import { candidates, deployed, ids, items, lists, makeStorage, now, page, range, ranker, slot, snapshotPath, startEdge } from "../worker/edge.mjs";
import { check, document, documented, wrongs } from "../worker/openapi.mjs";
import { startOrigin } from "../worker/origin.mjs";
import { publish } from "../worker/published.mjs";

const token = (/** @type {string} */ route) => `${route}-${"0123456789abcdef".repeat(2)}`;
const guarded = /** @type {const} */ (["rerank", "candidates", "metrics", "refresh"]);
const tokens = Object.fromEntries(guarded.map((route) => [`API_TOKEN_${route.toUpperCase()}`, `${token("old")} ${token(route)}`]));
const on = { API: "on", ...tokens };
/** @type {Record<string, [method: string, path: string]>} */
const routes = {
  rerank: ["POST", "/v1/rerank"],
  candidates: ["GET", "/v1/candidates/popular"],
  health: ["GET", "/v1/health"],
  metrics: ["GET", "/v1/metrics"],
  refresh: ["POST", "/v1/refresh"],
};

/** What was answered so far, as the document has it. @type {Set<string>} */
const seen = new Set();

/**
 * Calls a route and checks the answer.
 * @param {import("../worker/edge.mjs").Edge} edge
 * @param {string} route
 * @param {{ body?: unknown, headers?: Record<string, string>, method?: string, path?: string }} [call] `body` as text, or to be written as JSON
 */
async function call(edge, route, { body, headers = {}, method = routes[route]?.[0] ?? "", path = routes[route]?.[1] ?? "" } = {}) {
  const text = typeof body === "string" || body === undefined ? body : JSON.stringify(body);
  const all = { authorization: `Bearer ${token(route)}`, ...(text === undefined ? {} : { "content-type": "application/json" }), ...headers };
  const response = await edge.fetch(path, { method, headers: all, ...(text === undefined ? {} : { body: text }) });
  assert.deepEqual([...response.headers.keys()].filter((name) => name.startsWith("access-control-")), []);
  assert.equal(response.headers.get("x-content-type-options"), "nosniff");
  const answer = await check(method, path, response);
  seen.add(answer.seen);
  return answer;
}

const popular = items(range(0, 60));
const list = { list: "popular" };

describe("the document", () => {
  it("is an OpenAPI 3.1 document", async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone(document));
    assert.ok(valid, JSON.stringify(errors));
    assert.equal(validator.version, "3.1");
  });
});

describe("the switch for the API", () => {
  it("is off unless it is turned on, and then /v1/ is upstream's", async () => {
    for (const vars of /** @type {Record<string, string>[]} */ ([{}, { API: "off" }, { API: "" }])) {
      const edge = await startEdge({ vars: { ...tokens, ...vars }, files: { "/v1/health.html": page("<p>the shop's own</p>") } });
      assert.match(await (await edge.fetch("/v1/health")).text(), /the shop's own/);
      assert.equal((await edge.fetch("/v1/rerank", { method: "POST" })).headers.get("content-type")?.includes("problem") ?? false, false);
      await edge.stop();
    }
  });

  it("leaves pages alone where it is on", async () => {
    const edge = await startEdge({ vars: on });
    assert.match(await (await edge.fetch("/")).text(), /data-pocketrank-by="edge"/);
    assert.equal((await edge.fetch("/v1")).status, 404);
    await edge.stop();
  });
});

describe("rerank", () => {
  /** @type {import("../worker/edge.mjs").Edge} */
  let edge;
  before(async () => {
    edge = await startEdge({ vars: on, lists: { lost: candidates(items([1])) }, files: lostFile() });
  });
  after(() => edge.stop());

  /** The path of the list `lost`, with other bytes. */
  function lostFile() {
    const path = Object.entries(deployed({ lists: { lost: candidates(items([1])) } })).find(([path]) => path.includes("/files/"))?.[0] ?? "";
    return { [path]: "gone" };
  }

  /** @param {[item: number, kind: import("../../www/index.d.ts").EventKind, daysAgo: number][]} events */
  function history(events) {
    const grant = new Consent({ choice: { mode: "session", capsule: false } }).grant();
    assert.ok(grant);
    const profile = new Profile();
    for (const [item, kind, days] of events) profile.record(grant, `sku-${item}`, kind, now - days * 86_400);
    return { profile, events: events.map(([item, event, days]) => ({ event, item: `sku-${item}`, at: now - days * 86_400 })) };
  }

  /** @param {import("../../www/index.d.ts").CandidateItem[]} list @param {Profile} profile @param {Parameters<typeof ranker.rerank>[1]} options */
  function slate(list, profile, options) {
    ranker.setProfile(profile, now);
    return ranker.rerank(ranker.candidates(list), options).map(({ index, score }) => ({ id: list[index]?.id, index, known: true, score }));
  }

  /** Scores have four bytes, which JSON writes with as few digits as tell them from others. @param {any[]} slates */
  function read(slates) {
    return slates.map(({ items, ...rest }) => ({ ...rest, items: items.map((/** @type {any} */ item) => ({ ...item, score: Math.fround(item.score) })) }));
  }

  it("ranks a list as Node does", async () => {
    const { body, status } = await call(edge, "rerank", { body: { lists: [list] } });
    assert.equal(status, 200);
    assert.deepEqual({ ...body, slates: read(body.slates) }, { snapshot: ids[0], sequence: 1, mode: "contextual", slates: [{ list: "popular", items: slate(popular, new Profile(), { count: 12 }) }] });
  });

  it("ranks several for what the visitor did, and by ids that the caller gives", async () => {
    const { profile, events } = history([[3, "view_item", 2], [5, "add_to_cart", 1], [9, "purchase", 0]]);
    const own = items([200, 9, 3, 17, 5, 201]);
    const asked = [{ list: "popular", count: 5, diversity: 0 }, { items: own.map(({ id }) => id), count: 1000, exclude_purchased: true }, { list: "trending", exclude_out_of_stock: false }];
    const { body } = await call(edge, "rerank", { body: { consent: true, events, lists: asked } });
    assert.equal(body.mode, "session");
    assert.deepEqual(read(body.slates), [
      { list: "popular", items: slate(popular, profile, { count: 5, diversity: 0 }) },
      // The caller's ids say nothing of stock.
      { items: slate(own.map((item) => ({ ...item, in_stock: true })), profile, { count: 1000, excludePurchased: true }) },
      { list: "trending", items: slate(items(range(100, 140)), profile, { excludeOutOfStock: false }) },
    ]);
    assert.notDeepEqual(read(body.slates)[0]?.items, slate(popular, new Profile(), { count: 5, diversity: 0 }));
  });

  it("says why", async () => {
    const { profile, events } = history([[3, "view_item", 2], [5, "add_to_cart", 1]]);
    const { body } = await call(edge, "rerank", { body: { consent: true, events, explain: true, lists: [list, { items: ["sku-1", "no such item"] }] } });
    ranker.setProfile(profile, now);
    const rows = ranker.candidates(popular).rows;
    for (const { id, index, score, explanation } of body.slates[0].items) {
      const why = ranker.explain(rows[index] ?? 0);
      assert.deepEqual(explanation.parts.map((/** @type {any} */ { name, value }) => [name, Math.fround(value)]), why.parts.map(({ name, value }) => [name, value]), id);
      assert.equal(Math.fround(score), why.score);
      for (const because of explanation.because) assert.ok(["sku-3", "sku-5"].includes(because.id));
    }
    assert.ok(body.slates[0].items.some((/** @type {any} */ { explanation }) => explanation.because.length > 0));
    assert.deepEqual(body.slates[1].items.map((/** @type {any} */ { id, known }) => [id, known]).sort(), [["no such item", false], ["sku-1", true]]);
  });

  it("uses no events without the visitor's consent, and none against Global Privacy Control", async () => {
    const { events } = history([[3, "view_item", 2], [5, "add_to_cart", 1]]);
    const plain = await call(edge, "rerank", { body: { lists: [list] } });
    for (const gpc of ["1", "0", "?"]) {
      const { body } = await call(edge, "rerank", { body: { consent: true, events, lists: [list] }, headers: { "Sec-GPC": gpc } });
      assert.deepEqual(body, plain.body);
    }
    for (const consent of [undefined, false, null]) {
      const { code, body } = await call(edge, "rerank", { body: { consent, events, lists: [list] } });
      assert.deepEqual([code, body.pointer], ["consent_required", "/consent"]);
    }
  });

  it("keeps nothing of a call for the next, nor for a page", async () => {
    const { events } = history([[3, "view_item", 2], [5, "add_to_cart", 1]]);
    const before = await call(edge, "rerank", { body: { lists: [list] } });
    const home = await (await edge.fetch("/")).text();
    await Promise.all(range(0, 50).map(async (n) => {
      const { body } = await call(edge, "rerank", { body: n % 2 ? { lists: [list] } : { consent: true, events, lists: [list] } });
      if (n % 2) assert.deepEqual(body, before.body);
      else assert.notDeepEqual(body.slates, before.body.slates);
    }));
    assert.equal(await (await edge.fetch("/")).text(), home);
    assert.ok(!edge.console.join("\n").includes("sku-"));
  });

  /** @type {Record<string, [body: unknown, code: string, pointer?: string]>} */
  const wrong = {
    "no JSON": ["{", "not_json"],
    "nothing": ["", "not_json"],
    "deep": ["[".repeat(9), "body_too_deep"],
    "very deep": ["[".repeat(200_000), "body_too_deep"],
    "an array": [[], "wrong_body", ""],
    "no lists": [{}, "wrong_body", "/lists"],
    "a field of another name": [{ lists: [list], visitor: "v-1" }, "wrong_body", ""],
    "a list by a path": [{ lists: [{ list: "../manifest" }] }, "wrong_body", "/lists/0/list"],
    "a list and items": [{ lists: [{ list: "popular", items: ["sku-1"] }] }, "wrong_body", "/lists/0"],
    "a count of 0": [{ lists: [list, { ...list, count: 0 }] }, "wrong_body", "/lists/1/count"],
    "an event of another name": [{ lists: [list], consent: true, events: [{ event: "look", item: "sku-1" }] }, "wrong_body", "/events/0/event"],
    "17 lists": [{ lists: Array(17).fill(list) }, "too_many_lists", "/lists"],
    "1,001 items": [{ lists: [{ items: Array(1001).fill("a") }] }, "too_many_candidates", "/lists/0/items"],
    "257 events": [{ lists: [list], consent: true, events: Array(257).fill({ event: "view_item", item: "a" }) }, "too_many_events", "/events"],
  };
  for (const [name, [body, code, pointer]] of Object.entries(wrong)) {
    it(`refuses ${name}: ${code}`, async () => {
      const answer = await call(edge, "rerank", { body });
      assert.deepEqual([answer.code, answer.body.pointer], [code, pointer]);
      assert.equal(answer.body.type, `https://github.com/pocketrank/pocketrank/blob/main/docs/API.md#${code}`);
      if (typeof body === "object") assert.notDeepEqual(wrongs(body), [], "the document does not allow it either");
    });
  }

  it("takes what the document allows", async () => {
    const limits = { lists: [...Array(15).fill(list), { items: Array.from({ length: 1000 }, (_, n) => `sku-${n}`), count: 1000 }], consent: true, events: Array(256).fill({ event: "view_item", item: "sku-1", at: null }) };
    for (const body of [limits, { lists: [{ items: [] }], events: null, consent: null, explain: null }, { lists: [{ ...list, count: null, diversity: 1 }] }]) {
      assert.deepEqual(wrongs(body), []);
      assert.equal((await call(edge, "rerank", { body })).status, 200);
    }
  });

  it("refuses large bodies without reading them to their end", async () => {
    const large = `{"lists":[{"items":["${"a".repeat(1 << 18)}"]}]}`;
    assert.equal((await call(edge, "rerank", { body: large })).code, "body_too_large");
    // One that does not say how long it is, and does not end.
    const url = new URL("/v1/rerank", await edge.miniflare.ready);
    const headers = { authorization: `Bearer ${token("rerank")}`, "content-type": "application/json" };
    const status = await new Promise((resolve, reject) => {
      const sent = request(url, { method: "POST", headers }, (response) => {
        resolve(response.statusCode);
        sent.destroy();
      });
      sent.on("error", reject);
      for (let i = 0; i < 5; i++) sent.write(Buffer.alloc(65_536, 32));
    });
    assert.equal(status, 413);
  });

  it("refuses other media types and compressed bodies", async () => {
    for (const headers of /** @type {Record<string, string>[]} */ ([{ "content-type": "text/plain" }, { "content-type": "application/x-www-form-urlencoded" }, { "content-encoding": "gzip" }])) {
      assert.equal((await call(edge, "rerank", { body: { lists: [list] }, headers })).code, "unsupported_media_type");
    }
  });

  it("names the list that is not there", async () => {
    const none = await call(edge, "rerank", { body: { lists: [list, { list: "none" }] } });
    assert.deepEqual([none.code, none.body.pointer], ["unknown_list", "/lists/1/list"]);
    const lost = await call(edge, "rerank", { body: { lists: [{ list: "lost" }] } });
    assert.deepEqual([lost.code, lost.headers.get("retry-after")], ["list_unavailable", "10"]);
    assert.equal((await call(edge, "candidates", { path: "/v1/candidates/lost" })).code, "list_unavailable");
  });
});

describe("candidates", () => {
  it("are the list's, in its own order", async () => {
    const strange = [...items([3, 7]), { ...items([4])[0], id: "no such item" }];
    const edge = await startEdge({ vars: on, lists: { strange: candidates(/** @type {any} */ (strange)) } });
    const { body } = await call(edge, "candidates", { path: "/v1/candidates/strange" });
    const [three, seven, none] = [{ id: "sku-3", known: true, in_stock: true }, { id: "sku-7", known: true, in_stock: false }, { id: "no such item", known: false, in_stock: true }];
    assert.deepEqual(body, { snapshot: ids[0], sequence: 1, list: "strange", items: [three, seven, none] });
    for (const name of ["none", "UPPER", "..%2fmanifest", "a/b", "a.json"]) {
      assert.equal((await call(edge, "candidates", { path: `/v1/candidates/${name}` })).code, "unknown_list", name);
    }
    assert.deepEqual(edge.warnings, []);
    await edge.stop();
  });
});

describe("who may call", () => {
  /** @type {import("../worker/edge.mjs").Edge} */
  let edge;
  before(async () => {
    edge = await startEdge({ vars: on });
  });
  after(() => edge.stop());

  for (const route of guarded) {
    it(`${route}: only who has a token of the route`, async () => {
      const others = guarded.filter((other) => other !== route).map((other) => `Bearer ${token(other)}`);
      const own = token(route);
      for (const authorization of ["", "Bearer", `Basic ${own}`, own, `Bearer ${own}x`, `Bearer ${own.slice(1)}`, `Bearer ${own.toUpperCase()}`, ...others]) {
        const { code, headers } = await call(edge, route, { headers: { authorization } });
        assert.equal(code, "unauthorized", authorization);
        assert.match(headers.get("www-authenticate") ?? "", /^Bearer realm="pocketrank"/);
      }
    });
  }

  it("takes any of a route's tokens", async () => {
    for (const each of [token("old"), token("metrics")]) {
      assert.equal((await call(edge, "metrics", { headers: { authorization: `bearer ${each}` } })).status, 200);
    }
  });

  it("is nobody where a route has no token, or a short one", async () => {
    for (const value of ["", " ", "short"]) {
      const closed = await startEdge({ vars: { API: "on", ...Object.fromEntries(Object.keys(tokens).map((name) => [name, value])) } });
      for (const route of guarded) assert.equal((await call(closed, route, { headers: { authorization: `Bearer ${value}` } })).code, "closed");
      assert.equal((await call(closed, "health")).status, 200);
      await closed.stop();
    }
  });

  it("is no page: other methods and preflights get 405, and no origin is allowed", async () => {
    for (const [route, [method]] of Object.entries(routes)) {
      for (const other of ["OPTIONS", "PUT", "DELETE", method === "GET" ? "POST" : "GET"]) {
        const headers = { origin: "https://shop.example", "access-control-request-method": method };
        const answer = await call(edge, route, { method: other, headers });
        assert.deepEqual([answer.code, answer.headers.get("allow")], ["method_not_allowed", method === "GET" ? "GET, HEAD" : "POST"]);
      }
    }
  });

  it("gets 404 for what is no route", async () => {
    for (const path of ["/v1/", "/v1/rerank/", "/v1/none", "/v1/%72erank", "/v1/candidates"]) {
      const response = await edge.fetch(path, { method: "POST", headers: { authorization: `Bearer ${token("rerank")}` } });
      assert.deepEqual([response.status, /** @type {any} */ (await response.json()).code], [404, "not_found"], path);
    }
  });

  it("gets the head of what can be read", async () => {
    for (const route of ["candidates", "health", "metrics"]) {
      const { status, body, headers } = await call(edge, route, { method: "HEAD" });
      assert.deepEqual([status, body], [200, ""]);
      assert.equal(headers.get("cache-control"), "no-store");
    }
  });
});

describe("the rate limit", () => {
  it("counts by route and token", async () => {
    const edge = await startEdge({ vars: on, limit: 2 });
    for (const route of guarded) {
      const codes = [];
      for (let i = 0; i < 3; i++) codes.push((await call(edge, route, route === "rerank" ? { body: { lists: [list] } } : {})).code);
      assert.deepEqual(codes, [...Array(2).fill(route === "refresh" ? "no_origin" : "ok"), "rate_limited"], route);
      const last = await call(edge, route);
      assert.equal(last.headers.get("retry-after"), "60");
      assert.notEqual((await call(edge, route, { headers: { authorization: `Bearer ${token("old")}` } })).code, "rate_limited");
    }
    for (let i = 0; i < 5; i++) assert.equal((await call(edge, "health")).status, 200);
    await edge.stop();
  });
});

describe("health", () => {
  it("says how old the model is, and nothing else", async () => {
    const edge = await startEdge({ vars: on, seed: { sequence: 7, expires: 1_700_000_001 } });
    const { body } = await call(edge, "health", { headers: { authorization: "" } });
    assert.deepEqual([body.snapshot, body.sequence, body.items, body.expired], [ids[0], 7, 400, true]);
    assert.ok(Math.abs(body.age - (Date.now() / 1000 - 1_700_000_000)) < 60);
    await edge.stop();
  });

  it("is 503 without a model, as all that needs one, and the metrics say so", async () => {
    const edge = await startEdge({ vars: on, files: { [snapshotPath]: "none" } });
    for (const route of ["health", "candidates", "rerank"]) {
      const { code } = await call(edge, route, route === "rerank" ? { body: { lists: [list] } } : {});
      assert.equal(code, "no_model");
    }
    assert.match((await call(edge, "metrics")).body, /^pocketrank_model_loaded 0$/m);
    await edge.stop();
  });
});

describe("refresh", () => {
  it("brings the origin's newest at once", async () => {
    const origin = await startOrigin();
    const edge = await startEdge({ vars: { ...on, MODELS_URL: origin.url } });
    origin.publish(publish({ lists }));
    assert.deepEqual((await call(edge, "refresh")).body, { updated: false, snapshot: ids[0], sequence: 1 });
    for (const [model, sequence] of /** @type {const} */ ([[1, 2], [2, 3]])) {
      origin.publish(publish({ lists, model, sequence }));
      assert.deepEqual((await call(edge, "refresh")).body, { updated: true, snapshot: ids[model], sequence });
      assert.equal((await call(edge, "health")).body.sequence, sequence);
    }
    await edge.stop();
    await origin.stop();
  });

  it("says that the origin is gone, slow or wrong, and what is in use stays", async () => {
    const origin = await startOrigin();
    const edge = await startEdge({ vars: { ...on, MODELS_URL: origin.url, INTERVAL: "1" } });
    origin.publish(publish({ lists, sequence: 2 }));
    for (const fault of [(/** @type {any} */ response) => response.destroy(), (/** @type {any} */ response) => response.end("<html>")]) {
      origin.fail(fault);
      assert.equal((await call(edge, "refresh")).code, "origin_failed");
      assert.equal((await call(edge, "health")).body.sequence, 1);
    }
    origin.fail(() => undefined);
    const [first, second] = await Promise.all([call(edge, "refresh"), new Promise((resolve) => setTimeout(resolve, 300)).then(() => call(edge, "refresh"))]);
    assert.deepEqual([first.code, second.code], ["origin_failed", "busy"]);
    origin.fail(undefined);
    assert.equal((await call(edge, "refresh")).body.sequence, 2);
    await edge.stop();
    await origin.stop();
  });

  it("says that there is nobody to ask, or that the worker is set up wrong", async () => {
    const edge = await startEdge({ vars: on });
    assert.equal((await call(edge, "refresh")).code, "no_origin");
    await edge.stop();
    const wrong = await startEdge({ vars: { ...on, AUDIENCE: "", PAGES: "wrong" } });
    assert.equal((await call(wrong, "refresh")).code, "failed");
    await wrong.stop();
  });
});

describe("flags", () => {
  it("switch each route off", async () => {
    const edge = await startEdge({ vars: on, storage: makeStorage() });
    await edge.flags(JSON.stringify({ routes: Object.fromEntries(Object.keys(routes).map((route) => [route, false])) }));
    for (const route of Object.keys(routes)) assert.equal((await call(edge, route)).code, "switched_off", route);
    assert.match(await (await edge.fetch("/")).text(), /data-pocketrank-by="edge"/);
    await edge.stop();
  });
});

describe("a page's slots beside the API", () => {
  it("are as without it", async () => {
    const edge = await startEdge({ vars: on, files: { "/one.html": page(slot("popular")) } });
    const before = await (await edge.fetch("/one")).text();
    await call(edge, "rerank", { body: { consent: true, events: [{ event: "purchase", item: "sku-3" }], lists: [list] } });
    assert.equal(await (await edge.fetch("/one")).text(), before);
    await edge.stop();
  });
});

describe("all together", () => {
  it("are what the document says, and no less", () => {
    assert.deepEqual([...seen].sort(), documented().sort());
  });
});
