/** Consent in Chromium, behind the real edge: what is stored and asked for in each state of it. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { launchChromium, readStorage, until, untilErased } from "./support/chromium.mjs";
import { share } from "./support/share.mjs";
import { answer, open, openEdge, profile, settled, tastes } from "./support/shop.mjs";

/** @typedef {import("playwright-core").BrowserContext} Context */
/** @typedef {import("playwright-core").BrowserContextOptions} Options */

const [first = [], second = []] = tastes();
const category = () => `${edge.url}/category/${first[0]?.category_slug}`;

const [browser, edge] = await share(launchChromium(), openEdge());

/**
 * A new visitor.
 * @param {Options} [options]
 */
async function visitor(options) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 1400 }, ...options });
  const asked = watch(context);
  return { context, asked, page: await context.newPage(), close: () => context.close() };
}

/**
 * Every request of a context from now on, with all the headers that went out.
 * @param {Context} context
 */
function watch(context) {
  /** @type {Promise<{ method: string, url: string, headers: Record<string, string>, body: string | null }>[]} */
  const asked = [];
  context.on("request", (request) => {
    const whole = request
      .allHeaders()
      .then((headers) => ({ method: request.method(), url: request.url(), headers, body: request.postData() }));
    // Who reads them hears of a failure; those that nobody reads may end with their page.
    whole.catch(() => undefined);
    asked.push(whole);
  });
  return { all: () => Promise.all(asked), clear: () => asked.splice(0) };
}

/**
 * What was asked for, each once. A picture that stands on the page twice is asked for once or twice, the second time with its
 * tag, as Chromium's memory cache and lazy loading happen to meet; that follows from time, not from the visitor.
 * @param {Awaited<ReturnType<ReturnType<typeof watch>["all"]>>} requests
 */
function distinct(requests) {
  const texts = requests.map(({ headers, ...request }) => {
    const others = Object.entries(headers).filter(([name]) => name !== "if-none-match");
    return JSON.stringify({ ...request, headers: others });
  });
  return [...new Set(texts)].sort();
}

/**
 * Makes a context send Global Privacy Control, by header and by property.
 * @param {Context} context
 * @param {unknown} signal
 */
async function sendGpc(context, signal) {
  if (signal === true) await context.setExtraHTTPHeaders({ "Sec-GPC": "1" });
  await context.addInitScript((value) => {
    Object.defineProperty(Navigator.prototype, "globalPrivacyControl", { get: () => value, configurable: true });
  }, signal);
}

/** Makes the caches of visitors equal, models included, whatever they visited before. @param {import("playwright-core").Page} page */
async function emptyCaches(page) {
  await page.goto(`${edge.url}/cart`);
  await page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const request = indexedDB.deleteDatabase("pocketrank-models");
        request.onsuccess = resolve;
        request.onerror = reject;
      }),
  );
  await page.goto("about:blank");
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Network.clearBrowserCache");
  await devtools.send("Network.setCacheDisabled", { cacheDisabled: true });
}

/** Looks around as a visitor would, asking "Why this?" once. @param {import("playwright-core").Page} page */
async function lookAround(page) {
  for (const path of ["/", ...first.map(({ url }) => url), "/cart", "/privacy"]) await open(page, edge.url + path);
  await open(page, category());
  await page.locator(".pr-why-button").first().click();
  await page.locator(".pr-why").waitFor();
}

// The others without a yes, and that visitors with different histories make equal requests and see the same: audit.test.mjs.
it("nothing is written and nothing is asked for beyond the shop when Global Privacy Control cannot be understood", async () => {
  const { page, asked, close } = await visitor();
  await sendGpc(page.context(), "maybe");
  await lookAround(page);
  assert.deepEqual(await readStorage(page), {});
  assert.deepEqual(await profile(page), []);
  for (const { method, url, headers, body } of await asked.all()) {
    assert.equal(new URL(url).origin, edge.url, url);
    assert.equal(new URL(url).search, "", url);
    assert.equal(headers.cookie, undefined, url);
    assert.deepEqual([method, body], ["GET", null], url);
  }
  await close();
});

describe("the banner", () => {
  it("offers three answers of one prominence, and comes by itself once a visit", async () => {
    const { page, close } = await visitor();
    await open(page, edge.url);
    const looks = await page.locator(".consent-choices button").evaluateAll((buttons) =>
      buttons.map((button) => {
        const { backgroundColor, color, fontSize, fontWeight, borderColor } = getComputedStyle(button);
        const { width, height } = button.getBoundingClientRect();
        return { backgroundColor, color, fontSize, fontWeight, borderColor, width, height };
      }),
    );
    assert.equal(looks.length, 3);
    assert.deepEqual(looks[0], looks[1]);
    assert.deepEqual(looks[0], looks[2]);
    await answer(page, "Decline");
    await page.locator(".pr-link").first().click();
    await page.waitForURL(/product/);
    await settled(page);
    assert.equal(await page.locator(".consent").count(), 0);
    await page.getByRole("button", { name: "Privacy choices" }).click();
    assert.equal(await page.locator(".consent").count(), 1);
    await close();
  });

  it("does not ask whom Global Privacy Control speaks for", async () => {
    const { page, context, close } = await visitor();
    await sendGpc(context, true);
    await open(page, edge.url);
    assert.equal(await page.locator(".consent").count(), 0);
    await close();
  });
});

/** The number by which experiments assign. @param {import("playwright-core").Page} page */
function lot(page) {
  return page.evaluate(async () => (await (await window.pocketrank)?.export())?.lot);
}

describe("with a yes for this visit", () => {
  it("keeps the profile in the tab alone, and it ends with the tab", async () => {
    const { page, context, asked, close } = await visitor();
    await open(page, edge.url);
    assert.equal(await lot(page), undefined, "no lot without a yes");
    await answer(page, "Only this visit");
    const drawn = await lot(page);
    assert.ok(drawn !== undefined && drawn >= 0 && drawn < 4_096, `${drawn}`);
    for (const { url } of first) await open(page, edge.url + url);
    assert.equal(await lot(page), drawn);
    assert.deepEqual(await readStorage(page), { sessionStorage: ["pocketrank"] });
    assert.deepEqual(
      (await profile(page)).map(({ kind }) => kind),
      ["view_item", "view_item", "view_item"],
    );
    for (const { url, headers } of await asked.all()) assert.equal(headers.cookie, undefined, url);
    const other = await context.newPage();
    await page.close();
    await open(other, edge.url);
    assert.deepEqual(await readStorage(other), {});
    assert.deepEqual(await profile(other), []);
    await close();
  });
});

describe("with a yes that lasts", () => {
  /** @returns {Promise<Awaited<ReturnType<typeof visitor>>>} */
  async function accepted() {
    const made = await visitor();
    await open(made.page, edge.url);
    await answer(made.page, "Accept all");
    for (const { url } of first) await open(made.page, edge.url + url);
    await until(made.page, async () => (await window.pocketrank)?.profile.length === 3);
    return made;
  }

  it("keeps the profile on the device, and a capsule of at most 512 bytes", async () => {
    const { page, context, close } = await accepted();
    // What is for visits without a network is there once the page is idle (browser-offline.test.mjs).
    const { indexedDB, cookies, ...rest } = await readStorage(page);
    const others = Object.keys(rest).filter((kind) => kind !== "caches" && kind !== "serviceWorkers");
    // Models say nothing of the visitor.
    assert.deepEqual([indexedDB?.sort(), others], [["pocketrank", "pocketrank-models"], []]);
    assert.equal(cookies?.length, 1);
    const [cookie] = await context.cookies();
    assert.equal(cookie?.name, "__Host-pocketrank");
    assert.deepEqual([cookie?.secure, cookie?.sameSite, cookie?.path], [true, "Lax", "/"]);
    assert.ok(`${cookie?.name}=${cookie?.value}`.length <= 512);
    const other = await context.newPage();
    await page.close();
    await open(other, edge.url);
    assert.equal((await profile(other)).length, 3);
    await close();
  });

  it("asks for the runtime's files as everyone does, whatever the history", async () => {
    const visits = await Promise.all(
      [first, second].map(async (products) => {
        // What the Service Worker asks for as well hangs on time; the privacy audit compares visits with one.
        const { page, asked, close } = await visitor({ serviceWorkers: "block" });
        await open(page, edge.url);
        await answer(page, "Accept all");
        for (const { url } of products) await open(page, edge.url + url);
        await emptyCaches(page);
        asked.clear();
        await open(page, edge.url);
        await page.locator(".pr-why-button").first().click();
        await page.locator(".pr-why").waitFor();
        await page.waitForLoadState("networkidle");
        const requests = await asked.all();
        await close();
        return requests;
      }),
    );
    const ofRuntime = visits.map((requests) =>
      requests.filter(({ url }) => /\/pocketrank\/.+\.(json|pkrm?|wasm)$/.test(url)),
    );
    for (const { url, headers } of ofRuntime.flat()) {
      assert.deepEqual([headers.cookie, headers.referer || undefined], [undefined, undefined], url);
    }
    const [one = [], another = []] = ofRuntime.map(distinct);
    assert.deepEqual(one, another);
    for (const part of ["manifest.pkrm", "snapshots/", "pocketrank_sync-"]) {
      assert.ok(
        one.some((request) => request.includes(`/pocketrank/${part}`)),
        part,
      );
    }
    // The lists of both slots, and the directory of items.
    assert.equal(one.filter((request) => request.includes("/pocketrank/files/")).length, 3);
    // The capsule goes with the page, and is the one difference there.
    const pages = visits.map((requests) => requests.find(({ url }) => url === `${edge.url}/`)?.headers.cookie);
    assert.notEqual(pages[0], pages[1]);
    for (const cookie of pages) assert.match(cookie ?? "", /^__Host-pocketrank=[\w-]+$/);
  });

  for (const [how, act] of /** @type {[string, (page: import("playwright-core").Page) => Promise<unknown>][]} */ ([
    ["Forget me", (page) => page.getByRole("button", { name: "Forget me" }).first().click()],
    [
      "a later no",
      async (page) => {
        await page.getByRole("button", { name: "Privacy choices" }).click();
        await page.getByRole("button", { name: "Decline" }).click();
      },
    ],
  ])) {
    it(`${how} leaves nothing, in other tabs as well`, async () => {
      const { page, context, close } = await accepted();
      const other = await context.newPage();
      await open(other, edge.url);
      assert.equal((await profile(other)).length, 3);
      await act(page);
      for (const tab of [page, other]) {
        await until(tab, async () => (await window.pocketrank)?.mode === "contextual");
        await untilErased(tab);
        assert.deepEqual(await profile(tab), []);
      }
      // What is done from now on is not recorded either.
      await open(other, edge.url + (first[0]?.url ?? ""));
      assert.deepEqual(await readStorage(other), {});
      await close();
    });
  }

  it("ends when the browser begins to send Global Privacy Control", async () => {
    const { page, context, close } = await accepted();
    await sendGpc(context, true);
    await open(page, edge.url);
    assert.deepEqual(await readStorage(page), {});
    assert.deepEqual(await profile(page), []);
    await close();
  });

  it("can be narrowed to this visit", async () => {
    const { page, close } = await accepted();
    await page.getByRole("button", { name: "Privacy choices" }).click();
    // A lot of twelve bits might be drawn twice.
    await page.evaluate(() => {
      crypto.getRandomValues = (numbers) => {
        /** @type {any} */ (numbers)[0] = 0x1234;
        return numbers;
      };
    });
    await page.getByRole("button", { name: "Only this visit" }).click();
    await until(page, async () => (await window.pocketrank)?.mode === "session" && sessionStorage.length > 0 && (await indexedDB.databases()).length === 0);
    assert.deepEqual(await readStorage(page), { sessionStorage: ["pocketrank"] });
    assert.equal((await profile(page)).length, 3);
    assert.equal(await lot(page), 0x234, "consent was renewed, and the lot drawn anew");
    await close();
  });
});
