/** What a visitor feels of a page in Chromium: what shifts, what blocks, when the largest part is painted, how long answers to the hand take. */
import { open } from "../../tests/js/support/shop.mjs";

/** @typedef {import("playwright-core").Page} Page */
/**
 * @typedef {object} Felt milliseconds, but for `cls`
 * @property {number} cls https://web.dev/articles/cls, of all shifts that no input explains
 * @property {number} tbt what tasks took beyond 50 ms each, from the beginning of the navigation until the page was still
 * @property {number} lcp
 */
/** @typedef {{ name: string, duration: number }} Answer to an input, until the next paint */

/**
 * Opens a page and waits until it is still.
 * @param {import("playwright-core").BrowserContext} context
 * @param {string} url
 * @param {number} slowdown of the processor
 */
export async function openSlowly(context, url, slowdown) {
  const page = await context.newPage();
  await page.addInitScript(observe);
  const devtools = await context.newCDPSession(page);
  await devtools.send("Network.clearBrowserCache");
  await devtools.send("Emulation.setCPUThrottlingRate", { rate: slowdown });
  await open(page, url);
  await page.waitForLoadState("networkidle");
  await page.waitForTimeout(500);
  return page;
}

/** Runs in the page before its scripts: keeps what the browser measures in `window.felt`. */
function observe() {
  const felt = { shifts: /** @type {number[]} */ ([]), tasks: /** @type {number[]} */ ([]), paints: /** @type {number[]} */ ([]), events: /** @type {object[]} */ ([]) };
  Object.assign(window, { felt });
  /** @param {PerformanceObserverInit & { durationThreshold?: number }} init @param {(entry: any) => void} note */
  const each = (init, note) => new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({ buffered: true, ...init });
  each({ type: "layout-shift" }, ({ value, hadRecentInput }) => void (hadRecentInput || felt.shifts.push(value)));
  each({ type: "longtask" }, ({ duration }) => felt.tasks.push(duration));
  each({ type: "largest-contentful-paint" }, ({ startTime }) => felt.paints.push(startTime));
  each({ type: "event", durationThreshold: 16 }, ({ duration, interactionId }) => void (interactionId && felt.events.push({ duration, interactionId })));
  // A card is clicked and the page stays, so that the answer is seen.
  addEventListener("click", (event) => event.target instanceof Element && event.target.closest("a") && event.preventDefault());
}

/** @param {Page} page @returns {Promise<Felt>} */
export async function read(page) {
  const { shifts, tasks, paints } = await page.evaluate(() => Reflect.get(window, "felt"));
  const sum = (/** @type {number[]} */ list) => list.reduce((total, each) => total + each, 0);
  return { cls: sum(shifts), tbt: sum(tasks.map((/** @type {number} */ task) => Math.max(0, task - 50))), lcp: paints.at(-1) ?? NaN };
}

/** How long an answer may take before anything else is done in the page, in milliseconds. */
const PATIENCE = 400;

/** The worst answer since it was asked last; 0 where none took the 16 ms from which the browser tells. @param {Page} page */
async function worst(page) {
  // Not to look before the answer is painted: looking takes the page's own time.
  await page.waitForTimeout(PATIENCE);
  // Two frames on the paint is done, and a task after that the observer has been told.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50)))));
  return page.evaluate(() => {
    const { events } = Reflect.get(window, "felt");
    return events.splice(0).reduce((/** @type {number} */ most, /** @type {{ duration: number }} */ { duration }) => Math.max(most, duration), 0);
  });
}

/**
 * What a hand does on the landing page. Of the page without the script there is less to do.
 * @type {{ name: string, on: string, at?: number, needsScript: boolean, then?: (page: Page) => Promise<unknown> }[]}
 */
const ACTS = [
  ...[0, 1, 2].map((at) => ({ name: "card", on: '[data-pocketrank-slot="home-for-you"] .pr-link', at, needsScript: false })),
  ...[0, 1, 2].map((at) => ({ name: "step", on: '.pr-step[data-step="1"]', at: at % 2, needsScript: true })),
  ...[0, 1].map((at) => ({
    name: "why",
    on: '[data-pocketrank-slot="home-trending"] .pr-why-button',
    at,
    needsScript: true,
    then: async (/** @type {Page} */ page) => {
      await page.locator(".pr-why").waitFor();
      await page.keyboard.press("Escape");
    },
  })),
  { name: "consent", on: '.foot [data-shop="ask"]', needsScript: true },
  { name: "consent", on: ".consent-choices button >> nth=1", needsScript: true },
  { name: "card", on: '[data-pocketrank-slot="home-trending"] .pr-link', at: 1, needsScript: false },
  { name: "consent", on: '.foot [data-shop="ask"]', needsScript: true },
  { name: "consent", on: ".consent-choices button >> nth=0", needsScript: true },
  { name: "forget", on: '.foot [data-shop="forget"]', needsScript: true },
];

/**
 * Does it all, by a real pointer.
 * @param {Page} page
 * @param {boolean} hasScript
 * @returns {Promise<Answer[]>}
 */
export async function act(page, hasScript) {
  /** @type {Answer[]} */
  const answers = [];
  await worst(page);
  for (const { name, on, at = 0, needsScript, then } of ACTS) {
    if (needsScript && !hasScript) continue;
    const target = page.locator(on).nth(at);
    // Where fingers move a shelf it has no steps.
    if (name === "step" && !(await target.isVisible())) continue;
    await target.evaluate((element) => element.scrollIntoView({ block: "center", inline: "nearest", behavior: "instant" }));
    await page.waitForTimeout(100);
    // Waits until it stands still and nothing is over it.
    await target.hover();
    await page.waitForTimeout(100);
    const box = await target.boundingBox();
    if (!box) throw new Error(`${on}: there is none to click`);
    // By the pointer alone: a locator's click looks about in the page meanwhile.
    await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
    await page.waitForTimeout(PATIENCE);
    await then?.(page);
    answers.push({ name, duration: await worst(page) });
  }
  return answers;
}
