/**
 * Every page of the demo shop behind the edge, on every screen: axe finds nothing, a narrow screen scrolls one way, and a picture of it is
 * kept in dist/screenshots. The pages are those of `samples` in scripts/shop/pages.mjs.
 */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { root } from "../../scripts/process.mjs";
import { samples } from "../../scripts/shop/pages.mjs";
import { launchChromium, violations } from "./support/chromium.mjs";
import { share } from "./support/share.mjs";
import { answer, open, openEdge, tastes } from "./support/shop.mjs";

/** @typedef {import("playwright-core").Page} Page */

const pages = samples(JSON.parse(readFileSync(join(root, "dist/data/catalogue.json"), "utf8")));
const product = pages.find(({ name }) => name === "product")?.path ?? "";
const [others = []] = tastes();
const phone = { isMobile: true, hasTouch: true };
const screens = /** @type {const} */ ([
  { name: "wide-light", as: { viewport: { width: 1280, height: 900 }, colorScheme: "light" } },
  { name: "wide-dark", as: { viewport: { width: 1280, height: 900 }, colorScheme: "dark" } },
  { name: "tablet-light", as: { viewport: { width: 768, height: 1024 }, colorScheme: "light" } },
  { name: "phone-dark", as: { viewport: { width: 390, height: 844 }, colorScheme: "dark", ...phone } },
  { name: "small-phone-light", as: { viewport: { width: 320, height: 640 }, colorScheme: "light", ...phone } },
]);
const folder = join(root, "dist/screenshots");

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const [browser, edge] = await share(launchChromium(), openEdge());

/** @param {(typeof screens)[number]} screen */
async function visitor({ as }) {
  // The page's policy refuses injected scripts, as it should; axe comes in through the test's own door.
  const context = await browser.newContext({ ...as, bypassCSP: true, reducedMotion: "reduce" });
  return context.newPage();
}

/**
 * Photographs the whole page, and checks it.
 * @param {Page} page
 * @param {string} name of the picture
 */
async function check(page, name) {
  // Pictures below the fold load when they come near; a picture of the page waits for them.
  await page.evaluate(async () => {
    const images = [...document.images];
    for (const image of images) image.loading = "eager";
    await Promise.allSettled(images.map((image) => image.decode()));
  });
  // What lies over a page is shown where it lies.
  const isCovered = (await page.locator(".pr-why, pocketrank-devtools").count()) > 0;
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: !isCovered });
  assert.deepEqual(await violations(page), []);
  // The screen's own width: a phone's window grows with what it holds.
  const has = page.viewportSize()?.width ?? 0;
  const needs = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(needs <= has, `scrolls sideways: ${needs} px on ${has}`);
}

for (const screen of screens) {
  describe(screen.name, () => {
    for (const { name, path } of pages) {
      it(`${name} is accessible and fits`, async () => {
        const page = await visitor(screen);
        await open(page, edge.url + path);
        await check(page, `${screen.name}-${name}`);
        await page.context().close();
      });
    }

    it("the end of a check-out is", async () => {
      const page = await visitor(screen);
      await open(page, edge.url + product);
      await answer(page, "Only this visit");
      await page.getByRole("button", { name: "Add to cart" }).click();
      await open(page, `${edge.url}/cart`);
      await page.getByRole("button", { name: "Check out" }).click();
      await page.getByRole("button", { name: "Place the order" }).click();
      await page.getByRole("heading", { name: "Thank you" }).waitFor();
      await check(page, `${screen.name}-ordered`);
      await page.context().close();
    });

    it("every page is, to a visitor who agreed, asked for a reason and filled the cart", async () => {
      const page = await visitor(screen);
      await open(page, edge.url + product);
      await answer(page, "Accept all");
      await page.getByRole("button", { name: "Add to cart" }).click();
      await page.locator(".pr-why-button").first().click();
      await page.locator(".pr-why").waitFor();
      await check(page, `${screen.name}-why`);
      // Two more: shelves of a product's page do not speak of that product.
      for (const { url } of others) await open(page, edge.url + url);
      for (const { name, path } of pages) {
        await open(page, edge.url + path);
        // What is said of it: at the first shelf, if there is one, and in the cart.
        if ((await page.locator(".shelf-note").count()) > 0) await page.locator(".shelf-note.adapted").first().waitFor();
        if (name === "cart") await page.locator(".cart-line").waitFor();
        await check(page, `${screen.name}-${name}-known`);
      }
      await page.context().close();
    });
  });
}

it("a picture of every page is kept", () => {
  const kept = readdirSync(folder).filter((name) => statSync(join(folder, name)).size > 10_000);
  assert.equal(kept.length, screens.length * (2 * pages.length + 2));
});
