/** What `npm run bench:web` measures: nothing on the landing page shifts, for whomever and whatever they do, and its instruments see. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { act, openSlowly, read } from "../../benches/web/page.mjs";
import { launchChromium } from "./support/chromium.mjs";
import { share } from "./support/share.mjs";
import { answer, open, openEdge, tastes } from "./support/shop.mjs";

const [browser, edge] = await share(launchChromium(), openEdge());

const acts = ["card", "why", "consent", "forget"];
// They wait most of the time, for what a hand does to be painted.
describe("the landing page", { concurrency: true }, () => {
  for (const { screen, options, does } of [
    { screen: "a wide screen", options: { viewport: { width: 1280, height: 900 } }, does: [...acts, "step"] },
    { screen: "a phone", options: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }, does: acts },
  ]) {
    describe(`on ${screen}`, () => {
      it("nothing shifts for a new visitor", async () => {
        const context = await browser.newContext(options);
        const { cls, lcp } = await read(await openSlowly(context, edge.url, 1));
        assert.equal(cls, 0);
        assert.ok(lcp > 0);
        await context.close();
      });

      it("nothing shifts for a visitor with a profile, who clicks everywhere", async () => {
        const context = await browser.newContext(options);
        const first = await context.newPage();
        await open(first, edge.url);
        await answer(first, "Accept all");
        for (const { url } of tastes()[0] ?? []) await open(first, edge.url + url);
        const page = await openSlowly(context, edge.url, 1);
        const answers = await act(page, true);
        assert.equal((await read(page)).cls, 0);
        assert.deepEqual([...new Set(answers.map(({ name }) => name))].sort(), does.sort());
        await context.close();
      });
    });
  }

  it("what shifts, blocks and answers late is seen", async () => {
    const context = await browser.newContext();
    await context.addInitScript(() => {
      addEventListener("load", () => {
        const block = (/** @type {number} */ time) => {
          for (const end = performance.now() + time; performance.now() < end; );
        };
        document.body.prepend(Object.assign(document.createElement("p"), { textContent: "It moves." }));
        block(200);
        addEventListener("click", () => block(100));
      });
    });
    const page = await openSlowly(context, edge.url, 1);
    const { cls, tbt } = await read(page);
    assert.ok(cls > 0, `${cls}`);
    assert.ok(tbt > 100, `${tbt}`);
    const answers = await act(page, false);
    assert.ok(answers.every(({ duration }) => duration >= 100), JSON.stringify(answers));
    await context.close();
  });
});
