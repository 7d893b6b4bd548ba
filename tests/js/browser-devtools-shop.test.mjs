/** The overlay in the demo shop: by the address's fragment alone, over the shop's own slots, and a replay link that another page makes again. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { launchChromium, violations, watchRequests } from "./support/chromium.mjs";
import { share } from "./support/share.mjs";
import { answer, open, openFiles, slate, tastes } from "./support/shop.mjs";

const [browser, shop] = await share(launchChromium(), openFiles());

it("the shop shows the overlay where its address asks for it, and loads nothing of it otherwise", async () => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const requests = watchRequests(context);
  const isLoaded = () => requests.some(({ url }) => url.endsWith("/devtools.js"));
  const page = await context.newPage();
  await open(page, `${shop.url}/`);
  await answer(page, "Only this visit");
  const [product] = tastes()[0] ?? [];
  assert.ok(product);
  await open(page, shop.url + product.url);
  await open(page, `${shop.url}/`);
  assert.equal(isLoaded(), false);

  await page.evaluate(() => void (location.hash = "#pocketrank-devtools"));
  const panel = page.getByRole("complementary", { name: "Pocketrank devtools" });
  await panel.getByRole("region", { name: "Slot home-for-you" }).waitFor();
  await panel.locator('details[data-key="Profile"] > summary').click();
  await panel.getByRole("rowheader", { name: product.name }).first().waitFor();
  const [first] = await slate(page, "home-for-you");
  assert.ok(first);
  assert.deepEqual(await violations(page), []);

  // A visitor who never agreed makes the same slate of a link.
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await panel.getByRole("button", { name: "Copy link that replays home-for-you" }).click();
  await panel.getByText("is in the clipboard").waitFor();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  await context.close();
  const other = await browser.newContext();
  const tab = await other.newPage();
  await tab.goto(link);
  await tab.getByText(/Same slate, bit for bit: 12 places/).waitFor();
  await other.close();
});
