/** worker/src/visit.rs, timezone.rs and told.rs: what rules and experiments make of a slot at the edge, by the page, the moment and the capsule. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { root } from "../../scripts/process.mjs";
import { Ranker } from "../../dist/npm/node.js";
import { Decisions, Experiments, init } from "../../dist/npm/decide-node.js";
import { candidates, fallback, items, now, page, range, readSlots, slot, startEdge, visitor } from "../worker/edge.mjs";
import { decided, twoArms } from "./support/decisions.mjs";

await init();

const base = join(root, "tests/fixtures/templates-v1.bin");
const here = (/** @type {string} */ slot, /** @type {object} */ condition, /** @type {object[]} */ ...actions) => ({ id: slot, slot, condition, actions });
const snapshot = decided(base, {
  rules: [
    here("country", { country: "de" }, { pin: ["sku-31", "sku-8"], place: 1 }),
    here("device", { device: "mobile" }, { pin: ["sku-31"], place: 1 }),
    here("hour", { hour: { $gte: 6, $lt: 12 } }, { pin: ["sku-31"], place: 1 }),
    here("referrer", { referrer: "news.example" }, { pin: ["sku-31"], place: 1 }),
    here("campaign", { campaign: "Summer sale", path: "/shop" }, { pin: ["sku-31"], place: 1 }),
    here("seen", { frequency: { $gte: 1 } }, { exclude: { items: ["sku-1", "sku-2"] } }),
    { id: "left", slot: "left", after: { event: "add_to_cart", unless: "purchase", within: 7 }, actions: [{ list: "reminders" }, { template: "price" }] },
    here("broken", {}, { list: "no-such-list" }, { template: "no-such-template" }, { pin: ["sku-99"] }, { pin: ["sku-31"], place: 2 }),
    { id: "off", slot: "off", actions: [{ pin: ["sku-31"], place: 1 }] },
  ],
  features: {
    "pocketrank.slot.arm.template": twoArms("templates", [null, "price"]),
    "pocketrank.slot.arm.list": twoArms("lists", [null, "reminders"]),
    "pocketrank.slot.arm.diversity": twoArms("diversity", [null, 1]),
    "pocketrank.blend": twoArms("blend", [null, { popularity: 0, trend: 100 }]),
    "pocketrank.rule.off": { defaultValue: true, rules: [{ force: false, condition: { country: "fr" } }] },
  },
});
const names = ["country", "device", "hour", "referrer", "campaign", "seen", "left", "broken", "off", "arm"];
const all = items(range(0, 40)).map((item) => ({ ...item, in_stock: true }));
const reminders = all.slice(20, 24);
const id = new Ranker(snapshot).id;

/** A time zone where it is about that hour. @param {number} hour */
function zone(hour) {
  const ahead = ((hour - new Date(now * 1000).getUTCHours() + 36) % 24) - 12;
  return `Etc/GMT${ahead > 0 ? "-" : "+"}${Math.abs(ahead)}`;
}

describe("rules and experiments at the edge", () => {
  /** @type {import("../worker/edge.mjs").Edge} */
  let edge;
  /** @type {ReturnType<typeof readSlots>} */
  let plain;
  before(async () => {
    edge = await startEdge({
      seed: { snapshot, lists: { all: candidates(all), reminders: candidates(reminders) } },
      files: { "/shop.html": page(names.map((name) => slot("all", 6, name)).join("")) },
    });
    plain = await slots();
  });
  after(() => edge.stop());

  /** @param {{ headers?: Record<string, string>, cf?: object, query?: string }} [asked] */
  async function slots({ headers = {}, cf = {}, query = "" } = {}) {
    // Where nothing else is said it is evening, nowhere.
    const response = await edge.fetch(`/shop${query}`, { headers, cf: { country: "XX", timezone: zone(21), ...cf } }, 0);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("cache-control"), "private, no-store");
    const found = readSlots(await response.text());
    assert.equal(found.length, names.length);
    return found;
  }

  /** The page's attributes. @param {ReturnType<typeof readSlots>} found @returns {any} */
  const pageOf = (found) => found[0]?.page ?? assert.fail("the page says nothing of itself");
  const find = (/** @type {ReturnType<typeof readSlots>} */ found, /** @type {string} */ name) => found[names.indexOf(name)] ?? assert.fail(name);
  const ids = (/** @type {{ html: string }} */ { html }) => [...html.matchAll(/data-item="([^"]*)"/g)].map(([, id]) => id);

  /** The names of the slots that have another slate than in the plain visit. @param {Awaited<ReturnType<typeof slots>>} found */
  const changed = (found) => names.filter((name) => find(found, name).html !== find(plain, name).html);

  it("leave a visit that no condition is about as it is", () => {
    for (const found of plain) {
      assert.deepEqual([found.by, found.snapshot, found.rows.length], ["edge", id, 6]);
      assert.deepEqual(found.experiments, []);
    }
    const [first] = plain;
    for (const name of ["device", "hour", "referrer", "campaign", "seen", "left", "arm"]) assert.equal(find(plain, name).html, first?.html, name);
    assert.equal(ids(find(plain, "off"))[0], "sku-31");
  });

  it("follow country, device, campaign and the page before", async () => {
    const german = await slots({ cf: { country: "DE" } });
    assert.deepEqual(changed(german), ["country"]);
    assert.deepEqual(ids(find(german, "country")).slice(0, 2), ["sku-31", "sku-8"]);
    assert.deepEqual(changed(await slots({ headers: { "sec-ch-ua-mobile": "?1" } })), ["device"]);
    assert.deepEqual(changed(await slots({ headers: { "user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148" } })), ["device"]);
    assert.deepEqual(changed(await slots({ headers: { referer: "https://www.news.example/a?b" } })), ["referrer"]);
    assert.deepEqual(changed(await slots({ query: "?utm_campaign=Summer%20sale" })), ["campaign"]);
    assert.deepEqual(changed(await slots({ query: "?utm_campaign=Winter" })), []);
    assert.deepEqual(changed(await slots({ cf: { country: "FR" } })), ["off"]);
  });

  it("follow the clock of where the visitor is", async () => {
    const morning = await slots({ cf: { timezone: zone(7) } });
    assert.ok([6, 7, 8].includes(pageOf(morning).hour));
    assert.deepEqual(changed(morning), ["hour"]);
    assert.equal(pageOf(await slots({ cf: { timezone: "Asia/Kolkata" } })).hour, new Date(Date.now() + 5.5 * 3_600_000).getUTCHours());
    // What is no time zone is as if none were known.
    assert.equal((await slots({ cf: { timezone: "Nowhere/Never" } }))[0]?.by, "edge");
  });

  it("give the page's attributes to the browser, and nothing that names anybody", async () => {
    const found = await slots({ cf: { country: "DE", timezone: "Etc/GMT-2" }, headers: { referer: "https://a:b@www.news.example:1/x?y", "user-agent": "Secret/1", cookie: "id=7" }, query: "?utm_source=s&q=private" });
    const { hour, weekday, ...rest } = pageOf(found);
    assert.deepEqual(rest, { country: "de", device: "desktop", path: "/shop", referrer: "news.example", campaign: null, source: "s", medium: null });
    assert.equal(hour, new Date(Date.now() + 2 * 3_600_000).getUTCHours());
    assert.ok(weekday >= 1 && weekday <= 7);
  });

  it("give the browser what the address says, letter by letter", async () => {
    for (const campaign of ["a&quot;b", 'a"b', '&quot;,&quot;country&quot;:&quot;de', "&amp;'"]) {
      const found = await slots({ cf: { country: "FR" }, query: `?utm_campaign=${encodeURIComponent(campaign)}` });
      assert.deepEqual([pageOf(found).campaign, pageOf(found).country], [campaign, "fr"]);
    }
  });

  it("follow what the capsule says, under consent alone", async () => {
    const { cookie } = visitor([[1, "view_item", 2], [5, "add_to_cart", 1]]);
    const found = await slots({ headers: { cookie } });
    assert.ok(!ids(find(found, "seen")).some((id) => id === "sku-1" || id === "sku-2"));
    assert.equal(find(found, "left").html.match(/€/g)?.length, reminders.length, "another list by another template");
    const refused = await slots({ headers: { cookie, "sec-gpc": "1" } });
    assert.deepEqual(changed(refused), []);
  });

  it("do without what a rule names and is not there, and say so once", async () => {
    const { length } = edge.warnings;
    for (let i = 0; i < 3; i++) {
      const found = find(await slots(), "broken");
      assert.deepEqual([found.by, ids(found)[1]], ["edge", "sku-31"]);
    }
    assert.equal(edge.warnings.length, length, "what the first visit did not tell is told once");
    for (const line of [/slot `broken`: an arm or a rule names the template `no-such-template`/, /rule `broken`: the snapshot does not know `[0-9a-f]{16}`/, /no-such-list/]) {
      assert.equal(edge.warnings.filter((text) => line.test(text)).length, 1, String(line));
    }
  });

  it("give each lot the arm that the npm package gives it", async () => {
    const experiments = new Experiments(new Ranker(snapshot).experiments);
    const arms = new Set();
    for (const seed of range(0, 24)) {
      const { profile, cookie } = visitor([[3, "view_item", 1]], seed * 0x9e3779b1);
      const found = find(await slots({ headers: { cookie } }), "arm");
      experiments.begin({ draw: profile.draw, attributes: found.page });
      const value = (/** @type {string} */ key) => experiments.feature(`pocketrank.${key}`).value;
      const template = value("slot.arm.template");
      assert.equal(found.html.includes("€"), template === "price", String(seed));
      assert.equal(found.rows.length, value("slot.arm.list") ? reminders.length : 6);
      const seen = ["blend", "slot.arm.diversity", "slot.arm.list", "slot.arm.template"].map((key) => experiments.feature(`pocketrank.${key}`).experimentResult);
      assert.deepEqual(found.experiments.map(({ experiment, key }) => [experiment, key]), seen.map((result) => [result?.experiment, result?.key]));
      arms.add([template, value("slot.arm.list"), value("blend") !== null].join());
    }
    assert.ok(arms.size >= 6, `24 lots meet ${arms.size} of 8 combinations`);
    const { cookie } = visitor([[3, "view_item", 1]]);
    const control = find(await slots({ headers: { cookie } }), "arm");
    assert.deepEqual([control.experiments, control.html.includes("€")], [[], false]);
  });

  it("weigh the blend as the npm package does", async () => {
    const ranker = new Ranker(snapshot);
    const experiments = new Experiments(ranker.experiments);
    let weighed = 0;
    for (const seed of range(0, 12)) {
      const { profile, cookie } = visitor([[3, "view_item", 1]], seed * 0x85ebca6b);
      const found = await slots({ headers: { cookie } });
      experiments.begin({ draw: profile.draw, attributes: found[0]?.page });
      const { value } = experiments.feature("pocketrank.blend");
      ranker.setBlend(/** @type {any} */ (value) ?? {});
      ranker.setProfile(profile, now);
      const slate = ranker.rerank(ranker.candidates(all), { count: 6, diversity: 0.3 });
      assert.deepEqual(find(found, "referrer").rows, slate.map(({ row }) => row));
      weighed += Number(value !== null);
    }
    assert.ok(weighed > 0 && weighed < 12);
  });

  it("give every slot what the browser script makes of the same page and profile", async () => {
    const ranker = new Ranker(snapshot);
    const decisions = new Decisions(ranker, () => undefined);
    const visits = new Set();
    for (const seed of range(0, 20)) {
      const { profile, cookie } = visitor(seed % 5 ? [[seed, "view_item", 3], [seed % 7, "add_to_cart", 1]] : [], seed * 0x9e3779b1);
      const asked = { headers: { cookie, ...(seed % 3 && { "sec-ch-ua-mobile": "?1" }) }, cf: { country: ["DE", "FR", "US"][seed % 3], timezone: zone(seed % 2 ? 7 : 21) } };
      for (const slot of await slots(asked)) {
        const { list, rules, blend, diversity = 0.3 } = decisions.make(slot.name, { attributes: slot.page, profile, now });
        const items = list === "reminders" ? reminders : all;
        ranker.setBlend(/** @type {any} */ (blend) ?? {});
        ranker.setProfile(profile, now);
        const resolved = ranker.candidates(items);
        const slate = ranker.rerank(resolved, { count: 6, diversity, shifts: decisions.moves(rules, ranker, resolved) });
        assert.deepEqual(slot.rows, slate.map(({ row }) => row), `${slot.name} of ${seed}`);
        visits.add(slot.rows.join());
      }
    }
    assert.ok(visits.size > 40, `${visits.size} different slates`);
  });

  it("leave a server that asks the API nothing of an arm", async () => {
    const api = await startEdge({
      seed: { snapshot, lists: { all: candidates(all), reminders: candidates(reminders) } },
      files: { "/shop.html": page(slot("all", 6, "referrer")) },
      vars: { API: "on", API_TOKEN_RERANK: "a-token-of-twenty-letters" },
    });
    const ask = async () => {
      const headers = { authorization: "Bearer a-token-of-twenty-letters", "content-type": "application/json" };
      const response = await api.fetch("/v1/rerank", { method: "POST", headers, body: JSON.stringify({ lists: [{ list: "all", count: 10 }] }) });
      assert.equal(response.status, 200);
      return /** @type {any} */ (await response.json()).slates[0].items;
    };
    const before = await ask();
    const arms = new Set();
    for (const seed of range(0, 8)) {
      const { cookie } = visitor([[3, "view_item", 1]], seed * 0x85ebca6b);
      const [found] = readSlots(await (await api.fetch("/shop", { headers: { cookie } })).text());
      arms.add(found?.experiments.find(({ experiment }) => experiment === "blend")?.key);
      assert.deepEqual(await ask(), before);
    }
    assert.deepEqual([...arms].sort(), ["control", "new"]);
    await api.stop();
  });

  it("leave the next visitor nothing of an arm", async () => {
    for (const seed of range(0, 6)) {
      const { cookie } = visitor([[3, "view_item", 1]], seed * 0x85ebca6b);
      await slots({ headers: { cookie } });
      const found = await slots();
      assert.deepEqual(found.map(({ html }) => html), plain.map(({ html }) => html));
    }
  });

  it("keep what upstream wrote where the page's own template is not there", () => assert.notEqual(plain[0]?.html, fallback));
});
