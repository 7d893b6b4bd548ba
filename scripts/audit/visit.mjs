/**
 * A scripted visit in one state of consent: a history of its own first, then, with caches made equal, a path that is the same for everyone.
 * What was sent, written, told and held is kept for each part.
 */
import { until } from "../../tests/js/support/chromium.mjs";
import { answer, open } from "../../tests/js/support/shop.mjs";
import { readHeld } from "./held.mjs";
import { openJournal } from "./journal.mjs";
import { openWire } from "./wire.mjs";

/**
 * @typedef {import("playwright-core").Page} Page
 * @typedef {import("playwright-core").BrowserContext} Context
 * @typedef {{ id: string, url: string, category_slug: string }} Product
 *
 * @typedef {object} Part of a visit
 * @property {string[]} pages
 * @property {import("./wire.mjs").Sent[]} sent
 * @property {import("./journal.mjs").Entry[]} entries
 * @property {import("./held.mjs").Held[]} held at its end
 *
 * @typedef {object} Visit
 * @property {Part} history
 * @property {import("./held.mjs").Held[] | undefined} ended held once consent had ended
 * @property {Pick<Part, "sent" | "entries">} ending while it ended
 * @property {Pick<Part, "sent" | "entries">} between after that, while caches were made equal
 * @property {Part} path up to the end of its last page
 * @property {import("./held.mjs").Held[] | undefined} left held in a new tab, once those of the visit were closed
 * @property {string[]} cards the items that the path showed
 * @property {string[]} given cookies that the shop sent
 *
 * @typedef {object} Place where and by what is visited
 * @property {import("playwright-core").Browser} browser
 * @property {string} shop origin
 * @property {(context: Context) => Promise<unknown>} [sabotage] makes the shop leak, to see that it is seen
 *
 * @typedef {object} Plan
 * @property {Product[]} history what this visitor looks at first
 * @property {string[]} path addresses that every visitor opens then
 */

/**
 * @param {Place} place
 * @param {import("./states.mjs").State} state
 * @param {Plan} plan
 * @returns {Promise<Visit>}
 */
export async function visit({ browser, shop, sabotage }, state, plan) {
  const wire = await openWire(shop);
  const options = { viewport: { width: 1280, height: 1000 }, bypassCSP: sabotage !== undefined };
  const context = await browser.newContext({ ...options, proxy: { server: wire.server, bypass: "<-loopback>" } });
  try {
    const journal = await openJournal(context);
    await state.signal?.(context);
    await sabotage?.(context);
    const page = await context.newPage();
    let [sent, told] = [0, 0];
    /** What was seen since it was asked last, so that nothing is between the parts. */
    const seen = () => {
      const since = { sent: wire.sent.slice(sent), entries: journal.slice(told) };
      [sent, told] = [wire.sent.length, journal.length];
      return since;
    };
    /** @param {(go: (path: string) => Promise<void>) => Promise<unknown>} act */
    const part = async (act) => {
      const pages = /** @type {string[]} */ ([]);
      await act(async (path) => {
        pages.push(path);
        await open(page, shop + path);
        await offline(page);
      });
      await wire.quiet();
      return { pages, held: await readHeld(context, shop) };
    };
    const history = { ...(await part((go) => makeHistory(page, go, state, plan.history))), ...seen() };
    await state.end?.(page, context);
    await wire.quiet();
    const ended = state.end ? await readHeld(context, shop) : undefined;
    const ending = seen();
    await equalize(page, state.offline);
    await wire.quiet();
    const between = seen();
    /** @type {string[]} */
    const cards = [];
    const walked = await part((go) => walk(page, go, wire.quiet, plan.path, cards));
    const left = state.leaves ? await leave(page, context, shop) : undefined;
    for (const each of context.pages()) await each.goto("about:blank");
    await wire.quiet();
    const path = { ...walked, ...seen() };
    return { history, ended, ending, between, path, left, cards, given: wire.given };
  } finally {
    await context.close();
    wire.stop();
  }
}

/**
 * Answers as the state has it, and shows a taste in every way that the shop knows.
 * @param {Page} page @param {(path: string) => Promise<void>} go
 * @param {import("./states.mjs").State} state @param {Product[]} products
 */
async function makeHistory(page, go, state, products) {
  await go("/");
  if (state.answer) await answer(page, state.answer);
  await state.act?.(page);
  for (const { url, id } of products) {
    await go(url);
    await tell(page, id, ["add_to_cart", "purchase"]);
  }
  const [first] = products;
  if (!first) return;
  // A click on a card, which a reader of the shop makes.
  await go(`/category/${first.category_slug}`);
  await page.locator("[data-pocketrank-slot] .pr-link").first().click();
  await page.waitForURL(/\/product\//);
}

/**
 * Says to `dataLayer`, as a shop does, what was done with an item, and turns it down by the script's own call.
 * @param {Page} page @param {string} id @param {string[]} events
 */
function tell(page, id, events) {
  return page.evaluate(
    async ({ id, events }) => {
      for (const event of events) (window.dataLayer ??= []).push({ event, ecommerce: { items: [{ item_id: id }] } });
      await (await window.pocketrank)?.record("add_to_wishlist", [id]);
    },
    { id, events },
  );
}

/** The same for all: every page, with a reason asked for, a shelf moved on, the end of the page reached. */
async function walk(
  /** @type {Page} */ page,
  /** @type {(path: string) => Promise<void>} */ go,
  /** @type {() => Promise<void>} */ quiet,
  /** @type {string[]} */ path,
  /** @type {string[]} */ cards,
) {
  for (const each of path) {
    await go(each);
    await loadPictures(page);
    // What waits for the page to have time is asked for before the page is left, however busy the machine.
    await page.evaluate(() => new Promise((done) => requestIdleCallback(done)));
    await quiet();
    cards.push(...(await page.locator("[data-item]").evaluateAll((all) => all.map((card) => card.getAttribute("data-item") ?? ""))));
    const why = page.locator(".pr-why-button").first();
    if ((await why.count()) === 0) continue;
    await why.click();
    await page.locator(".pr-why").waitFor();
    await page.keyboard.press("Escape");
    // The first shelf that has more than it shows.
    const step = page.locator('.pr-step[data-step="1"]:not([aria-disabled="true"])').first();
    if (await step.isVisible()) await step.click();
    await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight));
    await loadPictures(page);
    await quiet();
  }
  // What the visitor's own hand can do with what is kept.
  await page.evaluate(async () => void (await (await window.pocketrank)?.export()));
}

/** Has all pictures load: which of them come near enough to do so by themselves follows from time. @param {Page} page */
function loadPictures(page) {
  return page.evaluate(async () => {
    for (const image of document.images) image.loading = "eager";
    await Promise.allSettled([...document.images].map((image) => image.decode()));
  });
}

/** Waits for the Service Worker, where one is to come: what a page asks for then does not hang on how soon it was left. @param {Page} page */
function offline(page) {
  return until(page, async () => {
    const { mode } = (await window.pocketrank) ?? {};
    return mode !== "persistent" || (await navigator.serviceWorker.getRegistrations()).some(({ active }) => active);
  });
}

/**
 * Makes the caches of visitors equal, models included, whatever they visited before: all are empty, and fill by what is asked for from then on.
 * @param {Page} page @param {boolean} [keeps] leaves what is for visits without a network
 */
async function equalize(page, keeps = false) {
  await open(page, new URL("/cart", page.url()).href);
  const { origin } = new URL(page.url());
  await page.evaluate(async () => {
    for (const { name = "" } of await indexedDB.databases()) {
      if (!name.endsWith("-models")) continue;
      await new Promise((resolve, reject) => {
        const request = indexedDB.deleteDatabase(name);
        request.onsuccess = resolve;
        request.onerror = reject;
      });
    }
  });
  await page.goto("about:blank");
  const devtools = await page.context().newCDPSession(page);
  // Not by the page: what it unregisters stays until the page has gone, or comes back with the next.
  if (!keeps) await devtools.send("Storage.clearDataForOrigin", { origin, storageTypes: "service_workers,cache_storage" });
  await devtools.send("Network.clearBrowserCache");
}

/** Closes the tabs of the visit, and looks what a new one finds. */
async function leave(/** @type {Page} */ page, /** @type {Context} */ context, /** @type {string} */ shop) {
  const next = await context.newPage();
  await page.close();
  await open(next, shop);
  return readHeld(context, shop);
}
