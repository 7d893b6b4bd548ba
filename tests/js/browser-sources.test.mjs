/** Sources of consent in Chromium: what a TCF platform, a GPP platform and Google's Consent Mode say, what follows from it, and when. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { enter, launchChromium, readStorage, until } from "./support/chromium.mjs";
import { mode, record, servePage, setConsent } from "./support/device.mjs";
import { share } from "./support/share.mjs";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("playwright-core").BrowserContext} Context */

const [browser, site] = await share(launchChromium(), servePage());

/** A page's consent platform, which says what a test has it say: to each listener, and to those that come later. */
function platform() {
  const page = /** @type {any} */ (window);
  /** @type {Record<string, { listeners: ((...said: unknown[]) => void)[], said: unknown[] }>} */
  const platforms = {};
  for (const name of ["__tcfapi", "__gpp"]) {
    /** @type {{ listeners: ((...said: unknown[]) => void)[], said: unknown[] }} */
    const own = (platforms[name] = { listeners: [], said: [{}, true] });
    page[name] = (/** @type {string} */ command, /** @type {any} */ version, /** @type {any} */ back) => {
      const listener = typeof version === "function" ? version : back;
      if (command === "getSection") return listener({ Version: 1, SaleOptOut: 1 });
      own.listeners.push(listener);
      listener(...own.said);
    };
  }
  platforms.__gpp?.said.splice(0, 1, { pingData: { cmpStatus: "stub", signalStatus: "not ready" } });
  page.say = (/** @type {string} */ name, /** @type {unknown} */ data, success = true) => {
    const own = platforms[name];
    own?.said.splice(0, 2, data, success);
    own?.listeners.forEach((listener) => listener(data, success));
  };
  page.gtag = function () {
    // As Google's own: entries are lists of arguments.
    (window.dataLayer ??= []).push(arguments);
  };
}

/**
 * A new visitor on a page with these attributes.
 * @param {string} attributes
 */
function visit(attributes) {
  return enter(browser, `${site.url}/?${attributes}`, { before: platform });
}

/** @param {Page} page @param {"__tcfapi" | "__gpp"} name @param {unknown} data @param {boolean} [success] */
async function say(page, name, data, success = true) {
  await page.evaluate(() => window.pocketrank);
  await page.evaluate((args) => /** @type {any} */ (window).say(...args), [name, data, success]);
}

/** @param {Page} page @param {unknown[]} command */
async function gtag(page, ...command) {
  await page.evaluate(() => window.pocketrank);
  await page.evaluate((args) => /** @type {any} */ (window).gtag(...args), command);
}

/** @param {Page} page @param {string} expected */
async function untilMode(page, expected) {
  await until(page, async (wanted) => (await window.pocketrank)?.mode === wanted, expected);
}

/** @param {Page} page */
async function sources(page) {
  return page.evaluate(async () => (await (await window.pocketrank)?.export())?.sources);
}

const consents = (/** @type {number[]} */ numbers) => Object.fromEntries(numbers.map((number) => [number, true]));
/** @param {string} eventStatus @param {number[]} purposes @param {object} [more] */
const tcf = (eventStatus, purposes, more) => ({
  cmpStatus: "loaded",
  gdprApplies: true,
  eventStatus,
  purpose: { consents: consents(purposes) },
  vendor: { consents: { 755: true } },
  publisher: { consents: consents(purposes) },
  ...more,
});
/** @param {object} said */
const gpp = (said) => ({ eventName: "signalStatus", pingData: { cmpStatus: "loaded", signalStatus: "ready", ...said } });

describe("TCF", () => {
  for (const [what, attributes, data, success, expected] of /** @type {[string, string, unknown, boolean, string][]} */ ([
    ["the page's own purposes are allowed", "", tcf("tcloaded", [1, 5, 6]), true, "yes"],
    ["one of the purposes is not allowed", "", tcf("tcloaded", [1, 5]), true, "no"],
    ["the vendor and its purposes are allowed", "&tcf-vendor=755", tcf("useractioncomplete", [1, 5, 6]), true, "yes"],
    ["another vendor is allowed", "&tcf-vendor=7", tcf("useractioncomplete", [1, 5, 6]), true, "no"],
    ["the purposes that the shop names are allowed", "&tcf-purposes=1+8", tcf("tcloaded", [1, 8]), true, "yes"],
    ["the visitor is being asked", "", tcf("cmpuishown", [1, 5, 6]), true, "not yet"],
    ["GDPR does not apply", "", tcf("tcloaded", [], { gdprApplies: false }), true, "does not apply"],
    ["the platform has an error", "", tcf("tcloaded", [1, 5, 6], { cmpStatus: "error" }), true, "no"],
    ["the platform could not register the listener", "", tcf("tcloaded", [1, 5, 6]), false, "no"],
    ["what it says is no object", "", "tcloaded", true, "no"],
    ["consents are missing", "", { cmpStatus: "loaded", eventStatus: "tcloaded", gdprApplies: true }, true, "no"],
  ])) {
    it(`is heard as ${expected} where ${what}`, async () => {
      const { page, close } = await visit(`consent=tcf${attributes}`);
      await say(page, "__tcfapi", data, success);
      assert.deepEqual(await sources(page), { tcf: expected });
      await untilMode(page, expected === "yes" ? "session" : "contextual");
      await close();
    });
  }

  it("begins to keep a profile at once after a yes, as long as the shop says, and erases it at once after a no, in every tab", async () => {
    const { page, context, close } = await visit("consent=tcf&consent-grants=persistent");
    assert.deepEqual(await readStorage(page), {});
    const other = await context.newPage();
    await other.goto(page.url());
    assert.equal(await mode(other), "contextual");
    await say(page, "__tcfapi", tcf("useractioncomplete", [1, 5, 6]));
    for (const tab of [page, other]) await untilMode(tab, "persistent");
    await record(page, "view_item", ["sku-1"]);
    assert.deepEqual(await readStorage(page), { indexedDB: ["pocketrank"] });
    await say(page, "__tcfapi", tcf("useractioncomplete", []));
    for (const tab of [page, other]) {
      await untilMode(tab, "contextual");
      await until(tab, async () => (await indexedDB.databases()).length === 0);
      assert.deepEqual(await readStorage(tab), {});
    }
    await close();
  });

  it("keeps what is kept, and reads nothing of it, until the platform has answered on the next page", async () => {
    const { page, close } = await visit("consent=tcf&consent-grants=persistent");
    await say(page, "__tcfapi", tcf("tcloaded", [1, 5, 6]));
    await untilMode(page, "persistent");
    await record(page, "view_item", ["sku-1"]);
    await page.reload();
    const before = await page.evaluate(async () => [(await window.pocketrank)?.mode, (await window.pocketrank)?.profile.length]);
    assert.deepEqual(before, ["contextual", 0]);
    await say(page, "__tcfapi", tcf("tcloaded", [1, 5, 6]));
    await untilMode(page, "persistent");
    await until(page, async () => (await window.pocketrank)?.profile.length === 1);
    await page.reload();
    await say(page, "__tcfapi", tcf("tcloaded", []));
    await until(page, async () => (await indexedDB.databases()).length === 0);
    await close();
  });

  it("finds a platform that a tag manager loads later", async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${site.url}/?consent=tcf`);
    assert.equal(await mode(page), "contextual");
    await page.evaluate(platform);
    await say(page, "__tcfapi", tcf("tcloaded", [1, 5, 6]));
    await untilMode(page, "session");
    await context.close();
  });

  it("holds nothing after erase(), although the platform has a yes, until it has something new to say", async () => {
    const { page, close } = await visit("consent=tcf");
    await say(page, "__tcfapi", tcf("tcloaded", [1, 5, 6]));
    await untilMode(page, "session");
    await page.evaluate(async () => (await window.pocketrank)?.erase());
    await say(page, "__tcfapi", tcf("tcloaded", [1, 5, 6]));
    await record(page, "view_item", ["sku-1"]);
    assert.deepEqual(await readStorage(page), {});
    await say(page, "__tcfapi", tcf("useractioncomplete", []));
    await say(page, "__tcfapi", tcf("useractioncomplete", [1, 5, 6]));
    await untilMode(page, "session");
    await close();
  });
});

describe("export()", () => {
  it("says that something is kept which was not read, while a source has yet to speak, and tells it once that has", async () => {
    const { page, close } = await visit("consent=tcf&consent-grants=persistent");
    const told = async () => {
      const kept = await page.evaluate(async () => (await window.pocketrank)?.export());
      return { unread: kept?.unread, events: kept?.events.length, sources: kept?.sources };
    };
    assert.deepEqual(await told(), { unread: false, events: 0, sources: { tcf: "not yet" } });
    await say(page, "__tcfapi", tcf("tcloaded", [1, 5, 6]));
    await untilMode(page, "persistent");
    await record(page, "view_item", ["sku-1"]);
    assert.deepEqual(await told(), { unread: false, events: 1, sources: { tcf: "yes" } });
    await page.reload();
    assert.deepEqual(await told(), { unread: true, events: 0, sources: { tcf: "not yet" } });
    await say(page, "__tcfapi", tcf("tcloaded", [1, 5, 6]));
    await untilMode(page, "persistent");
    assert.deepEqual(await told(), { unread: false, events: 1, sources: { tcf: "yes" } });
    await close();
  });
});

describe("GPP", () => {
  const us = (/** @type {object} */ section) => ({ applicableSections: [7], parsedSections: { usnat: [{ Version: 1, ...section }] } });
  for (const [what, said, expected] of /** @type {[string, object, string][]} */ ([
    ["nothing is opted out of", us({ SaleOptOut: 2, SharingOptOut: 2, TargetedAdvertisingOptOut: 2 }), "does not apply"],
    ["sale is opted out of", us({ SaleOptOut: 1, SharingOptOut: 2 }), "no"],
    ["sharing is opted out of", us({ SharingOptOut: 1 }), "no"],
    ["targeted advertising is opted out of", us({ TargetedAdvertisingOptOut: 1 }), "no"],
    ["the section repeats Global Privacy Control", { applicableSections: [8], parsedSections: { usca: [{}, { Gpc: true }] } }, "no"],
    ["the section has to be asked for", { applicableSections: [7], supportedAPIs: ["2:tcfeuv2", "7:usnat"] }, "no"],
    ["no section applies", { applicableSections: [-1] }, "does not apply"],
    ["only the European section applies", { applicableSections: [2] }, "does not apply"],
    ["an applicable section does not show", { applicableSections: [7], parsedSections: {} }, "no"],
    ["sections are missing", {}, "no"],
    ["the platform has an error", { cmpStatus: "error" }, "no"],
    ["the signal is not ready", { signalStatus: "not ready" }, "not yet"],
  ])) {
    it(`is heard as ${expected} where ${what}`, async () => {
      const { page, close } = await visit("consent=gpp");
      await say(page, "__gpp", gpp(said));
      assert.deepEqual(await sources(page), { gpp: expected });
      await setConsent(page, { mode: "session" });
      assert.equal(await mode(page), expected === "does not apply" ? "session" : "contextual");
      await close();
    });
  }
});

describe("Google's Consent Mode", () => {
  for (const [what, commands, expected] of /** @type {[string, unknown[][], string][]} */ ([
    ["nothing was said", [], "not yet"],
    ["only a default was said", [["consent", "default", { personalization_storage: "granted" }]], "not yet"],
    ["an update grants", [["consent", "default", { personalization_storage: "denied" }], ["consent", "update", { personalization_storage: "granted" }]], "yes"],
    ["an update denies", [["consent", "update", { personalization_storage: "denied" }]], "no"],
    ["an update says what is neither", [["consent", "update", { personalization_storage: "maybe" }]], "no"],
    ["an update is no object", [["consent", "update"]], "no"],
    ["an update is about something else", [["consent", "update", { ad_storage: "granted" }]], "not yet"],
    ["an update grants for some regions", [["consent", "update", { personalization_storage: "granted", region: ["US"] }]], "not yet"],
    ["an update denies for some regions", [["consent", "update", { personalization_storage: "denied", region: ["FR"] }]], "no"],
  ])) {
    it(`is heard as ${expected} where ${what}`, async () => {
      const { page, close } = await visit("consent=consent-mode");
      for (const command of commands) await gtag(page, ...command);
      assert.deepEqual(await sources(page), { "consent-mode": expected });
      await untilMode(page, expected === "yes" ? "session" : "contextual");
      await close();
    });
  }

  it("hears what was said before the script came", async () => {
    const context = await browser.newContext();
    await context.addInitScript(() => {
      window.dataLayer = [{ 0: "consent", 1: "update", 2: { personalization_storage: "granted" } }];
    });
    const page = await context.newPage();
    await page.goto(`${site.url}/?consent=consent-mode`);
    assert.equal(await mode(page), "session");
    await context.close();
  });

  it("listens to the data layer that the shop names", async () => {
    const { page, close } = await visit("consent=consent-mode&layer=shopLayer");
    await page.evaluate(() => window.pocketrank);
    await page.evaluate(() => /** @type {any} */ (window).shopLayer.push({ 0: "consent", 1: "update", 2: { personalization_storage: "granted" } }));
    await untilMode(page, "session");
    await close();
  });
});

describe("several sources", () => {
  it("must all allow, where they apply", async () => {
    const { page, close } = await visit("consent=tcf+gpp+consent-mode");
    await say(page, "__tcfapi", tcf("tcloaded", [1, 5, 6]));
    await say(page, "__gpp", gpp({ applicableSections: [2] }));
    assert.equal(await mode(page), "contextual");
    await gtag(page, "consent", "update", { personalization_storage: "granted" });
    await untilMode(page, "session");
    await gtag(page, "consent", "update", { personalization_storage: "denied" });
    await untilMode(page, "contextual");
    assert.deepEqual(await readStorage(page), {});
    await close();
  });

  it("hold a choice of the visitor's until the last has answered", async () => {
    const { page, close } = await visit("consent=tcf");
    await setConsent(page, { mode: "persistent" });
    assert.deepEqual([await mode(page), await readStorage(page)], ["contextual", {}]);
    await say(page, "__tcfapi", tcf("useractioncomplete", [1, 5, 6]));
    await untilMode(page, "persistent");
    await close();
  });

  it("allow nothing against Global Privacy Control", async () => {
    const { page, context, close } = await visit("consent=tcf");
    await context.addInitScript(() => Object.defineProperty(Navigator.prototype, "globalPrivacyControl", { get: () => true }));
    await page.reload();
    await say(page, "__tcfapi", tcf("tcloaded", [1, 5, 6]));
    assert.deepEqual([await mode(page), await sources(page)], ["contextual", { tcf: "yes" }]);
    assert.deepEqual(await readStorage(page), {});
    await close();
  });
});

for (const [attributes, named] of [
  ["consent=tcf+iab", "data-consent"],
  ["consent=", "data-consent"],
  ["consent=tcf&tcf-vendor=quantcast", "data-tcf-vendor"],
  ["consent=tcf&tcf-purposes=1+12", "data-tcf-purposes"],
  ["consent=tcf&consent-grants=forever", "data-consent-grants"],
]) {
  it(`names the attribute that is wrong in ${attributes}`, async () => {
    const { page, close } = await visit(String(attributes));
    const error = await page.evaluate(() => window.pocketrank?.then(() => undefined, ({ code, message }) => `${code} ${message}`));
    assert.match(String(error), new RegExp(`^invalid_option .*\`${named}\` must be`));
    await close();
  });
}
