/** The states of consent that are looked at, how each comes about, and what may then be held and sent. */
import { until } from "../../tests/js/support/chromium.mjs";
import { open } from "../../tests/js/support/shop.mjs";

/**
 * @typedef {import("playwright-core").Page} Page
 * @typedef {import("playwright-core").BrowserContext} Context
 *
 * @typedef {object} State
 * @property {string} id
 * @property {string} about for people
 * @property {(context: Context) => Promise<unknown>} [signal] what the browser says before the first page
 * @property {"Accept all" | "Only this visit" | "Decline"} [answer] to the shop's question, on the first page
 * @property {(page: Page) => Promise<unknown>} [act] on the first page, where it is no answer to the question
 * @property {(page: Page, context: Context) => Promise<unknown>} [end] takes consent back, between history and path
 * @property {boolean} [leaves] the tab is closed at last: what is left then is looked at
 * @property {boolean} [offline] the Service Worker and what it gives out are left as they are when caches are made equal
 * @property {RegExp[]} holds what may be held, as `kind name`, until it `end`s
 * @property {boolean} knows whether the path's pages may show what the visitor likes
 * @property {boolean} capsule whether the capsule may go along
 */

/** The visitor's choice and profile, and models, which are the same for all; what a page was left with before it was written there. */
const PROFILE = [/^indexedDB pocketrank(-models)?(\/|$)/, /^sessionStorage pocketrank-left$/];
/** For visits without a network: the Service Worker, and the runtime and lists of products that it gives out. */
const OFFLINE = [
  /^serviceWorker http:\/\/[^/]+\/(pocketrank-worker\.js\?\S+)?$/,
  /^cache (pocketrank-[\d.]+ ?)?(http:\/\/[^/]+\/pocketrank\/([\w-]+\.(js|wasm)|candidates\/[\w-]+\.json))?$/,
];
const DEVICE = [...PROFILE, ...OFFLINE];
const CAPSULE = /^cookie __Host-pocketrank$/;
const NOTHING = { holds: [], knows: false, capsule: false };
const SESSION = { holds: [/^sessionStorage pocketrank(-left)?$/], knows: true, capsule: false };
const EVERYTHING = { holds: [...DEVICE, CAPSULE], knows: false, capsule: false };

/** @param {unknown} value of `navigator.globalPrivacyControl` */
const property = (value) => (/** @type {Context} */ context) =>
  context.addInitScript((value) => {
    Object.defineProperty(Navigator.prototype, "globalPrivacyControl", { get: () => value, configurable: true });
  }, value);

/** Header and property, as browsers have it. @param {Context} context */
async function sendGpc(context) {
  await context.setExtraHTTPHeaders({ "Sec-GPC": "1" });
  await property(true)(context);
}

/**
 * Names a source of consent on the script tag, as a shop would, and has it say something.
 * @param {string} name as `data-consent` has it
 * @param {() => void} speak runs in the page before its scripts
 */
const source = (name, speak) => async (/** @type {Context} */ context) => {
  await context.addInitScript((name) => {
    // Module scripts run after the page was read.
    document.addEventListener("readystatechange", () => {
      const script = /** @type {HTMLElement | null} */ (document.querySelector("script[data-manifest]"));
      if (script) script.dataset.consent = name;
    });
  }, name);
  await context.addInitScript(speak);
};

/** A consent platform by TCF that says yes, or no. @param {boolean} yes */
const tcf = (yes) =>
  source(
    "tcf",
    yes
      ? () => Object.assign(window, { __tcfapi: (/** @type {string} */ _, /** @type {number} */ __, /** @type {Function} */ back) => back({ eventStatus: "tcloaded", gdprApplies: true, publisher: { consents: { 1: true, 5: true, 6: true } } }, true) })
      : () => Object.assign(window, { __tcfapi: (/** @type {string} */ _, /** @type {number} */ __, /** @type {Function} */ back) => back({ eventStatus: "useractioncomplete", gdprApplies: true, publisher: { consents: { 1: true } } }, true) }),
  );

const gpp = source("gpp", () => {
  const pingData = { cmpStatus: "loaded", signalStatus: "ready", applicableSections: [7], parsedSections: { usnat: [{ SaleOptOut: 1 }] } };
  Object.assign(window, { __gpp: (/** @type {string} */ _, /** @type {Function} */ back) => back({ eventName: "listenerRegistered", pingData }, true) });
});

const consentMode = source("consent-mode", () => {
  // As gtag has it: the arguments of a call.
  (window.dataLayer ??= []).push({ 0: "consent", 1: "update", 2: { personalization_storage: "denied" } });
});

/** Waits until what was kept is gone, in every tab, for as long as that may take. @param {Context} context */
async function settle(context) {
  for (const page of context.pages()) {
    await until(page, async () => {
      const held = await Promise.all([indexedDB.databases(), caches.keys(), navigator.serviceWorker.getRegistrations()]);
      return (await window.pocketrank)?.mode === "contextual" && held.flat().length === 0;
    }).catch(() => undefined);
  }
}

/** @param {Page} page @param {Context} context */
async function openAnother(page, context) {
  const other = await context.newPage();
  await open(other, page.url());
  await page.bringToFront();
}

/** @type {State[]} */
export const states = [
  { id: "no-choice", about: "the visitor was asked and did not answer", ...NOTHING },
  { id: "denied", about: "the visitor said no", answer: "Decline", ...NOTHING },
  { id: "gpc", about: "the browser sends Global Privacy Control, by header and property", signal: sendGpc, ...NOTHING },
  { id: "gpc-unclear", about: "the browser's Global Privacy Control is neither yes nor no", signal: property("maybe"), ...NOTHING },
  { id: "tcf-refused", about: "the visitor said yes to the shop, and a consent platform says by TCF that they did not", signal: tcf(false), answer: "Accept all", ...NOTHING },
  { id: "gpp-opted-out", about: "the visitor said yes to the shop, and a consent platform says by GPP that they opted out of sale", signal: gpp, answer: "Accept all", ...NOTHING },
  { id: "consent-mode-denied", about: "the visitor said yes to the shop, and Google's Consent Mode denies personalization_storage", signal: consentMode, answer: "Accept all", ...NOTHING },
  { id: "tcf-agreed", about: "the visitor said nothing to the shop, and a consent platform says by TCF that they agreed", signal: tcf(true), ...SESSION },
  {
    id: "session",
    about: "the visitor said yes for this visit",
    answer: "Only this visit",
    leaves: true,
    ...SESSION,
  },
  {
    id: "persistent",
    about: "the visitor said yes to keeping it on the device, and not to the capsule",
    act: (page) => page.evaluate(async () => (await window.pocketrank)?.setConsent({ mode: "persistent" })),
    holds: DEVICE,
    knows: true,
    capsule: false,
  },
  {
    id: "offline",
    about: "the visitor said yes to keeping it on the device, and the Service Worker stands between pages and network, with what each visitor's pages have used",
    act: (page) => page.evaluate(async () => (await window.pocketrank)?.setConsent({ mode: "persistent" })),
    offline: true,
    holds: DEVICE,
    knows: true,
    capsule: false,
  },
  { id: "capsule", about: "the visitor said yes to everything, the capsule too", answer: "Accept all", holds: [...DEVICE, CAPSULE], knows: true, capsule: true },
  {
    id: "withdrawn",
    about: 'the visitor said yes to everything, and then "Forget me", with a second tab open and the Service Worker there',
    answer: "Accept all",
    end: async (page, context) => {
      await openAnother(page, context);
      await page.getByRole("button", { name: "Forget me" }).first().click();
      await settle(context);
    },
    ...EVERYTHING,
  },
  {
    id: "withdrawn-by-no",
    about: "the visitor said yes to everything, and then no, with a second tab open and the Service Worker there",
    answer: "Accept all",
    end: async (page, context) => {
      await openAnother(page, context);
      await page.getByRole("button", { name: "Privacy choices" }).click();
      await page.getByRole("button", { name: "Decline" }).click();
      await settle(context);
    },
    ...EVERYTHING,
  },
  {
    id: "withdrawn-by-gpc",
    about: "the visitor said yes to everything, and then the browser began to send Global Privacy Control, with the Service Worker there",
    answer: "Accept all",
    end: async (page, context) => {
      await sendGpc(context);
      await page.reload();
      await settle(context);
    },
    ...EVERYTHING,
  },
];
