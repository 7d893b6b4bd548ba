/** worker/src/log.rs, report.rs and error.rs: one JSON object a line, by codes that docs/DEPLOY.md explains, and nothing of a visitor. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { root } from "../../scripts/process.mjs";
import { candidates, items, makeStorage, page, shop, slot, snapshotPath, startEdge, visitor } from "../worker/edge.mjs";
import { startOrigin } from "../worker/origin.mjs";

const fields = ["level", "event", "reason", "slot", "list", "snapshot", "sequence", "message"];
const docs = readFileSync(join(root, "docs/DEPLOY.md"), "utf8");

/** Every line is one of the log, with known fields and a documented event. @param {import("../worker/edge.mjs").Edge} edge */
function checkAll(edge) {
  assert.ok(edge.logs.length > 0);
  // What workerd itself says on this machine is no line of the worker.
  const others = edge.console.filter((line) => !/^(workerd\/|stack: )/.test(line) && !edge.logs.some(({ message }) => message === line));
  assert.deepEqual(others, []);
  for (const line of edge.logs) {
    assert.deepEqual(Object.keys(line).filter((name) => !fields.includes(name)), []);
    for (const name of ["event", "reason", "message"]) assert.ok(typeof line[name] === "string" && line[name] !== "", JSON.stringify(line));
    assert.ok(["info", "warn", "error"].includes(line.level));
    assert.ok(docs.includes(`\n| \`${line.event}\` |`), `docs/DEPLOY.md explains the event ${line.event}`);
  }
}

describe("the log", () => {
  it("explains every event that the sources name", () => {
    const sources = readdirSync(join(root, "worker/src")).map((name) => readFileSync(join(root, "worker/src", name), "utf8")).join("\n");
    const events = new Set([...sources.matchAll(/event: "(\w+)"|Error::\w+ ?(?:\{[^}]*\}|\([^)]*\)) => \("(\w+)", |(?:once|warn)\(\s*"(\w+)",\s*"/g)].map(([, a, b, c]) => a ?? b ?? c));
    assert.ok(events.size >= 11, [...events].join());
    for (const event of events) assert.ok(docs.includes(`\n| \`${event}\` |`), event);
  });

  it("has the slot and why it was kept", async () => {
    const edge = await startEdge({
      files: { "/index.html": page(`${slot("popular", "many", "hero")}${slot("none", 5, "gone")}<div data-pocketrank-slot="odd" data-pocketrank-candidates="popular" data-pocketrank-template="nowhere"></div>`) },
    });
    await (await edge.fetch("/")).text();
    await edge.stop();
    checkAll(edge);
    const told = edge.logs.filter(({ level }) => level !== "info").map(({ level, event, reason, slot: name }) => [level, event, reason, name]);
    assert.deepEqual(told, [["warn", "slot", "attribute", "hero"], ["warn", "fetch", "status", undefined], ["warn", "slot", "template", "odd"]]);
  });

  it("says of following what the plan reports", async () => {
    const origin = await startOrigin();
    const edge = await startEdge({ vars: { MODELS_URL: origin.url, INTERVAL: "1" }, storage: makeStorage() });
    await edge.cron();
    await edge.stop();
    await origin.stop();
    checkAll(edge);
    const sync = edge.logs.filter(({ event }) => event === "sync").map(({ level, reason, sequence, snapshot }) => [level, reason, sequence, typeof snapshot]);
    assert.deepEqual(sync, [["info", "updated", 1, "string"], ["warn", "status", undefined, "undefined"]]);
  });

  it("has nothing of a request in it, whatever fails", async () => {
    const secret = "s3cret";
    const { cookie } = visitor([[3, "view_item", 2]]);
    const headers = { cookie: `${cookie}; session=${secret}`, "User-Agent": secret, "CF-Connecting-IP": "203.0.113.77", Referer: `https://shop.example/?q=${secret}`, authorization: `Bearer ${secret}` };
    /** @type {import("../worker/edge.mjs").Options[]} */
    const broken = [
      { vars: { UPSTREAM_URL: "http://127.0.0.1:1" } },
      { vars: { UPSTREAM_URL: "http://" } },
      { vars: { UPSTREAM_URL: "https://:0" } },
      { files: { [snapshotPath]: "none" } },
      { vars: { AUDIENCE: "" } },
      { vars: { PAGES: "wrong" } },
      { files: { "/index.html": page(slot("popular", "many")) } },
      { lists: { popular: "{" }, files: shop },
      { lists: { popular: candidates(items([1]).map((item) => ({ ...item, id: /** @type {any} */ (7) }))) } },
      { vars: { API: "on", API_TOKEN_REFRESH: "0123456789abcdef0123", MODELS_URL: "http://127.0.0.1:1" } },
    ];
    for (const options of broken) {
      const edge = await startEdge(options);
      for (const path of [`/?q=${secret}`, `/account/${secret}`, `/v1/candidates/${secret}`]) {
        await (await edge.fetch(path, { headers: { ...headers, authorization: "" } }, 0)).text();
        await (await edge.fetch(path, { method: "POST", headers, body: `{"events":[{"item":"${secret}"}]}` }, 0)).text();
      }
      await (await edge.fetch("/v1/refresh", { method: "POST", headers: { authorization: "Bearer 0123456789abcdef0123" } })).text();
      await edge.stop();
      checkAll(edge);
      const all = JSON.stringify([edge.logs, edge.console]);
      for (const part of [secret, cookie, cookie.slice(20, 60), "203.0.113.77", "0123456789abcdef0123"]) assert.ok(!all.includes(part), `${part}: ${all}`);
    }
  });
});
