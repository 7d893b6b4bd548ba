/** Carousels in Chromium for everybody: by keyboard, from right to left, zoomed in, in the visitor's own colours, with less motion, and by touch. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { init } from "../../dist/npm/node.js";
import { launchChromium, until, violations } from "./support/chromium.mjs";
import { share } from "./support/share.mjs";
import { COUNT, agree, carousel, expected, items, observed, openPages, order, ownCards, stands, viewed, visit } from "./support/slots.mjs";

/** @typedef {import("playwright-core").Page} Page */

const [browser, pages] = await share(launchChromium(), openPages(), init());
// A list with as many items as a carousel shows: what is turned down leaves a gap.
pages.publish(0, { files: { "candidates/home.json": { items }, "candidates/short.json": { items: items.slice(0, COUNT) }, "items.json": {} } });

/** Waits until the row glides no more, and its buttons know. @param {import("playwright-core").Page} page */
const still = (page) =>
  page.locator(".pr-track").evaluate(async (track) => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    for (let [at, frames] = [NaN, 0]; frames < 10; frames += 1) {
      if (track.scrollLeft !== at) frames = 0;
      at = track.scrollLeft;
      await frame();
    }
  });

/** How far the row has gone, in pixels: from right to left that is below 0. @param {Page} page */
const gone = (page) => page.locator(".pr-track").evaluate((track) => Math.round(track.scrollLeft));
/** Which of both buttons can be used. @param {Page} page */
const usable = (page) => page.locator(".pr-step").evaluateAll((all) => all.map((step) => step.ariaDisabled === "false"));
/** Scrolled to its end, and told so. @param {Page} page @param {[boolean, boolean]} which */
const told = (page, which) => until(page, (which) => [...document.querySelectorAll(".pr-step")].map((step) => step.ariaDisabled === "false").join() === which, which.join());
/** What has the focus, in words. @param {Page} page */
const focused = (page) =>
  page.evaluate(() => {
    const { activeElement: element } = document;
    return element?.ariaLabel || element?.textContent?.trim() || element?.tagName || "";
  });

describe("by keyboard", () => {
  it("buttons come before the cards, each card before its question, and what is focused is in view", async () => {
    const page = await visit(browser, pages.write(carousel()));
    const ids = await order(page);
    await page.keyboard.press("Tab");
    const path = [await focused(page)];
    for (let at = 0; at < 1 + 2 * COUNT; at += 1) {
      await page.keyboard.press("Tab");
      path.push(await focused(page));
      // The row glides there.
      await until(page, () => {
        const { left = -1, right = Infinity } = document.activeElement?.getBoundingClientRect() ?? {};
        return left >= -16 && right <= window.innerWidth + 16;
      });
    }
    const names = ids.map((id) => items.find((item) => item.id === id)?.name ?? "");
    assert.deepEqual(path.slice(0, 2), ["Previous", "Next"]);
    assert.deepEqual(path.slice(2).map((text, at) => (at % 2 ? text : /Thing \d+/.exec(text)?.[0])), names.flatMap((name) => [name, `Why this? ${name}`]));
    assert.deepEqual((await observed(page)).shifts, []);
    await page.context().close();
  });

  it("a button that has come to the end keeps the focus, can be seen, and does nothing", async () => {
    const page = await visit(browser, pages.write(carousel()));
    const next = page.getByRole("button", { name: "Next" });
    await next.focus();
    for (let presses = 0; presses < COUNT && (await usable(page))[1]; presses += 1) {
      const before = await gone(page);
      await page.keyboard.press("Space");
      await until(page, (before) => Math.round(document.querySelector(".pr-track")?.scrollLeft ?? 0) !== before, before);
      await still(page);
    }
    await told(page, [true, false]);
    assert.equal(await focused(page), "Next");
    await page.waitForFunction(() => getComputedStyle(document.activeElement ?? document.body).opacity === "0.6");
    const end = await gone(page);
    await page.keyboard.press("Enter");
    await page.waitForTimeout(200);
    assert.equal(await gone(page), end);
    await page.context().close();
  });

  it("the dialog is between the question and what comes after it, and Escape goes back to the question", async () => {
    const page = await visit(browser, pages.write(carousel()));
    await agree(page);
    const question = page.locator(".pr-why-button").nth(1);
    await question.focus();
    const asked = await focused(page);
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    assert.equal(await question.getAttribute("aria-expanded"), "true");
    assert.equal(await focused(page), "Close");
    await page.keyboard.press("Tab");
    // Reasons may have links.
    while ((await focused(page)).startsWith("Thing")) await page.keyboard.press("Tab");
    assert.equal(await focused(page), "Not for me");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement?.closest("[data-item]")?.ariaLabel), `3 of ${COUNT}`);
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Escape");
    // A hidden one has no role any more, though it is still there.
    await page.locator(".pr-why").waitFor({ state: "detached" });
    assert.equal(await focused(page), asked);
    assert.equal(await question.getAttribute("aria-expanded"), "false");
    await page.context().close();
  });

  it("who turns a card down is then at the one in its place, or where there is none at the last", async () => {
    for (const [list, place, then] of /** @type {const} */ ([["home", 2, 2], ["short", 2, 2], ["short", COUNT - 1, COUNT - 2]])) {
      const page = await visit(browser, pages.write(carousel(true, list)));
      await agree(page);
      const before = await order(page);
      await page.locator(".pr-why-button").nth(place).focus();
      await page.keyboard.press("Enter");
      await page.getByRole("button", { name: "Not for me" }).focus();
      await page.keyboard.press("Enter");
      await until(page, (id) => !document.querySelector(`[data-item="${id}"]`), before[place]);
      assert.equal((await order(page)).length, list === "home" ? COUNT : COUNT - 1);
      const at = await page.evaluate(() => [...document.querySelectorAll("[data-item]")].findIndex((card) => card.contains(document.activeElement)));
      assert.equal(at, then, `${list}, ${place}: ${await focused(page)}`);
      await page.context().close();
    }
  });
});

describe("a shop's own list", () => {
  it("is a row that buttons scroll, a card at a time at rest, with nothing but the class of the documentation", async () => {
    const body = `<pocketrank-carousel aria-label="For you" data-pocketrank-slot="own"><ul class="pr-track">${ownCards(10)}</ul></pocketrank-carousel>`;
    const page = await visit(browser, pages.write(body), { bypassCSP: true });
    const tops = await page.locator("[data-item]").evaluateAll((all) => all.map((card) => card.getBoundingClientRect().top));
    assert.equal(new Set(tops).size, 1);
    await page.getByRole("button", { name: "Next" }).click();
    await page.waitForFunction(() => {
      const track = document.querySelector(".pr-track");
      const start = track?.getBoundingClientRect().left ?? NaN;
      return (track?.scrollLeft ?? 0) > 200 && [...(track?.children ?? [])].some((card) => Math.abs(card.getBoundingClientRect().left - start) < 2);
    });
    await agree(page);
    const before = items.slice(0, 10).map(({ id }) => id);
    await until(page, (before) => [...document.querySelectorAll("[data-item]")].map((card) => card.getAttribute("data-item")).join() !== before, before.join());
    assert.deepEqual(await violations(page), []);
    await page.context().close();
  });
});

describe("from right to left", () => {
  it("the buttons are on the other sides, point there, lead on and back, and know the ends", async () => {
    const page = await visit(browser, pages.write(carousel(), { html: 'lang="en" dir="rtl"' }));
    const next = page.getByRole("button", { name: "Next" });
    const previous = page.getByRole("button", { name: "Previous" });
    await told(page, [false, true]);
    const left = async (/** @type {import("playwright-core").Locator} */ button) => (await button.boundingBox())?.x ?? NaN;
    assert.ok((await left(next)) < 100 && (await left(previous)) > 700);
    assert.equal(await next.locator("svg").evaluate((svg) => getComputedStyle(svg).scale), "-1 1");
    await next.click();
    await page.waitForFunction(() => (document.querySelector(".pr-track")?.scrollLeft ?? 0) < -200);
    await told(page, [true, true]);
    for (let presses = 0; presses < COUNT && (await usable(page))[1]; presses += 1) {
      await next.press("Enter");
      await page.waitForTimeout(200);
      await still(page);
    }
    await told(page, [true, false]);
    const last = await page.locator("[data-item]").last().evaluate((card) => card.getBoundingClientRect().left);
    assert.ok(last > -16, `the last card is at ${last}`);
    for (let presses = 0; presses < COUNT && (await usable(page))[0]; presses += 1) {
      await previous.press("Enter");
      await page.waitForTimeout(200);
      await still(page);
    }
    await told(page, [false, true]);
    assert.equal(await gone(page), 0);
    await page.context().close();
  });

  it("cards are reranked in place, and the dialog opens on its side, of which axe finds nothing wrong", async () => {
    const page = await visit(browser, pages.write(carousel(), { html: 'lang="en" dir="rtl"' }), { bypassCSP: true, viewport: { width: 1200, height: 60 } });
    await agree(page);
    await stands(page, expected(viewed));
    await page.setViewportSize({ width: 1200, height: 700 });
    const button = page.locator(".pr-why-button").nth(1);
    await button.click();
    const dialog = page.getByRole("dialog");
    await dialog.waitFor();
    const [asked, shown] = [await button.boundingBox(), await dialog.boundingBox()];
    assert.ok(asked && shown && Math.abs(asked.x - shown.x) < 2, `${asked?.x} ${shown?.x}`);
    assert.equal(await dialog.evaluate((dialog) => getComputedStyle(dialog).direction), "rtl");
    const close = await dialog.getByRole("button", { name: "Close" }).boundingBox();
    assert.ok(close && close.x < shown.x + shown.width / 2);
    assert.deepEqual(await violations(page), []);
    assert.deepEqual((await observed(page)).shifts, []);
    await page.context().close();
  });
});

describe("zoomed in to 400 %", () => {
  it("nothing is cut off sideways, buttons are there for the mouse, and all of the dialog can be reached", async () => {
    const page = await visit(browser, pages.write(carousel()), { viewport: { width: 320, height: 256 }, bypassCSP: true });
    await agree(page);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 320));
    await page.getByRole("button", { name: "Next" }).click();
    await page.waitForFunction(() => (document.querySelector(".pr-track")?.scrollLeft ?? 0) > 100);
    const box = await page.getByRole("button", { name: "Next" }).boundingBox();
    assert.ok(box && box.x >= 0 && box.x + box.width <= 320);
    await page.locator(".pr-why-button").nth(3).focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog");
    await dialog.waitFor();
    for (const name of ["Close", "Not for me"]) {
      const button = dialog.getByRole("button", { name });
      await button.scrollIntoViewIfNeeded();
      const place = await button.boundingBox();
      assert.ok(place && place.x >= 0 && place.y >= 0 && place.x + place.width <= 320 && place.y + place.height <= 256, `${name}: ${JSON.stringify(place)}`);
    }
    assert.deepEqual(await violations(page), []);
    await page.context().close();
  });
});

describe("as the visitor has set it", () => {
  it("buttons and dialog have outlines where colours are the visitor's own", async () => {
    const page = await visit(browser, pages.write(carousel()), { forcedColors: "active" });
    await page.locator(".pr-why-button").first().click();
    await page.getByRole("dialog").waitFor();
    for (const selector of [".pr-step[data-step='1']", ".pr-why"]) {
      const { border, width, behind } = await page.locator(selector).evaluate((element) => {
        const { borderTopColor: border, borderTopWidth: width } = getComputedStyle(element);
        return { border, width, behind: getComputedStyle(document.body).backgroundColor };
      });
      assert.equal(width, "1px");
      assert.ok(!/^rgba.*, 0\)$/.test(border) && border !== behind, `${selector}: ${border} on ${behind}`);
    }
    const { stroke, color } = await page.locator(".pr-step svg").last().evaluate((svg) => ({ stroke: getComputedStyle(svg).stroke, color: getComputedStyle(svg.parentElement ?? svg).color }));
    assert.equal(stroke, color);
    await page.context().close();
  });

  it("the row jumps where less motion is wanted, and glides elsewhere", async () => {
    for (const reducedMotion of /** @type {const} */ (["reduce", "no-preference"])) {
      const page = await visit(browser, pages.write(carousel()), { reducedMotion });
      const at = await page.evaluate(() => {
        document.querySelector("pocketrank-carousel")?.step(1);
        return document.querySelector(".pr-track")?.scrollLeft ?? 0;
      });
      assert.equal(at > 200, reducedMotion === "reduce", `${at}`);
      await page.waitForFunction(() => (document.querySelector(".pr-track")?.scrollLeft ?? 0) > 200);
      await page.context().close();
    }
  });

  it("a finger scrolls the row, which comes to rest at a card, and needs no buttons", async () => {
    const page = await visit(browser, pages.write(carousel()), { hasTouch: true, isMobile: true, viewport: { width: 390, height: 700 } });
    assert.equal(await page.locator(".pr-step").first().isVisible(), false);
    const { x = 0, y = 0, width = 0, height = 0 } = (await page.locator(".pr-track").boundingBox()) ?? {};
    const client = await page.context().newCDPSession(page);
    const touch = (/** @type {"touchStart" | "touchMove" | "touchEnd"} */ type, /** @type {number[]} */ ...at) =>
      client.send("Input.dispatchTouchEvent", { type, touchPoints: at.map((left) => ({ x: x + left, y: y + height / 3 })) });
    await touch("touchStart", width * 0.8);
    for (let left = width * 0.8; left > width * 0.3; left -= 10) await touch("touchMove", left);
    await touch("touchEnd");
    await page.waitForFunction(() => {
      const track = document.querySelector(".pr-track");
      const start = track?.getBoundingClientRect().left ?? NaN;
      return (track?.scrollLeft ?? 0) > 50 && [...(track?.children ?? [])].some((card) => Math.abs(card.getBoundingClientRect().left - start) < 2);
    });
    await page.context().close();
  });
});
