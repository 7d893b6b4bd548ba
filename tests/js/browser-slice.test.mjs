/** The model that a page carries, in Chromium: what it ranks, what is not fetched for it, and what happens without it. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Ranker, init } from "../../dist/npm/node.js";
import { launchChromium, watchRequests } from "./support/chromium.mjs";
import { share } from "./support/share.mjs";
import { answer, open, openEdge, readSnapshot, reranked, settled, slate, tastes } from "./support/shop.mjs";

/** @typedef {import("playwright-core").Page} Page */

const [first = []] = tastes();

const [browser, edge] = await share(launchChromium(), openEdge({ PAGE_MODEL: "on" }), init());

/** A visitor who agreed and has looked at three products, and what the browser asks for and says from now on. */
async function visitor() {
  // No shelf is in view: nothing counts as seen, however slow the machine.
  const context = await browser.newContext({ viewport: { width: 1280, height: 400 } });
  const page = await context.newPage();
  await open(page, edge.url);
  await answer(page, "Only this visit");
  for (const { url } of first) await open(page, edge.url + url);
  const requests = watchRequests(context);
  const asked = (/** @type {RegExp} */ path) => requests.filter(({ url }) => path.test(new URL(url).pathname)).length;
  /** @type {string[]} */
  const warnings = [];
  page.on("console", (message) => void (message.type() === "warning" && warnings.push(message.text())));
  return { page, asked, warnings, close: () => context.close() };
}

/** The slice that the landing page carries. */
async function readSlice() {
  const html = await (await fetch(edge.url)).text();
  const [, text = ""] = /data-pocketrank-model[^>]*>([^<]+)<\/script>$/.exec(html) ?? [];
  return Buffer.from(text, "base64");
}

/**
 * Changes the page's own model on its way.
 * @param {Page} page
 * @param {(html: string) => string} change
 */
async function change(page, change) {
  await page.context().route(`${edge.url}/`, async (route) => {
    const response = await route.fetch();
    const body = await response.text();
    const changed = change(body);
    assert.notEqual(changed, body);
    await route.fulfill({ response, body: changed });
  });
}

describe("a page's own model", () => {
  it("gives the whole's slate, and neither manifest nor snapshot is asked for", async () => {
    const { page, asked, warnings, close } = await visitor();
    await open(page, edge.url);
    for (const [slot, list] of /** @type {const} */ ([["home-for-you", "popular"], ["home-trending", "trending"]])) {
      const shown = await slate(page, slot);
      assert.deepEqual(shown, reranked(list, first, await readSlice()));
      assert.deepEqual(shown, reranked(list, first));
      assert.notDeepEqual(shown, reranked(list, []));
    }
    assert.equal(asked(/\/candidates\//), 2);
    assert.equal(asked(/\/manifest\.pkrm$|\/snapshots\//), 0);
    // A block of data is neither run nor refused by the shop's policy.
    assert.deepEqual(warnings, []);
    await close();
  });

  it("says why a card is there", async () => {
    const { page, asked, close } = await visitor();
    await open(page, edge.url);
    /** @type {string[]} */
    const texts = [];
    for (const button of (await page.locator(".pr-why-button").all()).slice(0, 8)) {
      await button.focus();
      await page.keyboard.press("Enter");
      const why = page.getByRole("dialog");
      await why.waitFor();
      texts.push((await why.textContent()) ?? "");
      await page.keyboard.press("Escape");
      await why.waitFor({ state: "detached" });
    }
    assert.ok(
      first.some(({ name }) => texts.some((text) => text.includes(`Because you looked at ${name}`))),
      texts.join("\n"),
    );
    assert.equal(asked(/\/snapshots\//), 0);
    await close();
  });

  it("follows the profile, and so does the whole beside it, which ranks the lists that the page's does not cover", async () => {
    const { page, asked, close } = await visitor();
    await open(page, edge.url);
    const list = `similar-${first[0]?.url.split("/").pop()}`;
    await page.evaluate((list) => {
      const carousel = document.querySelector("pocketrank-carousel")?.cloneNode(true);
      if (!(carousel instanceof HTMLElement)) return;
      Object.assign(carousel.dataset, { pocketrankCandidates: list, pocketrankSlot: "added" });
      delete carousel.dataset.pocketrankBy;
      document.querySelector("main")?.append(carousel);
    }, list);
    await settled(page);
    const similar = reranked(list, first);
    assert.deepEqual((await slate(page, "added")).slice(0, similar.length), similar);
    assert.equal(asked(/\/snapshots\//), 1);
    const ids = await page.evaluate(async () => {
      const pocketrank = await window.pocketrank;
      const rankers = await Promise.all([pocketrank?.ranker("popular"), pocketrank?.ranker("trending"), pocketrank?.ranker()]);
      return rankers.map((ranker) => ranker?.id);
    });
    assert.equal(ids[0], ids[1]);
    assert.notEqual(ids[0], ids[2]);
    assert.equal(ids[2], new Ranker(readSnapshot()).id);

    await page.evaluate(async (ids) => {
      const pocketrank = await window.pocketrank;
      for (const id of ids) await pocketrank?.record("view_item", [id]);
    }, similar.slice(0, 2).map(String));
    await settled(page);
    const viewed = [...first, ...similar.slice(0, 2).map((id) => ({ id: String(id) }))];
    const follows = (/** @type {string} */ slot, /** @type {(string | undefined)[]} */ expected) =>
      page.waitForFunction(
        ({ slot, expected }) => {
          const carousel = document.querySelector(/** @type {"pocketrank-carousel"} */ (`[data-pocketrank-slot="${slot}"]`));
          return JSON.stringify(carousel?.slate.slice(0, expected.length).map(({ id }) => id)) === JSON.stringify(expected);
        },
        { slot, expected },
      );
    await follows("home-for-you", reranked("popular", viewed, await readSlice()));
    await follows("added", reranked(list, viewed));
    await close();
  });
});

describe("a page's own model that is broken", () => {
  for (const [what, broken] of /** @type {[string, (html: string) => string][]} */ ([
    ["no base64", (html) => html.replace(/(data-pocketrank-model[^>]*>)/, "$1%")],
    ["cut short", (html) => html.replace(/(data-pocketrank-model[^>]*>.{2000})[^<]*/, "$1")],
    ["empty", (html) => html.replace(/(data-pocketrank-model[^>]*>)[^<]*/, "$1")],
    ["changed", (html) => html.replace(/(data-pocketrank-model[^>]*>.{4000})(.)/, (_, before, character) => before + (character === "A" ? "B" : "A"))],
  ])) {
    it(`is not used, and the whole is fetched: ${what}`, async () => {
      const { page, asked, warnings, close } = await visitor();
      await change(page, broken);
      await open(page, edge.url);
      assert.deepEqual(await slate(page, "home-for-you"), reranked("popular", first));
      assert.deepEqual(await slate(page, "home-trending"), reranked("trending", first));
      assert.equal(asked(/\/snapshots\//), 1);
      assert.equal(warnings.length, 1, warnings.join("\n"));
      assert.match(warnings.join(), /the page's own model cannot be read/);
      await close();
    });
  }
});
