/**
 * The browser script of the packed package as a shop bundles it: each bundler's page ranks in Chromium, and once more with the server gone, by
 * the Service Worker, wherever the bundler has put scripts and wasm.
 */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { build as esbuild } from "esbuild";
import * as vite from "vite";
import webpack from "webpack";
import { init } from "../../dist/npm/node.js";
import { launchChromium, listen, until } from "../js/support/chromium.mjs";
import { AUDIENCE } from "../js/support/origin.mjs";
import { agree, carousel, expected, openPages, order, stands, viewed } from "../js/support/slots.mjs";
import { makeConsumer } from "./consumer.mjs";

const { folder, remove } = makeConsumer();
after(remove);
const npm = join(folder, "node_modules/pocketrank/dist/npm");

/** @type {Awaited<ReturnType<typeof openPages>>} */
let pages;
/** @type {import("playwright-core").Browser} */
let browser;
before(async () => {
  [pages, browser] = await Promise.all([openPages(), launchChromium(), init()]);
});
after(async () => {
  await browser.close();
  await pages.stop();
});

/** A page as docs/BROWSER.md has it for bundlers: the attributes on an element of their own. @param {string} tags */
const page = (tags) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Page</title><link rel="icon" href="data:,">
<script type="application/json" data-manifest="/models/manifest.pkrm" data-audience="${AUDIENCE}" data-keys="${pages.key.hex}" data-offline="/pocketrank-worker.js"></script>
${tags}</head><body><main><h1>Shop</h1>${carousel()}</main></body></html>`;

/** @param {string} name @param {string} script @returns {string} a folder with the shop's source */
function makeSource(name, script) {
  const source = join(folder, name);
  mkdirSync(join(source, "public"), { recursive: true });
  writeFileSync(join(source, "main.js"), script);
  copyFileSync(join(npm, "offline.js"), join(source, "public/pocketrank-worker.js"));
  return source;
}

/** A Vite project. */
function makeVite() {
  const source = makeSource("vite", 'import "pocketrank/element";\nimport "pocketrank/element.css";\n');
  writeFileSync(join(source, "index.html"), page('<script type="module" src="/main.js"></script>'));
  return source;
}

/** Each gives the folder of a site. @type {Record<string, () => Promise<string>>} */
const bundlers = {
  async Vite() {
    const source = makeVite();
    /** @type {string[]} */
    const warnings = [];
    const warn = (/** @type {string} */ text) => void warnings.push(text);
    const customLogger = { ...vite.createLogger("error"), warn, warnOnce: warn };
    await vite.build({ root: source, configFile: false, customLogger, logLevel: "warn" });
    assert.deepEqual(warnings, []);
    return join(source, "dist");
  },
  async webpack() {
    const source = makeSource("webpack", 'import "pocketrank/element";\n');
    const site = join(source, "public");
    await new Promise((resolve, reject) => {
      webpack({ mode: "production", context: source, entry: "./main.js", output: { path: site, filename: "js/main.js" } }, (error, stats) => {
        if (error || stats?.hasErrors() || stats?.hasWarnings()) reject(error ?? new Error(stats?.toString()));
        else resolve(undefined);
      });
    });
    writeFileSync(join(site, "index.html"), page('<script src="/js/main.js" defer></script>'));
    return site;
  },
  async esbuild() {
    const source = makeSource("esbuild", 'import "pocketrank/element";\nimport "pocketrank/element.css";\n');
    const site = join(source, "public");
    await esbuild({ absWorkingDir: source, entryPoints: ["main.js"], outdir: join(site, "assets"), bundle: true, minify: true, format: "esm", splitting: true });
    for (const name of readdirSync(npm)) if (/\.wasm$|^scorer\.js$/.test(name)) copyFileSync(join(npm, name), join(site, "assets", name));
    writeFileSync(join(site, "index.html"), page('<link rel="stylesheet" href="/assets/main.css"><script type="module" src="/assets/main.js"></script>'));
    return site;
  },
};

describe("the browser script by a bundler", () => {
  for (const [name, bundle] of Object.entries(bundlers)) {
    test(`of ${name} ranks, and with the server gone as well`, async () => {
      const site = await bundle();
      pages.sites.splice(0, Infinity, site);
      const context = await browser.newContext({ viewport: { width: 900, height: 120 } });
      const visit = await context.newPage();
      const said = listen(visit);
      await visit.goto(`${pages.url}/index.html`);
      await agree(visit, { mode: "persistent" });
      await stands(visit, expected(viewed));
      await until(visit, async () => (await navigator.serviceWorker.getRegistrations()).some(({ active }) => active));
      await until(visit, async () => (await (await caches.open((await caches.keys())[0] ?? "")).keys()).filter(({ url }) => url.endsWith(".wasm")).length === 2);
      assert.deepEqual(said.filter((text) => text.startsWith("warning")), []);
      // The page is the shop's to keep: here the test gives it.
      const body = readFileSync(join(site, "index.html"), "utf8");
      await context.route(`${pages.url}/index.html`, (route) => route.fulfill({ body, contentType: "text/html" }));
      pages.faulty.set("/", (response) => response.destroy());
      await (await context.newCDPSession(visit)).send("Network.clearBrowserCache");
      await visit.goto(`${pages.url}/index.html`);
      await stands(visit, expected(viewed));
      assert.equal((await order(visit)).length, 12);
      pages.faulty.clear();
      await context.close();
    });
  }

  test("of Vite's development server ranks where the package is left as it is", async () => {
    const server = await vite.createServer({
      root: makeVite(),
      configFile: false,
      logLevel: "error",
      optimizeDeps: { exclude: ["pocketrank"] },
      server: { host: "localhost", port: 0, proxy: { "/models": pages.url } },
    });
    await server.listen();
    const visit = await browser.newPage();
    await visit.goto(String(server.resolvedUrls?.local[0]));
    await agree(visit);
    await stands(visit, expected(viewed));
    await visit.close();
    await server.close();
  });
});
