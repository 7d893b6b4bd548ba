/** Pages that nobody looks at, in Chromium: those that are made before they are asked for, and tabs in the background. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { launchChromium, until } from "./support/chromium.mjs";
import { items, records } from "./support/device.mjs";
import { share } from "./support/share.mjs";
import { agree, openPages, ownCards, visit } from "./support/slots.mjs";

const [browser, pages] = await share(launchChromium(), openPages());

describe("a page that is made before it is asked for", () => {
  // A browser that is driven makes none: this one only says so.
  it("reads and records nothing until it is shown, and then what it has to say", async () => {
    const asked = await visit(browser, pages.write("<p>Home</p>"));
    await agree(asked, { mode: "persistent", views: ["sku-1"] });
    const kept = await records(asked);
    const page = await asked.context().newPage();
    await page.addInitScript(() => {
      Object.defineProperty(Document.prototype, "prerendering", { configurable: true, value: true });
    });
    await page.goto(pages.write('<script type="application/ld+json">{"@context":"https://schema.org","@type":"Product","sku":"sku-7"}</script>', { name: "product" }));
    await page.waitForLoadState("networkidle");
    const isReady = () => page.evaluate(() => Promise.race([window.pocketrank?.then(() => true), new Promise((resolve) => setTimeout(() => resolve(false), 300))]));
    assert.equal(await isReady(), false);
    assert.equal(await records(asked), kept);
    await page.evaluate(() => {
      Object.defineProperty(Document.prototype, "prerendering", { value: false });
      document.dispatchEvent(new Event("prerenderingchange"));
    });
    assert.equal(await isReady(), true);
    await until(page, async () => (await window.pocketrank)?.profile.length === 2);
    assert.equal((await items(page)).length, 2);
    await asked.context().close();
  });
});

describe("a tab in the background", () => {
  it("has no cards seen, until it is looked at", async () => {
    const page = await visit(browser, pages.write(`<ul data-pocketrank-slot="own">${ownCards(3)}</ul>`), {
      before: () => {
        let hidden = true;
        Object.defineProperty(Document.prototype, "hidden", { get: () => hidden });
        const seen = /** @type {string[]} */ ([]);
        document.addEventListener("pocketrank:seen", ({ target }) => seen.push((target instanceof HTMLElement && target.dataset.item) || ""));
        Object.assign(window, { seen, look: () => (hidden = false) });
      },
    });
    await page.waitForTimeout(1500);
    assert.deepEqual(await page.evaluate("window.seen"), []);
    await page.evaluate("look()");
    await until(page, () => /** @type {any} */ (window).seen.length === 3);
    await page.context().close();
  });
});
