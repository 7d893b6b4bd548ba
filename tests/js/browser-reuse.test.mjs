/** Slots whose elements a page's framework uses again, in Chromium: for other items, for another list, as a copy; and what comes late. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { init } from "../../dist/npm/node.js";
import { launchChromium, until } from "./support/chromium.mjs";
import { share } from "./support/share.mjs";
import { COUNT, agree, carousel, expected, items, openPages, order, ownCards, stands, viewed, visit } from "./support/slots.mjs";

const [browser, pages] = await share(launchChromium(), openPages(), init());

const sent = items.map(({ id }) => id);
/** Out of view, so that no card is seen. */
const list = (count = 10) => `<div class="high"></div><ul data-pocketrank-slot="own">${ownCards(count)}</ul>`;
/** Waits for the slot's next slate. @param {import("playwright-core").Page} page @param {string} script runs before */
const slateAfter = (page, script) => page.evaluate(`new Promise((resolve) => { document.addEventListener("pocketrank:slate", resolve, { once: true }); ${script} }).then(() => undefined)`);

describe("a framework", () => {
  it("that gives cards other items has those ranked", async () => {
    const page = await visit(browser, pages.write(list()));
    await agree(page);
    await stands(page, expected(viewed, 10));
    await page.evaluate(() => document.querySelectorAll("[data-item]").forEach((card, at) => card.setAttribute("data-item", `sku-${at + 20}`)));
    const others = await page.evaluate(async (ids) => {
      const ranker = await (await window.pocketrank)?.ranker();
      const candidates = ranker?.candidates(ids);
      return ranker && candidates ? ranker.rerank(candidates, { count: 10 }).map(({ index }) => ids[index]) : [];
    }, sent.slice(20, 30));
    assert.notDeepEqual(others, sent.slice(20, 30));
    await stands(page, others);
    await page.context().close();
  });

  it("that orders its own cards keeps its order, also when more is known of the visitor", async () => {
    const page = await visit(browser, pages.write(list()));
    await agree(page);
    await stands(page, expected(viewed, 10));
    await page.evaluate(() => {
      const slot = document.querySelector("[data-pocketrank-slot]");
      slot?.append(...[...slot.children].sort((a, b) => Number(a.getAttribute("data-item")?.slice(4)) - Number(b.getAttribute("data-item")?.slice(4))));
    });
    await page.evaluate(async () => (await window.pocketrank)?.record("view_item", ["sku-9"]));
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)));
    assert.deepEqual(await order(page), sent.slice(0, 10));
    // Where cards come or go, it is another list.
    await page.evaluate(() => document.querySelector("[data-item]")?.remove());
    await until(page, (ids) => [...document.querySelectorAll("[data-item]")].map((card) => card.getAttribute("data-item")).join() !== ids, sent.slice(1, 10).join());
    await page.context().close();
  });

  it("that takes its own cards out for a while finds nothing else in their place", async () => {
    const page = await visit(browser, pages.write(`<ul data-pocketrank-slot="own" data-pocketrank-candidates="home">${ownCards(10)}</ul>`));
    for (const isKnown of [false, true]) {
      if (isKnown) await agree(page);
      await page.evaluate(() => {
        const slot = document.querySelector("[data-pocketrank-slot]");
        Object.assign(window, { cards: [...(slot?.children ?? [])] });
        slot?.replaceChildren();
      });
      await page.waitForTimeout(700);
      assert.deepEqual(await order(page), [], isKnown ? "after a yes" : "without a yes");
      await page.evaluate(() => document.querySelector("[data-pocketrank-slot]")?.append(.../** @type {any} */ (window).cards));
      assert.equal((await order(page)).length, 10);
    }
    await page.context().close();
  });

  it("that shows another list in a carousel gets that list's cards", async () => {
    pages.publish(1, { files: { "candidates/home.json": { items }, "candidates/other.json": { items: items.slice(15) }, "items.json": {} } });
    const page = await visit(browser, pages.write(`<div class="high"></div>${carousel(false)}`));
    await until(page, (count) => document.querySelectorAll("[data-item]").length === count, COUNT);
    await page.evaluate(() => document.querySelector("pocketrank-carousel")?.setAttribute("data-pocketrank-candidates", "other"));
    await until(page, () => [...document.querySelectorAll("[data-item]")].every((card) => Number(card.getAttribute("data-item")?.slice(4)) >= 15));
    await page.context().close();
  });

  it("that puts a copy of a page back has one pair of buttons in each carousel, which work", async () => {
    const page = await visit(browser, pages.write(carousel()));
    await page.locator(".pr-step").first().waitFor();
    await page.evaluate(() => {
      const copy = document.body.cloneNode(true);
      document.body.replaceWith(copy);
    });
    await page.evaluate(() => document.querySelector("pocketrank-carousel")?.ready);
    assert.equal(await page.locator(".pr-step").count(), 2);
    await page.getByRole("button", { name: "Next" }).click();
    await until(page, () => (document.querySelector(".pr-track")?.scrollLeft ?? 0) > 0);
    assert.equal(await page.locator("[data-item]").first().getAttribute("aria-label"), `1 of ${COUNT}`);
    await page.context().close();
  });
});

describe("a transition", () => {
  it("that begins late does not undo a withdrawal", async () => {
    const page = await visit(browser, pages.write(`<ul data-pocketrank-slot="own">${ownCards(10)}</ul>`), {
      before: () => {
        // Nothing counts as seen, and transitions begin when the test says so.
        const { setTimeout } = window;
        Object.assign(window, { setTimeout: (/** @type {() => void} */ run, /** @type {number} */ after) => (after === 1000 ? 0 : setTimeout(run, after)) });
        /** @type {(() => void)[]} */
        const waiting = [];
        Object.assign(window, { begin: () => waiting.splice(0).forEach((run) => run()) });
        Object.assign(document, {
          startViewTransition: (/** @type {() => void} */ change) => {
            const done = new Promise((resolve) => waiting.push(() => resolve(change())));
            return { ready: done, finished: done, updateCallbackDone: done };
          },
        });
      },
    });
    await agree(page, { views: ["sku-20"] });
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 500)));
    assert.deepEqual(await order(page), sent.slice(0, 10), "a transition has not waited");
    await page.evaluate(async () => (await window.pocketrank)?.erase());
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)));
    await page.evaluate("begin()");
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)));
    assert.deepEqual(await order(page), sent.slice(0, 10));
    await page.context().close();
  });
});

describe("a browser without popovers", () => {
  it("is left without an explanation, and with nothing of it on the page", async () => {
    const cards = ownCards().replaceAll("</li>", '<button type="button" data-pocketrank-why>Why?</button></li>');
    const page = await visit(browser, pages.write(`<ul data-pocketrank-slot="own">${cards}</ul>`), {
      before: () => {
        for (const name of ["popover", "showPopover", "hidePopover"]) Reflect.deleteProperty(HTMLElement.prototype, name);
      },
    });
    const warned = page.waitForEvent("console");
    await page.getByRole("button", { name: "Why?" }).first().click();
    assert.match((await warned).text(), /why a card is there cannot be said/);
    assert.equal(await page.getByRole("dialog").count(), 0);
    await page.context().close();
  });
});

describe("what could not be had", () => {
  it("is asked for again: a list", async () => {
    const context = await browser.newContext();
    let fails = true;
    await context.route("**/candidates/aside.json", (route) => (fails ? route.abort() : route.fulfill({ json: { items } })));
    const page = await context.newPage();
    await page.goto(pages.write(`<pocketrank-carousel aria-label="x" data-pocketrank-slot="aside" data-pocketrank-candidates="aside"></pocketrank-carousel>`));
    await page.evaluate(() => document.querySelector("pocketrank-carousel")?.ready);
    assert.deepEqual(await order(page), []);
    fails = false;
    await slateAfter(page, 'window.pocketrank.then((pocketrank) => pocketrank.setConsent({ mode: "session" }))');
    assert.equal((await order(page)).length, COUNT);
    await context.close();
  });
});
