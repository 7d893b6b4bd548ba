/** `<pocketrank-carousel>` in Chromium: its slate, what stays, what fails, keys and "Why this?". */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { init } from "../../dist/npm/node.js";
import { launchChromium } from "./support/chromium.mjs";
import { share } from "./support/share.mjs";
import {
  answer,
  open,
  openEdge,
  openFiles,
  profile,
  readCandidates,
  readSnapshot,
  reranked,
  slate,
  tastes,
} from "./support/shop.mjs";

/** @typedef {import("playwright-core").Page} Page */

const [first = [], second = []] = tastes();
/** A window in which no shelf is in view: nothing counts as seen, however slow the machine. */
const LOW = { width: 1280, height: 400 };
const hosts = { "behind the edge": openEdge, "from plain files": openFiles };

const [browser] = await share(launchChromium(), init());

/**
 * A new visitor on the landing page.
 * @param {string} url
 * @param {{ width: number, height: number }} [viewport]
 */
async function visitor(url, viewport = { width: 1280, height: 1400 }) {
  const context = await browser.newContext({ viewport });
  const page = await context.newPage();
  await open(page, url);
  return page;
}

/** Runs in the page: keeps what moves in it in `window.shifts`. */
function noteShifts() {
  /** @type {unknown[]} */
  const shifts = [];
  Object.assign(window, { shifts });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) shifts.push(entry.toJSON());
  }).observe({ type: "layout-shift", buffered: true });
}

/**
 * @param {Page} page
 * @param {string} url
 * @param {{ url: string }[]} products
 */
async function view(page, url, products) {
  for (const product of products) await open(page, url + product.url);
}

for (const [where, start] of Object.entries(hosts)) {
  describe(`the slate ${where}`, () => {
    /** @type {{ url: string, stop: () => Promise<void> }} */
    let site;
    before(async () => void (site = await start()));
    after(() => site.stop());

    for (const [consent, products, others] of /** @type {const} */ ([["Accept all", first, second], ["Only this visit", second, first]])) {
      it(`is Node's rerank of three products that were looked at (${consent})`, async () => {
        const page = await visitor(site.url, LOW);
        await answer(page, consent);
        await view(page, site.url, products);
        await open(page, site.url);
        assert.deepEqual(
          (await profile(page)).map(({ kind }) => kind),
          ["view_item", "view_item", "view_item"],
        );
        assert.deepEqual(await slate(page, "home-for-you"), reranked("popular", products));
        assert.deepEqual(await slate(page, "home-trending"), reranked("trending", products));
        assert.notDeepEqual(await slate(page, "home-for-you"), reranked("popular", others));
        await page.context().close();
      });
    }

    it("is the contextual one for a visitor who said nothing", async () => {
      const page = await visitor(site.url, LOW);
      await view(page, site.url, first);
      await open(page, site.url);
      assert.deepEqual(await slate(page, "home-for-you"), reranked("popular", []));
      await page.context().close();
    });

    it("does not move anything on the page while it changes", async () => {
      const page = await visitor(site.url);
      await page.context().addInitScript(noteShifts);
      await answer(page, "Only this visit");
      await view(page, site.url, first);
      const before = await (await fetch(site.url)).text();
      await open(page, site.url);
      const sent = [...before.matchAll(/class="pr-card" data-item="([^"]+)"/g)].map(([, id]) => id).slice(0, 12);
      assert.notDeepEqual(await slate(page, "home-for-you"), sent, "nothing was replaced, so nothing is shown");
      await page.mouse.wheel(0, 600);
      await page.waitForTimeout(500);
      assert.deepEqual(await page.evaluate("window.shifts"), []);
      await page.context().close();
    });
  });
}

describe("a page that comes in pieces", () => {
  for (const viewport of [
    { width: 1280, height: 1400 },
    { width: 390, height: 844 },
  ]) {
    it(`moves nothing that is there already, ${viewport.width} pixels wide`, async () => {
      const site = await openFiles({ tagsApart: 8 });
      const context = await browser.newContext({ viewport });
      await context.addInitScript(noteShifts);
      const page = await context.newPage();
      await open(page, site.url);
      assert.ok((await page.locator(".pr-card").count()) > 12);
      assert.deepEqual(await page.evaluate("window.shifts"), []);
      await context.close();
      await site.stop();
    });
  }
});

describe("what the visitor has seen", () => {
  /** @type {Awaited<ReturnType<typeof openFiles>>} */
  let site;
  before(async () => void (site = await openFiles()));
  after(() => site.stop());

  it("stays, and what is still out of view follows", async () => {
    const page = await visitor(site.url);
    await answer(page, "Only this visit");
    await view(page, site.url, first);
    // A slow line: the model comes when the visitor has been looking for two seconds.
    await page.context().route("**/snapshots/*.pkr", async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 2000));
      await route.continue();
    });
    const sent = readCandidates("popular")
      .slice(0, 12)
      .map(({ id }) => id);
    await open(page, site.url);
    const shown = await page.evaluate(() => document.querySelector("pocketrank-carousel")?.slate ?? []);
    const seen = shown.filter((card) => card.seen);
    assert.ok(seen.length >= 4 && seen.length < 12, `${seen.length} seen`);
    assert.deepEqual(
      seen.map(({ id }) => id),
      sent.slice(0, seen.length),
    );
    const rest = reranked("popular", first).filter((id) => !seen.some((card) => card.id === id));
    assert.deepEqual(
      shown.slice(seen.length).map(({ id }) => id),
      rest.slice(0, 12 - seen.length),
    );
    assert.equal(new Set(shown.map(({ id }) => id)).size, 12);
    await page.context().close();
  });

  it("is looked at anew when the page comes back from the browser's memory", async () => {
    const page = await visitor(site.url);
    await answer(page, "Only this visit");
    await page.waitForFunction(() => document.querySelector("pocketrank-carousel")?.slate[0]?.seen);
    const before = await slate(page, "home-for-you");
    await page.evaluate(
      async (ids) => {
        for (const id of ids) await (await window.pocketrank)?.record("view_item", [id]);
      },
      first.map(({ id }) => id),
    );
    const expected = reranked("popular", first);
    assert.equal((await slate(page, "home-for-you"))[0], before[0]);
    assert.notEqual(before[0], expected[0]);
    await page.evaluate(() => void window.dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })));
    await page.waitForFunction((id) => document.querySelector("pocketrank-carousel")?.slate[0]?.id === id, expected[0]);
    assert.deepEqual(await slate(page, "home-for-you"), expected);
    await page.context().close();
  });

  it("can be turned down", async () => {
    const page = await visitor(site.url);
    await answer(page, "Only this visit");
    await view(page, site.url, first);
    await open(page, site.url);
    const [unwanted] = await slate(page, "home-for-you");
    await page.locator(".pr-why-button").first().click();
    await page.getByRole("button", { name: "Not for me" }).click();
    await page.waitForFunction(
      (id) => document.querySelector("pocketrank-carousel")?.slate.every((card) => card.id !== id),
      unwanted,
    );
    assert.equal((await slate(page, "home-for-you")).length, 12);
    assert.equal((await profile(page)).at(-1)?.kind, "dismiss");
    await open(page, site.url);
    assert.ok(!(await slate(page, "home-for-you")).includes(unwanted ?? ""));
    await page.context().close();
  });
});

describe("when something fails", () => {
  /** @type {Awaited<ReturnType<typeof openFiles>>} */
  let site;
  before(async () => void (site = await openFiles()));
  after(() => site.stop());

  const sent = () =>
    readCandidates("popular")
      .slice(0, 12)
      .map(({ id }) => id);
  for (const [what, pattern] of /** @type {const} */ ([
    ["the script", "**/pocketrank.js"],
    ["the runtime", "**/*.wasm"],
    ["the manifest", "**/manifest.pkrm"],
    ["the snapshot", "**/snapshots/*.pkr"],
    ["the list", "**/files/*.json"],
    ["what follows", "**/sync-*.js"],
  ])) {
    it(`the cards stay without ${what}`, async () => {
      const context = await browser.newContext({ viewport: { width: 1280, height: 1400 } });
      await context.route(pattern, (route) => route.fulfill({ status: 503, body: "" }));
      const page = await context.newPage();
      /** @type {Error[]} */
      const errors = [];
      page.on("pageerror", (error) => errors.push(error));
      await page.goto(site.url, { waitUntil: "networkidle" });
      const cards = await page
        .locator('[data-pocketrank-slot="home-for-you"] .pr-card')
        .evaluateAll((all) => all.map((card) => card.getAttribute("data-item")));
      assert.deepEqual(cards, sent());
      assert.deepEqual(
        errors.map(({ message }) => message),
        [],
      );
      await page.locator(".pr-link").first().click();
      await page.waitForURL(/product/);
      await context.close();
    });
  }

  it("a snapshot that was damaged on the way is refused", async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 1400 } });
    const damaged = Buffer.from(readSnapshot());
    damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] ?? 0) ^ 1;
    await context.route("**/snapshots/*.pkr", (route) => route.fulfill({ body: damaged }));
    const page = await context.newPage();
    await open(page, site.url);
    assert.deepEqual(await slate(page, "home-for-you"), sent());
    const code = await page.evaluate(async () => (await window.pocketrank)?.ranker().catch((error) => error.code));
    assert.equal(code, "snapshot_refused");
    await context.close();
  });

  it("a list that was changed on the way is refused", async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 1400 } });
    await context.route("**/files/*.json", async (route) => {
      const body = await (await route.fetch()).body();
      await route.fulfill({ body: Buffer.from(body.toString().replaceAll(/"price_text":"[^"]*"/g, '"price_text":"free"')) });
    });
    const page = await context.newPage();
    await open(page, site.url);
    assert.deepEqual(await slate(page, "home-for-you"), sent());
    assert.doesNotMatch((await page.locator(".pr-track").first().textContent()) ?? "", /free/);
    const code = await page.evaluate(async () => (await window.pocketrank)?.candidates("popular").catch((error) => error.code));
    assert.equal(code, "file_refused");
    await context.close();
  });

  it("a list's hostile item is text, and leads nowhere", async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 1400 } });
    const [product] = first;
    const items = readCandidates(`similar-${product?.url.split("/").pop()}`)
      .map((item) => ({
        ...item,
        name: "<img src=x onerror=alert(1)>",
        url: "javascript:alert(1)",
        image: "javascript:alert(1)",
        in_stock: true,
      }))
      .reverse();
    await context.route("**/candidates/similar-*.json", (route) => route.fulfill({ json: { items } }));
    const page = await context.newPage();
    page.on("dialog", () => assert.fail("a script of the list ran"));
    await open(page, site.url + product?.url);
    const made = page.locator('.pr-card:has([data-pr="name"]:text("<img"))');
    assert.ok((await made.count()) > 0);
    const links = await made.locator("a").evaluateAll((all) => all.map((link) => link.getAttribute("href")));
    assert.ok(links.every((href) => href === ""));
    assert.equal(await made.first().locator("img").count(), 1);
    await context.close();
  });
});

describe("keys and words", () => {
  /** @type {Awaited<ReturnType<typeof openFiles>>} */
  let site;
  before(async () => void (site = await openFiles()));
  after(() => site.stop());

  it("scrolls by its buttons, which are named and know the ends", async () => {
    const page = await visitor(site.url);
    const carousel = page.getByRole("group", { name: "For you" });
    const next = carousel.getByRole("button", { name: "Next" });
    const previous = carousel.getByRole("button", { name: "Previous" });
    assert.equal(await previous.getAttribute("aria-disabled"), "true");
    await next.focus();
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => (document.querySelector(".pr-track")?.scrollLeft ?? 0) > 200);
    await page.waitForFunction(
      () => document.querySelector('.pr-step[data-step="-1"]')?.getAttribute("aria-disabled") === "false",
    );
    await page.context().close();
  });

  it("says why in plain words, and Escape leads back to the button", async () => {
    const page = await visitor(site.url);
    await page.locator(".pr-why-button").first().focus();
    await page.keyboard.press("Enter");
    const why = page.getByRole("dialog");
    await why.waitFor();
    assert.match((await why.textContent()) ?? "", /Every visitor sees this here/);
    await page.keyboard.press("Escape");
    await why.waitFor({ state: "detached" });
    assert.equal(await page.evaluate(() => document.activeElement?.className), "pr-why-button");

    await answer(page, "Only this visit");
    await view(page, site.url, first);
    await open(page, site.url);
    // Which card goes with what was looked at is the model's to say, but one of the first does.
    /** @type {string[]} */
    const texts = [];
    for (const button of (await page.locator(".pr-why-button").all()).slice(0, 8)) {
      await button.focus();
      await page.keyboard.press("Enter");
      await why.waitFor();
      texts.push((await why.textContent()) ?? "");
      await page.keyboard.press("Escape");
      await why.waitFor({ state: "detached" });
    }
    assert.ok(
      first.some(({ name }) => texts.some((text) => text.includes(`Because you looked at ${name}`))),
      texts.join("\n"),
    );
    // The same as data.
    const said = await page.evaluate(async () => {
      const slot = document.querySelector("pocketrank-carousel");
      return slot ? (await window.pocketrank)?.why(slot) : undefined;
    });
    assert.deepEqual(said?.map(({ item }) => item), await slate(page, "home-for-you"));
    for (const [at, text] of texts.entries()) {
      const { reasons = [], note = "" } = said?.[at] ?? {};
      for (const sentence of [...reasons.map(({ text }) => text), note]) assert.ok(text.includes(sentence), `${sentence}: ${text}`);
    }
    assert.ok(said?.some(({ reasons }) => reasons.some(({ named }) => first.some(({ name, url }) => named?.name === name && named.url === url))));
    await page.context().close();
  });
});
