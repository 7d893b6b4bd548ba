/** Slots in Chromium under a strict policy: those that come empty, a shop's own cards, what stays while cards change, and how they move. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { init } from "../../dist/npm/node.js";
import { launchChromium, until, violations } from "./support/chromium.mjs";
import { share } from "./support/share.mjs";
import { COUNT, agree, carousel, expected, items, observed, openPages, order, ownCards, stands, viewed, visit } from "./support/slots.mjs";

const [browser, pages] = await share(launchChromium(), openPages(), init());

const sent = items.map(({ id }) => id);
const list = (/** @type {string} */ before = "") => `${before}<ul data-pocketrank-slot="own">${ownCards()}</ul><p>After</p>`;
/** Runs in the page: nothing counts as seen because time went by. */
function stopTimers() {
  Object.assign(window, { setTimeout: () => 0 });
}

describe("a slot that comes empty", () => {
  for (const width of [390, 900, 1300]) {
    it(`has the room of its cards before they are there, ${width} pixels wide`, async () => {
      const url = pages.write(`${carousel(false)}<p>After</p>`);
      const page = await visit(browser, url, { viewport: { width, height: 700 } });
      assert.equal((await order(page)).length, COUNT);
      assert.ok(await page.getByText("After").evaluate((after) => after.getBoundingClientRect().top < window.innerHeight), "what could move is out of view");
      assert.deepEqual(await observed(page), { shifts: [], transitions: 0, refused: [] });
      await page.context().close();
    });
  }

  it("is filled with what is right for the visitor", async () => {
    const page = await visit(browser, pages.write(carousel(false)));
    assert.deepEqual(await order(page), expected([]));
    await page.context().close();
  });
});

describe("a shop's own cards", () => {
  it("stay as they are, and nothing is asked for, where nothing may be known", async () => {
    pages.asked();
    const page = await visit(browser, pages.write(list()));
    await page.waitForLoadState("networkidle");
    assert.deepEqual(await order(page), sent.slice(0, 10));
    assert.deepEqual(pages.asked(), []);
    await page.context().close();
  });

  it("change their places without a template, in any element, and go back when the visitor withdraws", async () => {
    for (const body of [list(), `<div data-pocketrank-slot="own"><div>${ownCards(5, "div")}</div><div>${ownCards(10, "div").slice(ownCards(5, "div").length)}</div></div>`]) {
      const page = await visit(browser, pages.write(body), { viewport: { width: 900, height: 90 } });
      await page.evaluate(() => document.querySelectorAll("[data-item]").forEach((card) => Object.assign(card, { own: true })));
      await agree(page);
      await stands(page, expected(viewed, 10));
      assert.notDeepEqual(expected(viewed, 10), sent.slice(0, 10));
      assert.ok(await page.evaluate(() => [...document.querySelectorAll("[data-item]")].every((card) => "own" in card)), "a card was made anew");
      const tops = await page.locator("[data-item]").evaluateAll((all) => all.map((card) => card.getBoundingClientRect().top));
      assert.deepEqual(tops, tops.toSorted((a, b) => a - b), "the eye and the document see different orders");
      await page.evaluate(async () => (await window.pocketrank)?.erase());
      await stands(page, sent.slice(0, 10));
      assert.deepEqual((await observed(page)).shifts, []);
      await page.context().close();
    }
  });

  it("are ranked in a carousel as well, and have its buttons and numbers", async () => {
    for (const [row, element] of /** @type {const} */ ([["ul", "li"], ["div", "article"], ["div", "div"]])) {
      const body = `<h2 id="title">For you</h2><pocketrank-carousel aria-labelledby="title" data-pocketrank-slot="own"><${row}>${ownCards(10, element)}</${row}></pocketrank-carousel>`;
      const page = await visit(browser, pages.write(body), { viewport: { width: 900, height: 90 }, bypassCSP: true });
      await agree(page);
      await stands(page, expected(viewed, 10));
      const slides = await page.locator("[data-item]").evaluateAll((all) => all.map((card) => [card.getAttribute("role"), card.ariaLabel]));
      assert.deepEqual(slides, Array.from({ length: 10 }, (_, at) => [element === "div" ? "group" : null, `${at + 1} of 10`]));
      assert.equal(await page.locator("pocketrank-carousel > .pr-step").count(), 2);
      assert.deepEqual(await violations(page), []);
      await page.context().close();
    }
  });

  it("that come later are ranked too, and so is a slot that comes later", async () => {
    const page = await visit(browser, pages.write(list('<div class="high"></div>')));
    await agree(page);
    await stands(page, expected(viewed, 10));
    await page.evaluate(() => {
      const slot = document.querySelector("[data-pocketrank-slot]");
      for (let at = 10; at < 20; at += 1) {
        const card = document.createElement("li");
        card.dataset.item = `sku-${at}`;
        slot?.append(card);
      }
    });
    await stands(page, expected(viewed, 20));
    await page.evaluate(() => {
      const slot = document.querySelector("[data-pocketrank-slot]");
      const other = document.createElement("ol");
      other.dataset.pocketrankSlot = "later";
      for (let at = 0; at < 10; at += 1) other.append(Object.assign(document.createElement("li"), { textContent: "Thing" }));
      [...other.children].forEach((card, at) => card.setAttribute("data-item", `sku-${at}`));
      slot?.replaceWith(other);
    });
    await stands(page, expected(viewed, 10));
    await page.context().close();
  });

  it("say why they are there, by a button of the shop's", async () => {
    const cards = ownCards().replaceAll("</li>", '<button type="button" data-pocketrank-why>Why?</button></li>');
    const page = await visit(browser, pages.write(`<ul data-pocketrank-slot="own">${cards}</ul>`));
    await agree(page);
    await page.getByRole("button", { name: "Why?" }).first().click();
    const why = page.getByRole("dialog");
    await why.waitFor();
    assert.match((await why.textContent()) ?? "", /Why Thing \d+\?.*Worked out on this device/);
    await page.context().close();
  });
});

describe("while cards change", () => {
  /** What comes of a list whose card in a place stays there. @param {number} place */
  function around(place) {
    const rest = expected(viewed, 10).filter((id) => id !== sent[place]);
    return rest.toSpliced(place, 0, sent[place]);
  }

  it("the focused one keeps its place and the focus", async () => {
    const page = await visit(browser, pages.write(list()), { before: stopTimers });
    const link = page.getByRole("link", { name: "Thing 6", exact: true });
    await link.focus();
    await agree(page);
    const now = around(6);
    assert.notDeepEqual(now, expected(viewed, 10), "it would have been there anyway");
    await stands(page, now);
    assert.ok(await link.evaluate((link) => document.activeElement === link));
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement?.parentElement?.getAttribute("data-item")), now[7]);
    await page.context().close();
  });

  it("a focus that was there before the script counts", async () => {
    const url = pages.write(list());
    const context = await browser.newContext({ viewport: { width: 900, height: 700 } });
    await context.addInitScript(stopTimers);
    const page = await context.newPage();
    /** @type {() => void} */
    let go = () => undefined;
    const held = new Promise((resolve) => (go = () => resolve(undefined)));
    await context.route("**/element.js", async (route) => (await held, route.continue()));
    await page.goto(url, { waitUntil: "commit" });
    await page.getByRole("link", { name: "Thing 0", exact: true }).focus();
    go();
    await until(page, () => !!window.pocketrank);
    await agree(page);
    await stands(page, around(0));
    await context.close();
  });

  it("the row stays scrolled to where it was", async () => {
    const page = await visit(browser, pages.write(carousel()));
    const at = await page.locator(".pr-track").evaluate((track) => {
      track.scrollTo({ left: 700, behavior: "instant" });
      return track.scrollLeft;
    });
    assert.ok(at > 300);
    const before = await order(page);
    await agree(page);
    await until(page, (before) => document.querySelectorAll("[data-item]")[11]?.getAttribute("data-item") !== before, before[11]);
    await page.waitForTimeout(300);
    assert.ok(Math.abs((await page.locator(".pr-track").evaluate((track) => track.scrollLeft)) - at) < 2);
    await page.context().close();
  });

  it("it is a carousel with numbered slides, of which axe finds nothing wrong", async () => {
    const page = await visit(browser, pages.write(carousel()), { bypassCSP: true });
    await agree(page);
    await until(page, () => document.querySelectorAll("[data-item]")[11]?.getAttribute("data-item") !== "sku-11");
    const group = page.getByRole("group", { name: "For you" });
    assert.deepEqual(await group.evaluate((group) => [group.getAttribute("aria-roledescription"), group.getAttribute("aria-live")]), ["carousel", "off"]);
    const slides = await group.locator("[data-item]").evaluateAll((all) => all.map((card) => [card.ariaRoleDescription, card.ariaLabel]));
    assert.deepEqual(slides, Array.from({ length: COUNT }, (_, at) => ["slide", `${at + 1} of ${COUNT}`]));
    assert.deepEqual(await group.getByRole("button", { name: /^(Previous|Next)$/ }).evaluateAll((all) => all.map(({ ariaLabel }) => ariaLabel)), ["Previous", "Next"]);
    assert.deepEqual(await violations(page), []);
    await page.context().close();
  });
});

describe("cards that move", () => {
  it("do so by a View Transition, which leaves nothing behind and offends no policy", async () => {
    for (const body of [carousel(), list()]) {
      const page = await visit(browser, pages.write(body), { before: stopTimers, reducedMotion: "no-preference" });
      const before = await order(page);
      await agree(page, { views: viewed.slice(0, 1) });
      await until(page, (before) => document.querySelector("[data-item]")?.getAttribute("data-item") !== before, before[0]);
      await until(page, () => document.getAnimations().length === 0 && !document.documentElement.hasAttribute("style"));
      const { transitions, refused, shifts } = await observed(page);
      assert.ok(transitions >= 1);
      assert.deepEqual({ refused, shifts }, { refused: [], shifts: [] });
      assert.equal(await page.locator("[style]").count(), 0);
      await page.context().close();
    }
  });

  it("do not where the visitor wants less motion, nor where nobody sees it", async () => {
    for (const [body, reducedMotion] of /** @type {const} */ ([
      [carousel(), "reduce"],
      [list(), "reduce"],
      [list('<div class="high"></div>'), "no-preference"],
    ])) {
      const page = await visit(browser, pages.write(body), { before: stopTimers, reducedMotion });
      const before = await order(page);
      await agree(page);
      await until(page, (before) => document.querySelector("[data-item]")?.getAttribute("data-item") !== before, before[0]);
      assert.equal((await observed(page)).transitions, 0);
      await page.context().close();
    }
  });
});
