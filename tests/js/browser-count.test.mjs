/** How many cards a slot has in Chromium: its attribute, as the edge reads it (`slot_options` in src/edge.rs). */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { init } from "../../dist/npm/node.js";
import { launchChromium, listen, until } from "./support/chromium.mjs";
import { share } from "./support/share.mjs";
import { agree, carousel, items, openPages, order } from "./support/slots.mjs";

const [browser, pages] = await share(launchChromium(), openPages(), init());
after(() => pages.stop());

/** A visitor with a history on a page with such a slot, and what it says. @param {string} count @param {boolean} [filled] */
async function visitSlot(count, filled = true) {
  const page = await (await browser.newContext({ viewport: { width: 900, height: 120 } })).newPage();
  const said = listen(page);
  await page.goto(pages.write(carousel(filled).replace(/count="\d+"/, `count="${count}"`)));
  await agree(page);
  return { page, said, close: () => page.context().close() };
}

describe("data-pocketrank-count", () => {
  for (const count of ["abc", "0", "-3", "1.5", "1e3", ""]) {
    it(`of "${count}" leaves the slot its cards, and the console says what it must be`, async () => {
      const { page, said, close } = await visitSlot(count);
      const refused = `data-pocketrank-count must be a number from 1; it is "${count}"`;
      for (const end = Date.now() + 15_000; !said.some((text) => text.includes(refused)); ) {
        assert.ok(Date.now() < end, `said ${said.join("\n")}`);
        await page.waitForTimeout(20);
      }
      assert.deepEqual(await order(page), items.slice(0, 12).map(({ id }) => id));
      await close();
    });
  }

  for (const [count, made] of /** @type {const} */ ([[" 5 ", 5], ["+5", 5], ["500", 30]])) {
    it(`of "${count}" makes ${made} cards of a list of 30`, async () => {
      const { page, said, close } = await visitSlot(count, false);
      await until(page, (made) => document.querySelectorAll("pocketrank-carousel [data-item]").length === made, made);
      assert.deepEqual(said.filter((text) => text.startsWith("warning")), []);
      await close();
    });
  }
});
