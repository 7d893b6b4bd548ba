/** The demo shop's own template in Chromium, under its policy with Trusted Types: the cards that the browser makes are those of the edge and of Node. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Consent, Profile, Ranker, init } from "../../dist/npm/node.js";
import { Renderer } from "../../dist/npm/render.js";
import { launchChromium } from "./support/chromium.mjs";
import { share } from "./support/share.mjs";
import { answer, open, openEdge, openFiles, readCandidates, readSnapshot, tastes } from "./support/shop.mjs";

const [taste = []] = tastes();
const popular = readCandidates("popular");
/** What is viewed is of the list, so that it can be named: its most popular thing of a taste, and others. */
const views = [...popular.slice(0, 2), ...taste.slice(0, 1)];
const hosts = { "behind the edge": openEdge, "from plain files": openFiles };

const [browser] = await share(launchChromium(), init());

/** What Node makes of the slot after the views, a card each. */
function expected() {
  const now = Math.floor(Date.now() / 1000);
  const grant = new Consent({ choice: { mode: "session" } }).grant();
  assert.ok(grant);
  const profile = new Profile();
  for (const { id } of views) profile.record(grant, id, "view_item", now);
  const ranker = new Ranker(readSnapshot());
  ranker.setProfile(profile, now);
  const slate = ranker.rerank(ranker.candidates(popular), { count: 12 });
  const renderer = new Renderer(ranker, popular);
  return slate.map(({ index }, place) => renderer.item(index, { template: "for-you", lang: "en", place, count: 12 }));
}

for (const [where, start] of Object.entries(hosts)) {
  describe(`the template of a slot ${where}`, () => {
    it("is that of the snapshot, before and after the visitor is known", async () => {
      const site = await start();
      const context = await browser.newContext({ viewport: { width: 1280, height: 400 } });
      const page = await context.newPage();
      /** @type {string[]} */
      const errors = [];
      page.on("console", (message) => void (message.type() !== "log" && errors.push(message.text())));
      await open(page, site.url);
      const cards = () =>
        page.evaluate(() => {
          const track = document.querySelector('[data-pocketrank-slot="home-for-you"] .pr-track');
          return [...(track?.querySelectorAll(".pr-card") ?? [])].map((card) => {
            const copy = /** @type {Element} */ (card.cloneNode(true));
            copy.querySelector(".pr-why-button")?.remove();
            for (const name of ["role", "aria-roledescription", "aria-label"]) copy.removeAttribute(name);
            return copy.outerHTML;
          });
        });
      assert.equal((await cards()).length, 12);
      await answer(page, "Only this visit");
      for (const { url } of views) await open(page, site.url + url);
      await open(page, site.url);
      const found = await cards();
      // As Chromium writes what Node rendered: read by the parser, of a document without policy.
      const other = await (await browser.newContext()).newPage();
      const wanted = await other.evaluate((html) => {
        return html.map((card) => {
          const holder = document.createElement("div");
          holder.innerHTML = card;
          return holder.firstElementChild?.outerHTML;
        });
      }, expected());
      assert.deepEqual(found, wanted);
      assert.ok(found.some((card) => card.includes("Goes with ")), "nothing speaks for anything");
      assert.ok(found.every((card) => /<span class="pr-price">[£€$]\d/.test(card)));
      assert.deepEqual(errors, []);
      await context.close();
      await site.stop();
    });
  });
}
