/** Experiments and rules in Chromium: a page that no edge has filled shows what Node decides for the same visitor, before, after and without consent. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Decisions, init as initDecide } from "../../dist/npm/decide-node.js";
import { Consent, Profile, Ranker, init } from "../../dist/npm/node.js";
import { root } from "../../scripts/process.mjs";
import { decided } from "./support/decisions.mjs";
import { launchChromium, readStorage, watchRequests } from "./support/chromium.mjs";
import { share } from "./support/share.mjs";
import { settled, slate } from "./support/shop.mjs";
import { serveSite } from "./support/site.mjs";

/** @typedef {import("playwright-core").Page} Page */

const snapshot = readFileSync(join(root, "tests/fixtures/decisions-v1.bin"));
/** A Wednesday of the rules' time, 10:00 UTC. */
const NOW = Date.UTC(2023, 10, 15, 10) / 1000;
const COUNT = 8;
const item = (/** @type {number} */ n) => ({ id: `sku-${n}`, name: `Item ${n}` });
/** @type {Record<string, { id: string, name: string }[]>} */
const lists = Object.fromEntries(
  ["popular", "reminders", "sale", "winter"].map((name, at) => [name, Array.from({ length: 60 }, (_, n) => item(n * (at + 1)))]),
);
const german = { country: "de", device: "desktop", hour: 3, referrer: null };
const italian = { ...german, country: "it" };

/** @param {{ attributes?: object, model?: string, lists?: string, by?: string, slots?: [name: string, attributes: object | undefined][] }} [options] */
function html({ attributes, by = "", model = snapshot.toString("base64"), lists: covered = Object.keys(lists).join(" "), slots = [["home", attributes]] } = {}) {
  const said = (/** @type {object | undefined} */ attributes) => (attributes ? ` data-pocketrank-page="${JSON.stringify(attributes).replaceAll('"', "&quot;")}"` : "");
  const cards = lists.popular?.slice(0, COUNT).map(({ id, name }) => `<li class="pr-card" data-item="${id}">${name}</li>`);
  return `<!doctype html><html lang="en"><title>Shop</title><link rel="icon" href="data:,">
    <script>addEventListener("pocketrank:assigned", ({ detail }) => (window.assigned ??= []).push(detail), true)</script>
    <script type="module" src="/element.js" data-manifest="/models/manifest.pkrm" data-audience="demo" data-keys="${"01".repeat(32)}"></script>
    ${slots.map(([name, attributes]) => `<pocketrank-carousel style="display: block; margin-top: 3000px" data-pocketrank-slot="${name}" data-pocketrank-candidates="popular" data-pocketrank-count="${COUNT}" data-pocketrank-by="${by}"${said(attributes)}>
    <ol class="pr-track">${cards?.join("")}</ol></pocketrank-carousel>`).join("")}
    <script type="application/vnd.pocketrank.snapshot" data-pocketrank-model data-pocketrank-lists="${covered}">${model}</script></html>`;
}

let body = "";
/** A list that is not published. */
let gone = "";
const serving = serveSite(join(root, "dist/npm"), ({ url = "" }) => {
  const { pathname } = new URL(url, "http://localhost");
  if (pathname === "/") return { headers: { "content-type": "text/html" }, body };
  if (pathname === "/pocketrank/items.json") return { headers: { "content-type": "application/json" }, body: "{}" };
  const list = lists[/^\/pocketrank\/candidates\/(\w+)\.json$/.exec(pathname)?.[1] ?? ""];
  if (!list || pathname.endsWith(`/${gone}.json`)) return undefined;
  return { headers: { "content-type": "application/json" }, body: JSON.stringify({ items: list }) };
});
const [browser, site] = await share(launchChromium(), serving, init(), initDecide());

/**
 * A visitor who will draw that lot.
 * @param {string} page its HTML
 * @param {{ lot?: number, query?: string, before?: () => void }} [options] `before`: runs before the page's scripts
 */
async function visit(page, { lot = 0, query = "", before = () => undefined } = {}) {
  body = page;
  const context = await browser.newContext({ viewport: { width: 1280, height: 400 }, timezoneId: "Europe/Berlin" });
  await context.clock.setFixedTime(NOW * 1000);
  await context.addInitScript((lot) => {
    crypto.getRandomValues = (array) => (array instanceof Uint32Array ? array.fill(lot) : array);
  }, lot);
  await context.addInitScript(before);
  const requests = watchRequests(context);
  const tab = await context.newPage();
  /** @type {string[]} */
  const warnings = [];
  tab.on("console", (message) => void warnings.push(message.text()));
  await tab.goto(`${site.url}/${query}`);
  await settled(tab);
  return { tab, requests, warnings, close: () => context.close() };
}

/** Runs in the page: by its clock everything is slow, and there is no worker to be had. */
function withoutWorkers() {
  let now = 0;
  performance.now = () => (now += 6);
  Object.assign(window, { Worker: undefined });
}

/** Agrees, does something with items, or withdraws; then waits for the slot. @param {Page} tab @param {"agree" | "withdraw" | [string, string[]]} what */
async function act(tab, what) {
  await tab.evaluate(async (what) => {
    const pocketrank = await window.pocketrank;
    if (what === "agree") await pocketrank?.setConsent({ mode: "session" });
    else if (what === "withdraw") await pocketrank?.erase();
    else await pocketrank?.record(/** @type {any} */ (what[0]), what[1]);
  }, what);
}

/**
 * What Node decides and ranks.
 * @param {Record<string, unknown>} attributes
 * @param {{ lot?: number, events?: [string, import("../../www/index.js").EventKind][] }} [visitor] none without consent
 * @param {string} [slot]
 * @param {Uint8Array} [from]
 */
function expected(attributes, visitor, slot = "home", from = snapshot) {
  const ranker = new Ranker(from);
  const profile = new Profile();
  const grant = new Consent({ choice: { mode: "session" } }).grant() ?? assert.fail("it was agreed");
  for (const [id, kind] of visitor?.events ?? []) profile.record(grant, id, kind, NOW);
  if (visitor?.lot !== undefined) profile.drawLot(grant, visitor.lot);
  const decisions = new Decisions(ranker, () => undefined);
  const decision = decisions.make(slot, { attributes, profile, now: NOW });
  ranker.setBlend(decision.blend);
  ranker.setProfile(profile, NOW);
  const items = lists[decision.list ?? "popular"] ?? assert.fail(decision.list);
  const candidates = ranker.candidates(items);
  const { diversity = 0.3 } = decision;
  const shifts = decisions.moves(decision.rules, ranker, candidates);
  return { decision, ids: ranker.rerank(candidates, { count: COUNT, diversity, shifts }).map(({ index }) => items[index]?.id) };
}

/** Waits until the slot shows those. @param {Page} tab @param {(string | undefined)[]} ids @param {string} [slot] */
async function shows(tab, ids, slot = "home") {
  await tab
    .waitForFunction(([slot, ids]) => JSON.stringify([...document.querySelectorAll("pocketrank-carousel")].find(({ dataset }) => dataset.pocketrankSlot === slot)?.slate.map(({ id }) => id)) === ids, [slot, JSON.stringify(ids)], { timeout: 5000 })
    .catch(async () => assert.deepEqual(await slate(tab, slot), ids));
}

const classes = (/** @type {Page} */ tab) => tab.evaluate(() => [...new Set([...document.querySelectorAll(".pr-card")].map((card) => card.className))]);
const assigned = (/** @type {Page} */ tab) => tab.evaluate(() => /** @type {any[]} */ (/** @type {any} */ (window).assigned ?? []));

/** A lot with which a decision is so. @param {(decision: ReturnType<typeof expected>["decision"]) => boolean} is @param {object} attributes */
function lotWhere(is, attributes) {
  for (let lot = 0; lot < 4096; lot += 1) if (is(expected({ ...attributes }, { lot }).decision)) return lot;
  return assert.fail("there is no such lot");
}

describe("experiments and rules in the browser", () => {
  it("show to who did not agree what the page's attributes give, and the control", async () => {
    const { tab, requests, warnings, close } = await visit(html({ attributes: german }));
    const { ids, decision } = expected(german);
    assert.deepEqual([decision.rules, decision.template, decision.assignments], [["summer"], "wide", []]);
    await shows(tab, ids);
    assert.deepEqual(ids.slice(1, 3), ["sku-31", "sku-7"]);
    assert.deepEqual(await classes(tab), ["pr-card wide"]);
    assert.deepEqual(await assigned(tab), []);
    assert.deepEqual(await readStorage(tab), {});
    // A slice, as pages carry it, knows no names beyond its items: nothing is to be mended.
    assert.deepEqual(warnings, []);
    const asked = requests.map(({ url }) => new URL(url).pathname).filter((path) => path.endsWith(".json"));
    assert.deepEqual(asked.sort(), ["popular", "reminders", "sale", "winter"].map((name) => `/pocketrank/candidates/${name}.json`));
    await close();
  });

  it("show after a yes the arm, tell of it once, follow what the visitor does, and end with the yes", async () => {
    const lot = lotWhere(({ template, blend, diversity, model }) => template === "plain" && blend !== undefined && diversity === 0.75 && model === undefined, italian);
    const { tab, warnings, close } = await visit(html({ attributes: italian }), { lot });
    const control = expected(italian);
    await shows(tab, control.ids);
    await act(tab, "agree");
    const arm = expected(italian, { lot });
    assert.notDeepEqual(arm.ids, control.ids);
    await shows(tab, arm.ids);
    assert.deepEqual(await classes(tab), ["pr-card plain"]);
    const told = await assigned(tab);
    assert.deepEqual(told, arm.decision.assignments);
    assert.ok(told.length >= 3 && told.every(({ hashUsed, inExperiment }) => hashUsed && inExperiment));

    /** @type {[string, import("../../www/index.js").EventKind][]} */
    const events = [["sku-40", "view_item"], ["sku-40", "add_to_cart"]];
    for (const [id, kind] of events) await act(tab, [kind, [id]]);
    const cart = expected(italian, { lot, events });
    assert.equal(cart.decision.list, "reminders");
    assert.deepEqual(cart.ids.slice(0, 2), ["sku-2", "sku-12"]);
    await shows(tab, cart.ids);
    assert.deepEqual(await assigned(tab), told);
    // What was assigned is kept, where the profile is.
    const kept = await tab.evaluate(async () => [...((await window.pocketrank)?.profile.draw ?? [])]);
    assert.deepEqual(kept, [...cart.decision.draw]);
    assert.ok(kept.length > 3);
    await tab.reload();
    await settled(tab);
    await shows(tab, cart.ids);
    assert.deepEqual(await tab.evaluate(async () => [...((await window.pocketrank)?.profile.draw ?? [])]), kept);

    await tab.locator(".pr-card").first().hover();
    await tab.locator(".pr-why-button").first().click();
    assert.match((await tab.getByRole("dialog").textContent()) ?? "", /The shop has put it here/);
    await tab.keyboard.press("Escape");
    await tab.reload();
    await settled(tab);
    await act(tab, "withdraw");
    await shows(tab, control.ids);
    assert.deepEqual(await readStorage(tab), {});
    assert.deepEqual(warnings, []);
    await close();
  });

  it("give each of some slots that one model ranks its own weights, whichever comes first, and again after each change", async () => {
    const rule = { defaultValue: null, rules: [{ condition: { country: "it" }, force: { popularity: 0, neighbours: 3 } }] };
    const model = Buffer.from(decided(join(root, "tests/fixtures/random-v1.bin"), { features: { "pocketrank.blend": rule } }));
    /** @type {[string, typeof italian][]} what is said of each slot, and decides by which weights it is ranked */
    const some = [["home", italian], ["other", german], ["third", italian]];
    /** @type {[string, import("../../www/index.js").EventKind][]} */
    const events = [["sku-40", "view_item"], ["sku-7", "view_item"], ["sku-19", "view_item"]];
    const rightFor = (/** @type {string} */ name, /** @type {typeof italian} */ attributes, shown = events) => expected(attributes, { lot: 0, events: shown }, name, model);
    assert.deepEqual(rightFor("home", italian).decision.blend, { popularity: 0, neighbours: 3 });
    assert.equal(rightFor("other", german).decision.blend, undefined);
    assert.notDeepEqual(rightFor("home", italian).ids, rightFor("other", german).ids);
    // Where a worker refuses, the page ranks once another slot has had its turn.
    for (const [slots, before] of [some, some.toReversed()].flatMap((slots) => /** @type {const} */ ([[slots, undefined], [slots, withoutWorkers]]))) {
      const { tab, warnings, close } = await visit(html({ slots, model: model.toString("base64") }), { before });
      for (const [name, attributes] of slots) await shows(tab, expected(attributes, undefined, name, model).ids, name);
      await act(tab, "agree");
      for (let count = 0; count <= events.length; count += 1) {
        const event = events[count - 1];
        if (event) await act(tab, [event[1], [event[0]]]);
        for (const [name, attributes] of slots) await shows(tab, rightFor(name, attributes, events.slice(0, count)).ids, name);
      }
      // Why their items are there, too, though all are asked at once.
      const [alone, together] = await tab.evaluate(async (slots) => {
        const pocketrank = await window.pocketrank;
        const why = (/** @type {string} */ name) => {
          const slot = document.querySelector(`[data-pocketrank-slot="${name}"]`);
          return slot instanceof HTMLElement ? pocketrank?.why(slot, ["sku-40", "sku-7", "sku-1", "sku-2"]) : undefined;
        };
        const alone = [];
        for (const [name] of slots) alone.push(await why(name));
        return [alone, await Promise.all(slots.map(([name]) => why(name)))];
      }, slots);
      assert.notDeepEqual(alone[0], alone[1]);
      assert.deepEqual(together, alone);
      assert.deepEqual(warnings, []);
      await close();
    }
  });

  it("ask of the page what the browser knows where no edge has said it", async () => {
    const { tab, close } = await visit(html(), { query: "?utm_campaign=Sale+24" });
    const { decision, ids } = expected({ country: null, device: "desktop", hour: 11, weekday: 3, path: "/", referrer: null, campaign: "Sale 24", source: null, medium: null });
    assert.deepEqual([decision.rules, decision.list], [["mail"], "sale"]);
    await shows(tab, ids);
    await close();
  });

  it("make requests that do not follow from the profile", async () => {
    const paths = async (/** @type {number} */ lot, /** @type {string[]} */ cart) => {
      const { tab, requests, close } = await visit(html({ attributes: italian }), { lot });
      await act(tab, "agree");
      for (const id of cart) await act(tab, ["add_to_cart", [id]]);
      await tab.reload();
      await settled(tab);
      await shows(tab, expected(italian, { lot, events: cart.map((id) => [id, "add_to_cart"]) }).ids);
      await close();
      return requests.map(({ url }) => new URL(url).pathname).sort();
    };
    const lot = lotWhere(({ template }) => template === "wide", italian);
    assert.deepEqual(await paths(lot, ["sku-1", "sku-40"]), await paths(1, []));
  });

  it("rank by the usual model where an arm's cannot be had, but leave what the edge has ranked", async () => {
    const french = { ...german, country: "fr" };
    const lot = lotWhere(({ model, template }) => model === "other" && template === "plain", french);
    const { ids } = expected(french, { lot });
    for (const by of ["", "edge"]) {
      const { tab, warnings, close } = await visit(html({ attributes: french, by }), { lot });
      const told = tab.waitForEvent("console", { predicate: (message) => message.text().includes("models/other.pkr cannot be had") });
      await act(tab, "agree");
      await told;
      await shows(tab, by ? (lists.popular ?? []).slice(0, COUNT).map(({ id }) => id) : ids);
      assert.ok(warnings.some((text) => text.startsWith(by ? "pocketrank: slot home keeps its cards" : "pocketrank: slot home gets what the page says")), warnings.join("\n"));
      await close();
    }
  });

  it("give a slot its own list where another cannot be had", async () => {
    gone = "winter";
    const phone = { ...italian, device: "mobile" };
    assert.equal(expected(phone).decision.list, "winter");
    const { tab, warnings, close } = await visit(html({ attributes: phone }));
    // On a phone nothing but the list is another.
    await shows(tab, expected(italian).ids);
    assert.ok(warnings.some((text) => text.startsWith("pocketrank: slot home gets what the page says: Error: /pocketrank/candidates/winter.json answers 404")), warnings.join("\n"));
    gone = "";
    await close();
  });

  it("are not loaded where a snapshot has none", async () => {
    const model = readFileSync(join(root, "tests/fixtures/random-v1.bin")).toString("base64");
    const { tab, requests, close } = await visit(html({ model }));
    await act(tab, "agree");
    assert.equal((await slate(tab, "home")).length, COUNT);
    assert.ok(!requests.some(({ url }) => url.includes("decide")));
    await close();
  });
});
