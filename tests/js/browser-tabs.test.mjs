/** Many tabs of one visitor in Chromium, and tabs that die: no event is lost that another tab, or a moment, could have kept. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { init, itemHash } from "../../dist/npm/node.js";
import { launchChromium, until } from "./support/chromium.mjs";
import { items, mode, record, servePage, setConsent } from "./support/device.mjs";
import { share } from "./support/share.mjs";

/** @typedef {import("playwright-core").Page} Page */

const TABS = 20;
const SECONDS = 10;
/** The most that a killed tab may lose, in milliseconds. */
const LOST = 100;

const [browser, site] = await share(launchChromium(), servePage(), init());

/**
 * A visitor with tabs that all record these items at once for some seconds.
 * @param {string[][]} ids by tab
 */
async function recordAtOnce(ids) {
  const context = await browser.newContext();
  const first = await context.newPage();
  await first.goto(`${site.url}/`);
  await setConsent(first, { mode: "persistent" });
  const tabs = await Promise.all(
    ids.map(async () => {
      const tab = await context.newPage();
      await tab.goto(`${site.url}/`);
      assert.equal(await mode(tab), "persistent");
      return tab;
    }),
  );
  await Promise.all(
    tabs.map((tab, at) =>
      tab.evaluate(
        async ([ids, milliseconds]) => {
          const pocketrank = await window.pocketrank;
          // Two at a time, the second before the first is written.
          for (let at = 0; at < ids.length; at += 2) {
            await Promise.all(ids.slice(at, at + 2).map((id) => pocketrank?.record("view_item", [id])));
            await new Promise((resolve) => setTimeout(resolve, (2 * milliseconds) / ids.length));
          }
        },
        /** @type {const} */ ([ids[at] ?? [], SECONDS * 1000]),
      ),
    ),
  );
  const late = await context.newPage();
  await late.goto(`${site.url}/`);
  return { tabs: [first, ...tabs], late, close: () => context.close() };
}

describe(`${TABS} tabs that record at once for ${SECONDS} s`, { concurrency: true }, () => {
  it("lose no event, each of another item", async () => {
    const ids = Array.from({ length: TABS }, (_, tab) => Array.from({ length: 12 }, (_, at) => `sku-${tab}-${at}`));
    const { tabs, late, close } = await recordAtOnce(ids);
    const all = ids.flat().map(itemHash).sort();
    assert.deepEqual(await items(late), all);
    // Those that are open have heard of all.
    for (const tab of tabs) await until(tab, async (count) => (await window.pocketrank)?.profile.length === count, all.length);
    await close();
  });

  it("have every event counted where there are more than a profile has room for", async () => {
    const ids = Array.from({ length: TABS }, () => Array.from({ length: 60 }, (_, at) => `sku-${at % 30}`));
    const { late, close } = await recordAtOnce(ids);
    /** @type {Record<string, number>} */
    const counts = {};
    const { events = [], aggregates = [] } = (await late.evaluate(async () => (await window.pocketrank)?.export())) ?? {};
    for (const { item } of events) counts[item] = (counts[item] ?? 0) + 1;
    for (const { item, count } of aggregates) counts[item] = (counts[item] ?? 0) + count;
    assert.equal(events.length, 256);
    assert.deepEqual(counts, Object.fromEntries(Array.from({ length: 30 }, (_, at) => [itemHash(`sku-${at}`), TABS * 2])));
    await close();
  });
});

it(`loses at most the last ${LOST} ms of a tab that is killed`, async (test) => {
  // Its own, for all of its tabs are killed.
  const browser = await launchChromium();
  const context = await browser.newContext();
  const page = await context.newPage();
  /** What the page has recorded, and whether it is written, as far as it has told. @type {Map<string, { at: number, isWritten: boolean }>} */
  const told = new Map();
  await page.exposeFunction("tell", (/** @type {string} */ id, /** @type {number} */ at, /** @type {boolean} */ isWritten) => void told.set(id, { at, isWritten }));
  /** When the last began of the bare writes that are done: what a machine as busy as this one has written. */
  let reached = 0;
  await page.exposeFunction("reach", (/** @type {number} */ at) => void (reached = at));
  await page.goto(`${site.url}/`);
  await setConsent(page, { mode: "persistent" });
  void page
    .evaluate(async () => {
      const pocketrank = await window.pocketrank;
      const { tell, reach } = /** @type {any} */ (window);
      const pause = () => new Promise((resolve) => setTimeout(resolve, 15));
      const record = async () => {
        for (let number = 0; number < 240; number += 1) {
          const [id, at] = [`sku-${number}`, Date.now()];
          void pocketrank?.record("view_item", [id]).then(() => tell(id, at, true));
          void tell(id, at, false);
          await pause();
        }
      };
      /** @type {IDBDatabase} */
      const bare = await new Promise((resolve) => {
        const request = indexedDB.open("bare");
        request.onupgradeneeded = () => void request.result.createObjectStore("bare");
        request.onsuccess = () => resolve(request.result);
      });
      const write = () =>
        new Promise((resolve) => {
          const transaction = bare.transaction("bare", "readwrite");
          transaction.objectStore("bare").put(new Uint8Array(4_000), "bare");
          transaction.oncomplete = resolve;
        });
      void record();
      for (;;) {
        const at = Date.now();
        await navigator.locks.request("bare", write);
        reach(at);
        await pause();
      }
    })
    .catch(() => undefined);
  while (told.size < 100 || reached === 0) await sleep(5);
  const devtools = await browser.newBrowserCDPSession();
  const { processInfo } = await devtools.send("SystemInfo.getProcessInfo");
  const renderers = processInfo.filter(({ type }) => type === "renderer");
  assert.ok(renderers.length > 0);
  for (const { id } of renderers) process.kill(id, "SIGKILL");
  await new Promise((resolve) => (page.isClosed() ? resolve(undefined) : page.once("crash", resolve)));
  const next = await context.newPage();
  await next.goto(`${site.url}/`);
  const kept = new Set(await items(next));
  const lost = [...told].filter(([id]) => !kept.has(itemHash(id))).map(([, event]) => event);
  assert.deepEqual(lost.filter(({ isWritten }) => isWritten), [], "what record() has said to be written is there");
  const oldest = Math.max(0, ...lost.map(({ at }) => reached - at));
  test.diagnostic(`${kept.size} events kept, ${lost.length} lost of which the page had told, the oldest ${oldest} ms before what a bare write reached`);
  assert.ok(oldest <= LOST, `${oldest} ms`);
  // The next page goes on from there.
  await record(next, "view_item", ["sku-next"]);
  assert.equal((await items(next)).length, kept.size + 1);
  await browser.close();
});
