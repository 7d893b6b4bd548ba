/** What pages have around the script, in Chromium: names that are its own, entries that cannot be read, frames that are nobody's. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { launchChromium, listen, until } from "./support/chromium.mjs";
import { servePage } from "./support/device.mjs";
import { share } from "./support/share.mjs";

const [browser, site] = await share(launchChromium(), servePage());

describe("the script", () => {
  it("runs where an element of the page has its name", async () => {
    const page = await browser.newPage();
    const said = listen(page);
    const body = '<!doctype html><title>Shop</title><link rel="icon" href="data:,"><script type="module" id="pocketrank" src="/element.js" data-manifest="/manifest.pkrm"></script>';
    await page.route("**/named", (route) => route.fulfill({ contentType: "text/html", body }));
    await page.goto(`${site.url}/named`);
    assert.equal(await page.evaluate(async () => (await window.pocketrank)?.mode), "contextual");
    assert.deepEqual(said, []);
    await page.context().close();
  });

  it("lets a page's push go on, whatever it pushes, also where it hears Consent Mode", async () => {
    const page = await browser.newPage();
    const said = listen(page);
    await page.goto(`${site.url}/?consent=consent-mode`);
    await page.evaluate(() => window.pocketrank);
    const length = await page.evaluate(() =>
      window.dataLayer?.push({
        get 0() {
          throw new Error("not to be read");
        },
      }),
    );
    assert.equal(length, 1);
    assert.equal(said.length, 1);
    assert.match(said[0] ?? "", /an entry of the data layer cannot be read/);
    await page.context().close();
  });

  it("counts a link that opens in another tab by the middle button", async () => {
    const page = await browser.newPage();
    await page.goto(`${site.url}/`);
    await page.evaluate(async () => {
      const slot = Object.assign(document.createElement("ul"), { id: "slot" });
      slot.dataset.pocketrankSlot = "home";
      const card = slot.appendChild(document.createElement("li"));
      card.dataset.item = "tea";
      card.append(Object.assign(document.createElement("a"), { href: "/?tea=1", textContent: "Tea" }));
      document.body.append(slot);
      await (await window.pocketrank)?.setConsent({ mode: "session" });
    });
    await page.locator("#slot li").click({ button: "right", position: { x: 200, y: 5 } });
    await page.getByRole("link").click({ button: "middle" });
    await until(page, async () => (await window.pocketrank)?.profile.length === 1);
    assert.deepEqual(await page.evaluate(async () => (await window.pocketrank)?.profile.events().map(({ kind }) => kind)), ["select_item"]);
    await page.context().close();
  });

  it("has its Service Worker again after a withdrawal and another yes, where the page names the policies that it allows", async () => {
    const page = await browser.newPage();
    const said = listen(page);
    await page.route(/offline=/, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, headers: { ...response.headers(), "content-security-policy": "require-trusted-types-for 'script'; trusted-types pocketrank-offline" } });
    });
    await page.goto(`${site.url}/?offline=/pocketrank-worker.js`);
    for (let times = 0; times < 2; times += 1) {
      await page.evaluate(async () => (await window.pocketrank)?.setConsent({ mode: "persistent" }));
      await until(page, async () => (await navigator.serviceWorker.getRegistrations()).length === 1);
      await page.evaluate(async () => (await window.pocketrank)?.erase());
    }
    assert.deepEqual(said, []);
    await page.context().close();
  });

  it("lives in memory in a frame of no origin, with one warning", async () => {
    const context = await browser.newContext();
    await context.route("**/*", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, headers: { ...response.headers(), "access-control-allow-origin": "*" } });
    });
    const page = await context.newPage();
    const said = listen(page);
    await page.goto(`${site.url}/`);
    await page.evaluate(() => document.body.append(Object.assign(document.createElement("iframe"), { src: "/?frame=1", sandbox: "allow-scripts" })));
    await page.waitForEvent("framenavigated", (frame) => frame.url().includes("frame=1"));
    const frame = page.frames()[1] ?? assert.fail("there is no frame");
    await frame.waitForLoadState();
    const [length, places] = await frame.evaluate(async () => {
      const pocketrank = await window.pocketrank;
      if (!pocketrank) throw new Error("the frame has no script");
      await pocketrank.setConsent({ mode: "persistent", capsule: true });
      await pocketrank.record("view_item", ["tea"]);
      const { events } = await pocketrank.export();
      return [events.length, await pocketrank.erase()];
    });
    assert.equal(length, 1);
    assert.ok(places.every(({ entries }) => entries === 0));
    // What Chromium itself rejects there, of `indexedDB.databases()`, has no reason.
    const own = said.filter((line) => line !== "uncaught: undefined");
    assert.match(own[0] ?? "", /this device does not store/);
    assert.equal(own.length, 1, own.join("\n"));
    await context.close();
  });
});
