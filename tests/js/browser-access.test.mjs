/** Every page for everyone: axe finds nothing serious, and a narrow screen scrolls one way. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, describe, it } from "node:test";
import { launchChromium } from "./support/chromium.mjs";
import { answer, open, openFiles, tastes } from "./support/shop.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const [[product] = []] = tastes();
const pages = ["/", `/category/${product?.category_slug}`, product?.url ?? "", "/cart", "/privacy", "/404"];
const screens = /** @type {const} */ ([
  { name: "a wide light screen", viewport: { width: 1280, height: 900 }, colorScheme: "light" },
  {
    name: "a phone at night",
    viewport: { width: 390, height: 844 },
    isMobile: true,
    hasTouch: true,
    colorScheme: "dark",
  },
  {
    name: "a small phone",
    viewport: { width: 320, height: 640 },
    isMobile: true,
    hasTouch: true,
    colorScheme: "light",
  },
]);

/** @type {import("playwright-core").Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof openFiles>>} */
let site;
before(async () => {
  [browser, site] = await Promise.all([launchChromium(), openFiles()]);
});
after(async () => {
  await browser.close();
  await site.stop();
});

/**
 * What axe finds wrong that is serious or critical.
 * @param {import("playwright-core").Page} page
 */
async function violations(page) {
  const { violations: found } = /** @type {import("axe-core").AxeResults} */ (await page.evaluate(`${axe}; axe.run()`));
  return found
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .map(({ html }) => html)
          .slice(0, 3)
          .join(" ")}`,
    );
}

for (const { name, ...options } of screens) {
  describe(name, () => {
    for (const path of pages) {
      it(`${path} is accessible and fits`, async () => {
        // The page's policy refuses injected scripts, as it should; axe comes in through the test's own door.
        const context = await browser.newContext({ ...options, bypassCSP: true, reducedMotion: "reduce" });
        const page = await context.newPage();
        await open(page, site.url + path);
        assert.deepEqual(await violations(page), []);
        assert.ok(
          await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth),
          "scrolls sideways",
        );
        await context.close();
      });
    }

    it("the answers, the reasons and a full cart as well", async () => {
      const context = await browser.newContext({ ...options, bypassCSP: true, reducedMotion: "reduce" });
      const page = await context.newPage();
      await open(page, site.url + (product?.url ?? ""));
      await answer(page, "Accept all");
      await page.getByRole("button", { name: "Add to cart" }).click();
      await page.locator(".pr-why-button").first().click();
      await page.locator(".pr-why").waitFor();
      assert.deepEqual(await violations(page), []);
      for (const path of ["/cart", "/privacy"]) {
        await open(page, site.url + path);
        assert.deepEqual(await violations(page), []);
      }
      await context.close();
    });
  });
}
