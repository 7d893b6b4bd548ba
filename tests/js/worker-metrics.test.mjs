/** worker/src/metrics.rs: what was counted, in Prometheus' text format. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { candidates, items, makeStorage, page, slot, startEdge, visitor } from "../worker/edge.mjs";
import { startOrigin } from "../worker/origin.mjs";
import { publish } from "../worker/published.mjs";

const token = "0123456789abcdef0123456789abcdef";
const vars = { API: "on", API_TOKEN_METRICS: token };

/**
 * Reads the text format, version 0.0.4, and refuses what does not fit it.
 * @param {string} text
 * @returns {Map<string, number>} samples as they are written
 */
function parse(text) {
  assert.ok(text.endsWith("\n"));
  const samples = new Map();
  const types = new Map();
  let family = "";
  for (const line of text.slice(0, -1).split("\n")) {
    const [, help] = /^# HELP ([a-z_]+) \S.*$/.exec(line) ?? [];
    const [, typed = "", type] = /^# TYPE ([a-z_]+) (counter|gauge)$/.exec(line) ?? [];
    const [, sample, name = "", value] = /^(([a-z_]+)(?:\{[a-z_]+="[^"\\\n]*"(?:,[a-z_]+="[^"\\\n]*")*\})?) (-?\d+(?:\.\d+)?)$/.exec(line) ?? [];
    if (help) {
      assert.ok(!types.has(help), `${help} comes once`);
      family = help;
    } else if (type) {
      assert.equal(typed, family);
      types.set(typed, type);
    } else {
      assert.ok(sample, `not of the format: ${line}`);
      assert.equal(name, family);
      assert.ok(types.has(name) && !samples.has(sample));
      assert.equal(name.endsWith("_total"), types.get(name) === "counter");
      samples.set(sample, Number(value));
    }
  }
  return samples;
}

/** @param {import("../worker/edge.mjs").Edge} edge */
async function scrape(edge) {
  const response = await edge.fetch("/v1/metrics", { headers: { authorization: `Bearer ${token}` } });
  assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  return parse(await response.text());
}

describe("metrics", () => {
  it("count pages, and slots by what became of them", async () => {
    const storage = makeStorage();
    const edge = await startEdge({
      vars: { ...vars, PAGES: "/ /odd /about /text" },
      storage,
      lists: { sold: candidates(items([7, 17])) },
      files: {
        "/odd.html": page([slot("none"), slot("sold"), slot("popular", "many"), slot("popular", 5, "off"), '<b data-pocketrank-slot="x" data-pocketrank-candidates="popular" data-pocketrank-template="none"></b>', slot("popular")].join("")),
        "/text.txt": "text",
      },
    });
    await edge.flags(JSON.stringify({ slots: { off: false } }));
    const visit = async (/** @type {string} */ path, /** @type {RequestInit} */ init = {}) => void (await (await edge.fetch(path, init)).text());
    const { cookie } = visitor([[3, "view_item", 2]]);
    for (let i = 0; i < 3; i++) await visit("/", { headers: { cookie } });
    await visit("/odd");
    await visit("/about");
    await visit("/cart");
    await visit("/", { method: "POST" });
    await visit("/v1/health");
    const samples = await scrape(edge);
    /** @type {Record<string, number>} */
    const expected = {
      'pocketrank_pages_total{result="personalized"}': 5,
      'pocketrank_pages_total{result="passed"}': 2,
      pocketrank_slots_filled_total: 7,
      'pocketrank_slots_kept_total{reason="list"}': 1,
      'pocketrank_slots_kept_total{reason="nothing_to_show"}': 1,
      'pocketrank_slots_kept_total{reason="attribute"}': 1,
      'pocketrank_slots_kept_total{reason="template"}': 1,
      'pocketrank_slots_kept_total{reason="flag"}': 1,
      'pocketrank_api_requests_total{route="health",status="200"}': 1,
      'pocketrank_log_lines_total{level="warn",event="slot"}': 2,
      pocketrank_model_loaded: 1,
      pocketrank_snapshot_sequence: 1,
      pocketrank_snapshot_items: 400,
    };
    for (const [name, value] of Object.entries(expected)) assert.equal(samples.get(name), value, name);
    const filled = [...samples].filter(([name]) => name.startsWith("pocketrank_slots_kept"));
    assert.equal(filled.length, 5);
    await visit("/");
    assert.equal((await scrape(edge)).get("pocketrank_slots_filled_total"), 9);
    await edge.stop();
  });

  it("count what the origin gives, and say how old the model is", async () => {
    const origin = await startOrigin();
    const edge = await startEdge({ vars: { ...vars, API_TOKEN_REFRESH: token, MODELS_URL: origin.url } });
    origin.publish(publish({ sequence: 5, model: 1 }));
    const refresh = () => edge.fetch("/v1/refresh", { method: "POST", headers: { authorization: `Bearer ${token}` } });
    assert.equal((await refresh()).status, 200);
    origin.fail((response) => void response.destroy());
    assert.equal((await refresh()).status, 502);
    const samples = await scrape(edge);
    assert.equal(samples.get("pocketrank_snapshot_sequence"), 5);
    // Once from what was deployed, once from the origin.
    assert.equal(samples.get('pocketrank_sync_total{code="updated"}'), 2);
    assert.equal(samples.get('pocketrank_sync_total{code="network"}'), 1);
    assert.equal(samples.get('pocketrank_sync_requests_total{kind="manifest"}'), 2);
    assert.equal(samples.get('pocketrank_api_requests_total{route="refresh",status="502"}'), 1);
    assert.ok(Math.abs((samples.get("pocketrank_snapshot_age_seconds") ?? 0) - (Date.now() / 1000 - 1_700_000_000)) < 60);
    assert.equal(samples.get("pocketrank_snapshot_expires_timestamp_seconds"), 4e9);
    await edge.stop();
    await origin.stop();
  });

  it("count what fails, and have no series for what a caller makes up", async () => {
    const edge = await startEdge({ vars: { ...vars, UPSTREAM_URL: "http://127.0.0.1:1" } });
    for (let i = 0; i < 3; i++) assert.equal((await edge.fetch(`/p${i}?${i}`)).status, 502);
    for (let i = 0; i < 20; i++) await edge.fetch(`/v1/x${i}`, { method: i % 2 ? "PUT" : "GET" });
    const samples = await scrape(edge);
    assert.equal(samples.get('pocketrank_pages_total{result="failed"}'), 3);
    assert.equal(samples.get('pocketrank_log_lines_total{level="error",event="fetch"}'), 3);
    assert.equal(samples.get('pocketrank_api_requests_total{route="none",status="404"}'), 20);
    assert.equal([...samples.keys()].filter((name) => name.includes("api_requests")).length, 1);
    await edge.stop();
  });
});
