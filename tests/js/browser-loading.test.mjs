/** How the script comes to a page in Chromium, and when what it ranks with does. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { init } from "../../dist/npm/node.js";
import { launchChromium, until, watchRequests } from "./support/chromium.mjs";
import { faults } from "./support/origin.mjs";
import { share } from "./support/share.mjs";
import { POLICY, agree, carousel, expected, observed, openPages, stands, viewed, visit } from "./support/slots.mjs";

const [browser, pages] = await share(launchChromium(), openPages(), init());

describe("the script", () => {
  it("holds nothing up: the page is painted while it is still on its way", async () => {
    const context = await browser.newContext();
    /** @type {() => void} */
    let go = () => undefined;
    const held = new Promise((resolve) => (go = () => resolve(undefined)));
    await context.route("**/element.js", async (route) => (await held, route.continue()));
    const page = await context.newPage();
    await page.goto(pages.write(carousel()), { waitUntil: "commit" });
    await until(page, () => performance.getEntriesByName("first-contentful-paint").length > 0 && document.readyState !== "loading");
    assert.equal(await page.evaluate(() => "pocketrank" in window), false);
    assert.equal(await page.locator(".pr-card").count(), 12);
    go();
    await until(page, () => !!window.pocketrank);
    await context.close();
  });

  it("may come before the slots, as an `async` one does", async () => {
    const page = await visit(browser, pages.write(`${"<p>Text</p>".repeat(2000)}${carousel()}`, { attributes: "async" }), { viewport: { width: 900, height: 120 } });
    await agree(page);
    await stands(page, expected(viewed));
    await page.context().close();
  });

  it("reranks each of the page's slots in a task of its own", async () => {
    const context = await browser.newContext({ reducedMotion: "reduce" });
    await context.addInitScript(() => {
      /** @type {number[]} How many slates there were in a task. */
      const slates = [];
      let isSame = false;
      Object.assign(window, { slates });
      document.addEventListener("pocketrank:slate", () => {
        if (isSame) return void slates.push((slates.pop() ?? 0) + 1);
        isSame = true;
        slates.push(1);
        // What has this priority comes before any other task.
        void Reflect.get(window, "scheduler").postTask(() => (isSame = false), { priority: "user-blocking" });
      });
    });
    const page = await context.newPage();
    await page.goto(pages.write(carousel().repeat(4)));
    await until(page, () => Reflect.get(window, "slates").reduce((/** @type {number} */ sum, /** @type {number} */ each) => sum + each, 0) === 4);
    assert.deepEqual(await page.evaluate(() => Reflect.get(window, "slates")), [1, 1, 1, 1]);
    await context.close();
  });

  it("has what it loads later preloaded, each once", async () => {
    const modules = ["cards", "sync"];
    const links = modules.map((name) => `<link rel="modulepreload" href="/${name}.js">`).join("");
    const context = await browser.newContext();
    const requests = watchRequests(context);
    const page = await context.newPage();
    await page.goto(pages.write(links + carousel()));
    await page.evaluate(() => document.querySelector("pocketrank-carousel")?.ready);
    for (const name of modules) assert.equal(requests.filter(({ url }) => url.endsWith(`/${name}.js`)).length, 1, name);
    await context.close();
  });
});

describe("the model", () => {
  /** The page is never idle. */
  function stayBusy() {
    Object.assign(window, { requestIdleCallback: (/** @type {() => void} */ then) => void Object.assign(window, { rest: then }) });
  }
  const far = () => `<div class="high"></div>${carousel()}`;
  const asked = () => pages.asked().map((path) => path.split("/")[0]);

  it("is not fetched at load for a slot that is far down, but when it comes near", async () => {
    const context = await browser.newContext({ viewport: { width: 900, height: 700 } });
    await context.addInitScript(stayBusy);
    const page = await context.newPage();
    pages.asked();
    await page.goto(pages.write(far()), { waitUntil: "networkidle" });
    await page.evaluate(() => window.pocketrank?.then(() => undefined));
    assert.deepEqual(asked(), []);
    await page.mouse.wheel(0, 2300);
    await page.evaluate(() => document.querySelector("pocketrank-carousel")?.ready);
    assert.ok(asked().includes("snapshots"));
    assert.ok(await page.evaluate(() => (document.querySelector("pocketrank-carousel")?.getBoundingClientRect().top ?? 0) >= window.innerHeight), "it is in view already");
    await context.close();
  });

  it("or when the page is idle", async () => {
    const context = await browser.newContext({ viewport: { width: 900, height: 700 } });
    await context.addInitScript(stayBusy);
    const page = await context.newPage();
    pages.asked();
    await page.goto(pages.write(far()), { waitUntil: "networkidle" });
    await until(page, () => "rest" in window);
    assert.deepEqual(asked(), []);
    await page.evaluate("window.rest()");
    await page.evaluate(() => document.querySelector("pocketrank-carousel")?.ready);
    assert.ok(asked().includes("snapshots"));
    await context.close();
  });

  it("waits for what the page itself shows", async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const devtools = await context.newCDPSession(page);
    /** @type {Map<string, string>} */
    const priorities = new Map();
    devtools.on("Network.requestWillBeSent", ({ request }) => void priorities.set(new URL(request.url).pathname.split("/")[2] ?? "", request.initialPriority));
    await devtools.send("Network.enable");
    await page.goto(pages.write(carousel()));
    await page.evaluate(() => document.querySelector("pocketrank-carousel")?.ready);
    for (const kind of ["manifest.pkrm", "snapshots", "files"]) assert.equal(priorities.get(kind), "Low", kind);
    await context.close();
  });
});

describe("a slot that comes empty, where nothing can be had", () => {
  const height = (/** @type {import("playwright-core").Page} */ page) => page.evaluate(() => document.querySelector("pocketrank-carousel")?.getBoundingClientRect().height ?? 0);
  const isBlank = () => document.querySelector("pocketrank-carousel")?.hasAttribute("data-pocketrank-blank");
  beforeEach(() => void pages.faulty.set("/models/", Reflect.get(faults, "answered by 404")));
  afterEach(() => pages.faulty.clear());

  it("gives its room back below what is in view, and takes it again once there is something", async () => {
    const page = await visit(browser, pages.write(`<div class="high"></div>${carousel(false)}<p>The end</p>`));
    await until(page, isBlank);
    assert.equal(await height(page), 0);
    pages.faulty.clear();
    await agree(page);
    await stands(page, expected(viewed));
    assert.equal(await page.evaluate(isBlank), false);
    assert.ok((await height(page)) > 100);
    assert.deepEqual((await observed(page)).shifts, []);
    await page.context().close();
  });

  it("keeps it while it is in view: nothing moves under anybody's eyes", async () => {
    const page = await visit(browser, pages.write(`${carousel(false)}<p>The end</p><div class="high"></div>`));
    const before = await height(page);
    assert.ok(before > 100);
    await page.waitForTimeout(300);
    assert.equal(await page.evaluate(isBlank), false);
    // Scrolled past it is still above what is read.
    await page.mouse.wheel(0, 1500);
    await page.waitForTimeout(300);
    assert.equal(await height(page), before);
    await page.mouse.wheel(0, -1500);
    await until(page, () => window.scrollY === 0);
    assert.deepEqual((await observed(page)).shifts, []);
    await page.setViewportSize({ width: 900, height: 40 });
    await until(page, isBlank);
    await page.context().close();
  });

  it("gives it back as well where the script cannot run at all", async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(pages.write(`<div class="high"></div>${carousel(false)}`, { policy: POLICY.replace(" 'wasm-unsafe-eval'", "") }));
    await until(page, isBlank);
    await context.close();
  });
});
