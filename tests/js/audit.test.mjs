/** The privacy audit in short: that each state of consent is as it should be, and that a shop which leaks is found out. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { look, openShop, readPlans, tellsUpstream } from "../../scripts/audit/audit.mjs";
import { states } from "../../scripts/audit/states.mjs";
import { launchChromium } from "./support/chromium.mjs";
import { share } from "./support/share.mjs";

/** @typedef {import("../../scripts/audit/verdict.mjs").Verdict} Verdict */

const { path, tastes: [one, two], images } = readPlans();
/** A few pages, and the last product of each taste. */
const plans = { path: [path[0] ?? "/", path[2] ?? "/cart"], tastes: /** @type {const} */ ([one.slice(-1), two.slice(-1)]), images };

/** The others, which resemble these, are left to the audit itself. */
const SOME = new Set(["no-choice", "denied", "gpc", "gpp-opted-out", "session", "offline", "capsule", "withdrawn"]);

/** A Service Worker that asks with what pages told it. */
const worker = `
  let last = "";
  addEventListener("message", ({ data }) => (last = data));
  addEventListener("install", () => skipWaiting());
  addEventListener("activate", (event) => event.waitUntil(clients.claim()));
  addEventListener("fetch", () => void fetch("/?by-service-worker=" + last));`;

const [browser, shop] = await share(launchChromium(), openShop({ "/leak.js": { type: "text/javascript", body: worker } }));

/** @param {string} id @param {(context: import("playwright-core").BrowserContext) => Promise<unknown>} [sabotage] */
function audit(id, sabotage) {
  const state = states.find((state) => state.id === id);
  assert.ok(state, id);
  return look({ browser, shop: shop.url, sabotage }, state, plans);
}

describe("every state of consent is as it should be", { concurrency: 2 }, () => {
  for (const { id, about } of states.filter(({ id }) => SOME.has(id))) {
    it(`${id}: ${about}`, async () => {
      const { rows, findings } = await audit(id);
      assert.deepEqual(findings, []);
      assert.ok(rows.length > 1);
      for (const { id, value } of rows) assert.equal(value, 0, id);
    });
  }
});

it("the shop's own server sees no cookie in any of them", () => {
  assert.ok(shop.asked.length > 100);
  assert.deepEqual(tellsUpstream(shop.asked), []);
});

/** Runs in each page of a shop that leaks: `window.name` remembers the last product from page to page. */
function leak() {
  const { pathname, host } = location;
  if (!host || window !== top) return;
  if (pathname.startsWith("/product/")) window.name ||= pathname.slice(-5);
  const last = window.name;
  if (!last) return;
  localStorage.setItem("leak-kept", last);
  localStorage["leak-by-property"] = last;
  delete localStorage["leak-by-property"];
  sessionStorage.setItem("leak-erased", last);
  sessionStorage.removeItem("leak-erased");
  document.cookie = `leak=${last}`;
  document.cookie = "leak-erased=max-age=0";
  document.cookie = "leak-erased=; max-age=0";
  void fetch(`/?by-query=${last}`);
  void fetch("/by-header.json", { headers: { "x-leak": last } });
  void fetch("/by-body", { method: "POST", body: last, keepalive: true });
  // By how often.
  for (let times = 0; times < 4 && last > "p0100"; times += 1) void fetch("/by-count.json", { cache: "reload" });
  new Image().src = `/by-picture.gif?${last}`;
  navigator.sendBeacon("http://collector.example/beacon", last);
  void fetch("https://collector.example/").catch(() => undefined);
  new BroadcastChannel("leak").postMessage(last);
  const source = `fetch("${location.origin}/by-worker?${last}")`;
  new Worker(URL.createObjectURL(new Blob([source])));
  indexedDB.open("leak-database");
  void caches.open("leak-cache").then((cache) => cache.put("/leak-cached", new Response(last)));
  void navigator.storage.getDirectory().then((folder) => folder.getFileHandle("leak-file", { create: true }));
  history.replaceState({ leak: last }, "");
  new RTCPeerConnection({ iceServers: [] });
  addEventListener("load", () => document.head.append(Object.assign(document.createElement("link"), { rel: "dns-prefetch", href: `//${last}.collector.example` })));
  // When the visitor does something, and nobody else is there to compare with.
  const push = (window.dataLayer ??= []).push;
  window.dataLayer.push = function (/** @type {any[]} */ ...entries) {
    if (entries[0]?.event === "purchase") {
      void fetch(`/hit/${last}.json`);
      void fetch("/assets/none.json", { headers: { "x-hit": last } });
      void fetch(pathname);
    }
    return push.apply(this, entries);
  };
  void navigator.serviceWorker.register("/leak.js").then(async () => {
    (await navigator.serviceWorker.ready).active?.postMessage(last);
  });
}

describe("a shop that leaks is found out", () => {
  /** @type {Verdict} */
  let verdict;
  before(async () => {
    verdict = await audit("no-choice", (context) => context.addInitScript(leak));
  });
  for (const [what, finding] of /** @type {[string, RegExp][]} */ ([
    ["what it keeps in localStorage", /^held: localStorage "leak-kept"/],
    ["what it writes and erases at once", /^written: sessionStorage "leak-erased"/],
    ["what it writes as a property", /^written: localStorage "leak-by-property"/],
    ["a cookie that is erased at once", /^written: cookie "leak-erased"/],
    ["its cookie", /^held: cookie "leak"/],
    ["the cookie's way to the server", /^sent with leak=/],
    ["a database, even if empty", /^held: indexedDB "leak-database"/],
    ["a cache of its own", /^held: cache "leak-cache .*\/leak-cached"/],
    ["a private file", /^held: files "leak-file"/],
    ["a Service Worker", /^held: serviceWorker/],
    ["window.name", /^held: window.name/],
    ["history.state", /^held: history.state/],
    ["a query", /^a request that only one of two visitors made: GET \S+by-query/],
    ["a header", /^a request that only one of two visitors made: GET \S+by-header.*x-leak/],
    ["a body", /^sent with a body, .*POST/],
    ["a number of equal requests", /^a request that only one of two visitors made: GET \S+by-count/],
    ["a picture's address", /^a request that only one of two visitors made: GET \S+by-picture/],
    ["a worker's request", /^a request that only one of two visitors made: GET \S+by-worker/],
    ["a Service Worker's request", /^a request that only one of two visitors made: GET \S+by-service-worker=\w/],
    ["a beacon to somebody else", /^sent elsewhere: POST http:\/\/collector.example\/beacon/],
    ["an encrypted request to somebody else", /^sent elsewhere: CONNECT collector.example:443/],
    ["a message to other tabs", /^a message that only one of two visitors' pages sent: .*"BroadcastChannel".*"leak"/],
    ["a connection past HTTP", /^a connection past HTTP: RTCPeerConnection/],
    ["a name that is looked up", /^a connection past HTTP: dns-prefetch p\d+\.collector\.example/],
    ["an address that is made of what was bought", /^asked for what the shop has not, 404: GET \S+\/hit\/p\d+\.json/],
    ["a header when something is bought", /^sent with the headers x-hit: GET/],
    ["a page that a script asks for", /^asked for by a script: GET \S+\/product\//],
  ])) {
    it(what, () => {
      assert.ok(
        verdict.findings.some((text) => finding.test(text)),
        verdict.findings.join("\n"),
      );
    });
  }

  it("its figures are not zero", () => {
    const figures = Object.fromEntries(verdict.rows.map(({ id, value }) => [id, value]));
    assert.ok((figures["no-choice-bytes-written"] ?? 0) > 0);
    assert.ok((figures["no-choice-distinct-requests"] ?? 0) > 0);
  });

  it("what the last page says as it is left", async () => {
    // By itself: what a page that has a Service Worker says as it is left may not get to the wire.
    const end = plans.path.at(-1) ?? "";
    const { findings } = await audit("no-choice", (context) =>
      context.addInitScript((end) => {
        if (location.pathname.startsWith("/product/")) window.name ||= location.pathname.slice(-5);
        addEventListener("pagehide", () => void (location.pathname === end && fetch(`/left/${window.name}.json`, { keepalive: true })));
      }, end),
    );
    const found = findings.filter((text) => /^a request that only one of two visitors made: GET \S+\/left\/p/.test(text));
    assert.equal(found.length, 2, findings.join("\n"));
  });

  it("with a yes, what goes along beside the capsule", async () => {
    const { findings } = await audit("capsule", (context) =>
      context.addInitScript(() => {
        const send = async () => {
          const [last] = (await (await window.pocketrank)?.export())?.events ?? [];
          if (!last) return;
          void fetch(`/?of-profile=${last.item}`);
          document.cookie = `__Host-pocketrank=${last.item}; Secure; SameSite=Lax; Path=/`;
        };
        addEventListener("load", () => void send());
      }),
    );
    assert.ok(findings.some((text) => /^a request that only one of two visitors made: .*of-profile/.test(text)), findings.join("\n"));
    assert.ok(findings.some((text) => text.startsWith("sent with a capsule that is none")), findings.join("\n"));
  });

  it("with a yes taken back, what is left", async () => {
    const { rows, findings } = await audit("withdrawn", (context) =>
      context.addInitScript(() => {
        if (location.host && document.cookie.includes("__Host-pocketrank")) localStorage.setItem("copy", document.cookie);
        const say = (/** @type {Event} */ { target }) => target instanceof Element && target.closest('[data-shop="forget"]') && navigator.sendBeacon("/gone", "x");
        addEventListener("click", say, true);
      }),
    );
    assert.ok(findings.some((text) => /^held when consent had ended: localStorage "copy"/.test(text)), findings.join("\n"));
    assert.ok(findings.some((text) => /^sent by POST: POST \S+\/gone/.test(text)), findings.join("\n"));
    assert.ok(rows.some(({ id, value }) => id === "withdrawn-bytes-held" && value > 0));
  });
});
