/** worker/src/settings.rs and wrangler.toml: what the worker reads is what is deployed, in production and in the preview. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "smol-toml";
import { root } from "../../scripts/process.mjs";
import { page, startEdge } from "../worker/edge.mjs";

const file = readFileSync(join(root, "wrangler.toml"), "utf8");
/** @type {any} */
const production = parse(file);
const preview = production.env.preview;
const sources = readdirSync(join(root, "worker/src")).map((name) => readFileSync(join(root, "worker/src", name), "utf8")).join("\n");

/** @param {RegExp} pattern @param {string} text */
function names(pattern, text) {
  return [...new Set([...text.matchAll(pattern)].map(([, name = ""]) => name))].sort();
}

/** Variables are read by functions of `env` and their name. */
const read = names(/\w+\(env, "([A-Z][A-Z0-9_]+)"[,)]/g, sources);
const secrets = names(/Some\(match self|"(API_TOKEN_[A-Z]+)"/g, readFileSync(join(root, "src/edge/api/mod.rs"), "utf8")).filter(Boolean);
const bindings = ["ASSETS", ...names(/^const [A-Z0-9]+: &str = "([A-Z][A-Z_]+)";$/gm, sources)].sort();

describe("wrangler.toml", () => {
  it("has every variable that the worker reads, and no other, in both environments", () => {
    assert.ok(read.length >= 9, read.join());
    assert.deepEqual(Object.keys(production.vars).sort(), read);
    assert.deepEqual(Object.keys(preview.vars).sort(), read);
  });

  it("names every secret in its comments, and sets none", () => {
    assert.equal(secrets.length, 4);
    for (const name of secrets) {
      assert.match(file, new RegExp(`^# .*\\b${name}\\b`, "m"));
      assert.ok(!(name in production.vars) && !(name in preview.vars));
    }
  });

  it("binds what the worker uses, and shares nothing between the environments", () => {
    const bound = (/** @type {any} */ environment) => [...environment.kv_namespaces, ...environment.r2_buckets].map(({ binding }) => binding).concat(environment.ratelimits.map((/** @type {any} */ { name }) => name), "ASSETS").sort();
    assert.deepEqual(bound(production), bindings);
    assert.deepEqual(bound(preview), bindings);
    assert.notEqual(production.ratelimits[0].namespace_id, preview.ratelimits[0].namespace_id);
    // 429 says 60 s.
    for (const { ratelimits } of [production, preview]) assert.equal(ratelimits[0].simple.period, 60);
  });

  for (const [name, environment, { vars, ratelimits }] of /** @type {const} */ ([["production", "", production], ["preview", "preview", preview]])) {
    it(`is one that wrangler deploys: ${name}`, () => {
      const folder = mkdtempSync(join(tmpdir(), "pocketrank-deploy-"));
      const quiet = { CLOUDFLARE_CF_FETCH_ENABLED: "false", WRANGLER_SEND_METRICS: "false", WRANGLER_SEND_ERROR_REPORTS: "false", WRANGLER_HIDE_BANNER: "true", NO_COLOR: "1" };
      const args = ["deploy", "--dry-run", `--env=${environment}`, "--outdir", folder];
      const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, "node_modules/wrangler/bin/wrangler.js"), ...args], { cwd: root, env: { ...process.env, ...quiet }, encoding: "utf8" });
      rmSync(folder, { recursive: true, force: true });
      assert.equal(status, 0, stderr);
      assert.equal(stderr.trim(), "");
      for (const binding of [...bindings, ...Object.keys(vars)]) assert.match(stdout, new RegExp(`^env\\.${binding}\\b`, "m"));
      assert.ok(stdout.includes(`env.API_LIMIT (${ratelimits[0].simple.limit} requests/60s)`));
    });
  }

  it("keeps addresses out of the platform's log", () => {
    assert.deepEqual([production.observability.enabled, production.observability.logs.invocation_logs], [true, false]);
  });
});

describe("a variable that cannot be understood", () => {
  it("fails the request, and the log says which", async () => {
    for (const [name, value] of Object.entries({ PAGES: "shop", CAPSULE: "yes", PAGE_MODEL: "1", UPSTREAM_URL: "shop.example", API: "true", PAGE_TTL: "soon", UPSTREAM_TIMEOUT: "0" })) {
      const edge = await startEdge({ vars: { [name]: value }, files: { "/v1/a.html": page("") } });
      assert.equal((await edge.fetch("/v1/a")).status, 500, name);
      // What workerd prints comes by a pipe of its own.
      for (let left = 250; edge.logs.length === 0 && left > 0; left -= 1) await sleep(20);
      await edge.stop();
      assert.deepEqual(edge.logs.map(({ level, event, reason }) => [level, event, reason]), [["error", "setting", name]]);
    }
  });
});
