/** The browser script on strict pages: under a policy that allows what it needs and nothing else, of files that are what they must be, and where WebAssembly is refused. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { chromium } from "playwright-core";
import { root } from "../../scripts/process.mjs";
import { findBrowser } from "../../scripts/setup.mjs";
import { init } from "../../dist/npm/node.js";
import { key, openPages, packed, script } from "./support/bare.mjs";
import { launchChromium, until } from "./support/chromium.mjs";
import { share } from "./support/share.mjs";
import { profile, readCandidates, settled, slate } from "./support/shop.mjs";

/** @typedef {import("playwright-core").Page} Page */

const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; style-src 'self'; require-trusted-types-for 'script'";
/** @type {Record<string, string>} */
const integrity = JSON.parse(packed("integrity.json").toString());
const popular = readCandidates("popular");
// Pictures are the shop's, and this policy has none.
const items = popular.map((item) => ({ ...item, image: undefined }));
const cards = items.slice(0, 12).map(({ id, name, url }) => `<li class="pr-card" data-item="${id}"><a class="pr-link" href="${url}"><span data-pr="name">${name}</span></a></li>`);
const slot = `<pocketrank-carousel data-pocketrank-slot="s" data-pocketrank-candidates="strict" data-pocketrank-count="12" data-pocketrank-template="for-you"><ol class="pr-track">${cards.join("")}</ol></pocketrank-carousel>`;
/** What the script loads when it needs it. */
const loaded = [...packed("element.js").toString().matchAll(/import\("\.\/(\w+\.js)"\)/g)].map(([, name]) => name ?? "");
const preloads = [...new Set(loaded)].map((name) => `<link rel="modulepreload" href="/npm/${name}" integrity="${integrity[name]}">`).join("");
const own = `integrity="${integrity["element.js"]}"`;
const watch = '<script src="/watch.js"></script>';
const watching = `window.violations = []; document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sourceFile }) => violations.push([violatedDirective, blockedURI, sourceFile].join(" ")));`;

/** @param {string} head @param {string} body @param {string} [policy] */
function page(head, body, policy = POLICY) {
  return { headers: { "content-security-policy": policy }, body: `<!doctype html><html lang="en"><title>strict</title>${watch}<link rel="stylesheet" href="/npm/element.css" integrity="${integrity["element.css"]}">${head}<body>${body}` };
}

const importMap = JSON.stringify({ integrity: Object.fromEntries(loaded.map((name) => [`/npm/${name}`, integrity[name]])) });
const mapHash = createHash("sha256").update(importMap).digest("base64");

/** A file that is not what it was, and works all the same. */
const tampered = (/** @type {string} */ name) => ({ headers: { "content-type": name.endsWith(".wasm") ? "application/wasm" : "text/javascript" }, body: Buffer.concat([packed(name), Buffer.from(name.endsWith(".wasm") ? [0, 2, 1, 0x78] : "\n// more")]) });

const files = {
  "/watch.js": { headers: { "content-type": "text/javascript" }, body: watching },
  "/pocketrank/candidates/strict.json": { headers: { "content-type": "application/json" }, body: JSON.stringify({ items }) },
};
const pages = {
  "/": page(preloads + script(own), slot),
  "/no-wasm": page(preloads + script(own), slot, POLICY.replace(" 'wasm-unsafe-eval'", "")),
  "/mapped": page(`<script type="importmap">${importMap}</script>${script(own)}`, slot, POLICY.replace("'self' 'wasm", `'self' 'sha256-${mapHash}' 'wasm`)),
  "/wrong-script": page(script(`integrity="${integrity["sync.js"]}"`), slot),
  "/wrong-keys": page(script(own).replace(key, "9f3"), slot),
  "/wrong-manifest": page(script(own).replace("/pocketrank/manifest.pkrm", "https://:/"), slot),
};

const [browser, site] = await share(launchChromium(), openPages({ ...files, ...pages }), init());

/**
 * A page and all that its console says.
 * @param {import("node:test").TestContext} context
 * @param {string} url
 * @param {(page: Page) => Promise<unknown>} [prepare]
 * @param {import("playwright-core").Browser} [by]
 */
async function open(context, url, prepare, by = browser) {
  const page = await by.newPage({ viewport: { width: 1000, height: 900 } });
  context.after(() => page.close());
  const said = { warnings: /** @type {string[]} */ ([]), errors: /** @type {string[]} */ ([]) };
  page.on("console", (message) => {
    // A page says beforehand what it may need.
    if (/preload/.test(message.text())) return;
    if (message.type() === "warning") said.warnings.push(message.text());
    if (message.type() === "error") said.errors.push(message.text());
  });
  page.on("pageerror", (error) => said.errors.push(`uncaught: ${error}`));
  await prepare?.(page);
  await page.goto(url);
  await page.evaluate(() => window.pocketrank?.catch(() => undefined));
  await settled(page).catch(() => undefined);
  return { page, said };
}

const sent = items.slice(0, 12).map(({ id }) => id);
/** @param {Page} page */
const shown = (page) => page.evaluate(() => [...document.querySelectorAll("[data-item]")].map((card) => card.getAttribute("data-item")));

describe(`under ${POLICY}`, () => {
  it("the page is followed, ranked, filled from templates, explained, recorded and erased, and nothing is a violation", async (context) => {
    const { page, said } = await open(context, `${site.url}/`);
    await page.evaluate(async () => (await window.pocketrank)?.setConsent({ mode: "persistent" }));
    const bought = popular.slice(30, 33).map(({ id }) => id);
    await page.evaluate(async (items) => (await window.pocketrank)?.record("purchase", items), bought);
    await page.evaluate((id) => void window.dataLayer?.push({ event: "add_to_cart", ecommerce: { items: [{ item_id: id }] } }), bought[0]);
    assert.equal((await profile(page)).length, 4);
    await page.reload();
    await settled(page);
    const after = await slate(page, "s");
    assert.equal(after.length, 12);
    assert.notDeepEqual(after, sent, "it was ranked for what the visitor bought");
    await page.locator("[data-step='1']").click();
    await page.locator(".pr-why-button").first().click();
    await page.locator(".pr-why li, .pr-why p").first().waitFor();
    await page.getByRole("button", { name: "Not for me" }).click();
    await until(page, async () => (await window.pocketrank)?.profile.events().some(({ kind }) => kind === "dismiss"));
    await page.evaluate(async () => {
      const pocketrank = await window.pocketrank;
      await pocketrank?.export();
      await pocketrank?.erase();
    });
    assert.deepEqual(await page.evaluate("window.violations"), []);
    assert.deepEqual(said, { warnings: [], errors: [] });
  });

  it("the files of the package are what it says of them, and it says it of each that the script loads", () => {
    for (const [name, text] of Object.entries(integrity)) {
      const [algorithm = "", hash] = text.split("-");
      assert.equal(createHash(algorithm).update(packed(name)).digest("base64"), hash, name);
    }
    assert.ok(loaded.includes("sync.js") && loaded.includes("events.js"), String(loaded));
    for (const name of loaded) assert.ok(integrity[name], name);
    const wasm = readdirSync(join(root, "dist/npm")).filter((name) => name.endsWith("_bg.wasm"));
    for (const name of wasm) assert.ok(integrity[name], name);
  });
});

describe("a file that is not what it must be", () => {
  for (const [name, path] of [["sync.js", "/"], ["sync.js", "/mapped"], ["pocketrank_bg.wasm", "/"], ["pocketrank_sync_bg.wasm", "/"], ["element.js", "/"]]) {
    it(`(${name}, on ${path}) is not run, and the cards stay as the server sent them`, async (context) => {
      const own = await openPages({ ...files, ...pages, [`/npm/${name}`]: tampered(String(name)) });
      context.after(own.stop);
      const { page, said } = await open(context, own.url + path);
      assert.deepEqual(await shown(page), sent);
      assert.equal(said.warnings.filter((text) => text.startsWith("pocketrank")).length, name === "element.js" ? 0 : 1, said.warnings.join("\n"));
      assert.ok(said.errors.length > 0 && said.errors.every((text) => /integrity/i.test(text)), said.errors.join("\n"));
    });
  }

  it("is one that ranks, where it is as it must be", async (context) => {
    for (const path of ["/", "/mapped"]) {
      const { page, said } = await open(context, site.url + path);
      await until(page, () => document.querySelector("pocketrank-carousel .pr-why-button"));
      assert.equal((await slate(page, "s")).length, 12);
      assert.deepEqual(said, { warnings: [], errors: [] });
      assert.deepEqual(await page.evaluate("window.violations"), []);
    }
  });
});

/**
 * The page is as the server sent it, works as far as it goes, and said so once.
 * @param {Page} page
 * @param {{ warnings: string[], errors: string[] }} said
 * @param {RegExp} why
 */
async function stays(page, said, why) {
  assert.deepEqual(await shown(page), sent);
  await page.locator("[data-step='1']").click();
  for (const button of (await page.locator(".pr-why-button").all()).slice(0, 1)) await button.click();
  // What is not to come would have come by then.
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)));
  assert.deepEqual(await shown(page), sent);
  assert.equal(said.warnings.length, 1, said.warnings.join("\n"));
  assert.match(said.warnings[0] ?? "", /^pocketrank: the page stays as the server sent it\./);
  assert.match(said.warnings[0] ?? "", why);
  assert.deepEqual(said.errors.filter((text) => text.startsWith("uncaught")), []);
}

describe("where WebAssembly is refused, the page stays as it is, with one warning and no error", () => {
  it("by the page's policy", async (context) => {
    const { page, said } = await open(context, `${site.url}/no-wasm`);
    await stays(page, said, /wasm could not be loaded/);
    assert.ok(await page.evaluate(() => window.pocketrank?.then(() => false, (error) => error.code === "not_initialised")));
    assert.equal(await page.evaluate("window.violations.length"), 1, "a violation is noticed, and there is no other one");
  });

  it("by a browser that has none", async (context) => {
    const { page, said } = await open(context, `${site.url}/`, (page) => page.addInitScript("delete window.WebAssembly"));
    await stays(page, said, /wasm could not be loaded/);
  });

  it("by an engine that has no SIMD", async (context) => {
    const old = await chromium.launch({ executablePath: findBrowser().chromium, args: ["--no-sandbox", "--js-flags=--no-enable-ssse3 --no-enable-sse4-1"] });
    context.after(() => old.close());
    const { page, said } = await open(context, `${site.url}/`, undefined, old);
    await stays(page, said, /SIMD/);
  });
});

describe("a script tag that is wrong is told by the attribute's name, once, and the page stays as it is", () => {
  it("in its keys", async (context) => {
    const { page, said } = await open(context, `${site.url}/wrong-keys`);
    await stays(page, said, /`data-keys` must be keys of 64 hexadecimal digits, blanks between; it is "9f3"/);
    assert.ok(await page.evaluate(() => window.pocketrank?.then(() => false, (error) => error.code === "invalid_option")));
  });

  it("in its manifest", async (context) => {
    const { page, said } = await open(context, `${site.url}/wrong-manifest`);
    await stays(page, said, /`data-manifest` must be an address; it is "https:\/\/:\/"/);
  });

  it("and not at all where the tag's own integrity refuses the script", async (context) => {
    const { page, said } = await open(context, `${site.url}/wrong-script`);
    assert.deepEqual(await shown(page), sent);
    assert.deepEqual(said.warnings, []);
  });
});
