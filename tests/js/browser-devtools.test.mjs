/** The overlay in Chromium, under a strict policy: what it shows is what Node makes of the same visitor; arms are forced for a page view; capsules are made again. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Decisions, init as initDecide } from "../../dist/npm/decide-node.js";
import { Consent, Profile, Ranker, init, itemHash } from "../../dist/npm/node.js";
import { cli } from "../../scripts/build.mjs";
import { root } from "../../scripts/process.mjs";
import { launchChromium, readStorage, until, violations, watchRequests } from "./support/chromium.mjs";
import { share } from "./support/share.mjs";
import { settled, slate } from "./support/shop.mjs";
import { serveSite } from "./support/site.mjs";
import { POLICY, observe, observed } from "./support/slots.mjs";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {[id: string, kind: import("../../www/index.js").EventKind][]} Events */

const SNAPSHOT = join(root, "tests/fixtures/decisions-v1.bin");
const snapshot = readFileSync(SNAPSHOT);
/** A Wednesday of the rules' time, 10:00 UTC. */
const NOW = Date.UTC(2023, 10, 15, 10) / 1000;
const COUNT = 8;
/** @type {Record<string, { id: string, name: string }[]>} */
const lists = Object.fromEntries(
  ["popular", "reminders", "sale", "winter"].map((name, at) => [name, Array.from({ length: 60 }, (_, n) => ({ id: `sku-${n * (at + 1)}`, name: `Item ${n * (at + 1)}` }))]),
);
const names = () => Object.fromEntries(lists.popular?.map(({ id, name }) => [itemHash(id), [name, `/${id}`]]) ?? []);
const attributes = { country: "it", device: "desktop", hour: 3, referrer: null };
/** @type {Events} */
const events = [["sku-40", "view_item"], ["sku-7", "view_item"], ["sku-7", "select_item"]];
const LOT = 5;

const said = JSON.stringify(attributes).replaceAll('"', "&quot;");
const cards = lists.popular?.slice(0, COUNT).map(({ id, name }) => `<li class="pr-card" data-item="${id}">${name}</li>`);
const html = `<!doctype html><html lang="en"><head><title>Shop</title><meta http-equiv="Content-Security-Policy" content="${POLICY}">
  <link rel="icon" href="/icon.svg"><link rel="stylesheet" href="/element.css"><link rel="stylesheet" href="/page.css">
  <script type="module" src="/element.js" data-manifest="/models/manifest.pkrm" data-audience="demo" data-keys="${"01".repeat(32)}"></script></head>
  <body><main><h1>Shop</h1><button>Buy</button>
  <pocketrank-carousel aria-label="For you" data-pocketrank-slot="home" data-pocketrank-candidates="popular" data-pocketrank-count="${COUNT}" data-pocketrank-page="${said}">
  <ol class="pr-track">${cards?.join("")}</ol></pocketrank-carousel></main>
  <script type="application/vnd.pocketrank.snapshot" data-pocketrank-model data-pocketrank-lists="${Object.keys(lists).join(" ")}">${snapshot.toString("base64")}</script></body></html>`;

const serving = serveSite(join(root, "dist/npm"), ({ url = "" }) => {
  const { pathname } = new URL(url, "http://localhost");
  const json = (/** @type {unknown} */ body) => ({ headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  if (pathname === "/") return { headers: { "content-type": "text/html" }, body: html };
  if (pathname === "/page.css") return { headers: { "content-type": "text/css" }, body: "pocketrank-carousel { display: block; margin-top: 3000px } body { font: 16px sans-serif }" };
  if (pathname === "/icon.svg") return { headers: { "content-type": "image/svg+xml" }, body: "<svg xmlns='http://www.w3.org/2000/svg'/>" };
  if (pathname === "/pocketrank/items.json") return json(names());
  const list = lists[/^\/pocketrank\/candidates\/(\w+)\.json$/.exec(pathname)?.[1] ?? ""];
  return list && json({ items: list });
});
const [browser, site] = await share(launchChromium(), serving, init(), initDecide());

/**
 * A visitor who looked at things, with the overlay.
 * @param {{ events?: Events | undefined, lot?: number, fragment?: string, scheme?: "dark" | "light" }} [options] without events nobody agreed
 */
async function visit({ events: did, lot = LOT, fragment = "", scheme = "light" } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 700 }, colorScheme: scheme, permissions: ["clipboard-read", "clipboard-write"] });
  await context.clock.setFixedTime(NOW * 1000);
  await context.addInitScript(observe);
  await context.addInitScript((lot) => {
    crypto.getRandomValues = (array) => (array instanceof Uint32Array ? array.fill(lot) : array);
    document.addEventListener("pocketrank:assigned", ({ detail }) => (/** @type {any} */ (window).assigned ??= []).push(detail.experiment));
  }, lot);
  const requests = watchRequests(context);
  const tab = await context.newPage();
  await tab.goto(`${site.url}/${fragment}`);
  await settled(tab);
  await tab.evaluate(async (did) => {
    const pocketrank = await window.pocketrank;
    if (did) await pocketrank?.setConsent({ mode: "session" });
    for (const [id, kind] of did ?? []) await pocketrank?.record(kind, [id]);
  }, did);
  return { tab, requests, close: () => context.close() };
}

/** @param {Page} tab */
async function open(tab) {
  await tab.evaluate(async () => {
    const address = "/devtools.js";
    await (await import(address)).show();
  });
  const panel = tab.getByRole("complementary", { name: "Pocketrank devtools" });
  await panel.getByRole("list", { name: "Parts of scores" }).waitFor();
  return panel;
}

/** Opens a part of the overlay. @param {import("playwright-core").Locator} panel @param {string} name */
async function unfold(panel, name) {
  const part = panel.locator(`details[data-key="${name}"]`);
  if (!(await part.evaluate((details) => /** @type {HTMLDetailsElement} */ (details).open))) await part.locator("summary").click();
  return part;
}

/** A table's cells. @param {import("playwright-core").Locator} table */
function cells(table) {
  return table.evaluate((table) => [...table.querySelectorAll("tbody tr")].map((row) => [...row.children].map((cell) => cell.textContent ?? "")));
}

/** What Node decides, ranks and explains. @param {{ events?: Events, lot?: number | undefined, forcedVariations?: Record<string, number> }} visitor */
function expected({ events: did = [], lot, forcedVariations }) {
  const [ranker, profile] = [new Ranker(snapshot), new Profile()];
  const grant = new Consent({ choice: { mode: "session" } }).grant() ?? assert.fail("it was agreed");
  for (const [id, kind] of did) profile.record(grant, id, kind, NOW);
  if (lot !== undefined) profile.drawLot(grant, lot);
  const decisions = new Decisions(ranker, () => undefined);
  const decision = decisions.make("home", { attributes, profile, now: NOW, forcedVariations });
  ranker.setBlend(decision.blend);
  ranker.setProfile(profile, NOW);
  const items = lists[decision.list ?? "popular"] ?? assert.fail(decision.list);
  const candidates = ranker.candidates(items);
  const { diversity = 0.3 } = decision;
  const ranked = ranker.rerank(candidates, { count: COUNT, diversity, shifts: decisions.moves(decision.rules, ranker, candidates) });
  return { decision, ids: ranked.map(({ index }) => items[index]?.id ?? ""), whys: ranked.map(({ row }) => ranker.explain(row)) };
}

/** @param {Page} tab @param {string[]} ids */
function shows(tab, ids) {
  return until(tab, (ids) => JSON.stringify(document.querySelector("pocketrank-carousel")?.slate.map(({ id }) => id)) === ids, JSON.stringify(ids));
}

/** Saves the capsule of the slot. @param {Page} tab @param {import("playwright-core").Locator} panel */
async function saved(tab, panel) {
  const [download] = await Promise.all([tab.waitForEvent("download"), panel.getByRole("button", { name: "Save replay of home" }).click()]);
  assert.equal(download.suggestedFilename(), "pocketrank-replay-home.json");
  return readFileSync(await download.path(), "utf8");
}

/** Loads a capsule. @param {import("playwright-core").Locator} panel @param {string} text */
async function load(panel, text) {
  const part = await unfold(panel, "Replay");
  await part.locator("input[type=file]").setInputFiles({ name: "replay.json", mimeType: "application/json", buffer: Buffer.from(text) });
  return part;
}

describe("the overlay", () => {
  it("shows the profile, consent and its signals, the snapshot, and parts that add up to each score", async () => {
    const { tab, close } = await visit({ events });
    const { ids, whys } = expected({ events, lot: LOT });
    await shows(tab, ids);
    const panel = await open(tab);
    const rows = await cells(panel.getByRole("group", { name: "home: scores and their parts" }));
    assert.deepEqual(rows, whys.map(({ score, parts }, at) => [`Item ${ids[at]?.slice(4)}`, score.toFixed(4), ...parts.map(({ value }) => value.toFixed(4))]));
    for (const [, score, ...parts] of rows) {
      const sum = parts.reduce((all, part) => all + Number(part), 0);
      assert.ok(Math.abs(sum - Number(score)) < 0.001, `${parts} are not ${score}`);
    }
    // Each bar is as long as its score, against the longest.
    const widths = await panel.locator(".bar").evaluateAll((bars) => bars.map((bar) => [...bar.querySelectorAll("[title]")].reduce((all, part) => all + parseFloat(/** @type {HTMLElement} */ (part).style.width), 0)));
    const totals = whys.map(({ parts }) => parts.reduce((all, { value }) => all + Math.abs(value), 0));
    widths.forEach((width, at) => assert.ok(Math.abs(width / Math.max(...widths) - (totals[at] ?? 0) / Math.max(...totals)) < 0.001, `${at}: ${width}`));

    const did = await cells((await unfold(panel, "Profile")).getByRole("group", { name: /^Events/ }));
    assert.deepEqual(did.map(([name, kind]) => [name, kind]), events.map(([id, kind]) => [`Item ${id.slice(4)}`, kind]).reverse());
    assert.match((await panel.locator('details[data-key="Profile"]').textContent()) ?? "", new RegExp(`Lot${LOT} of 4096`));
    const consent = (await (await unfold(panel, "Consent")).textContent()) ?? "";
    assert.match(consent, /Modesession.*Choice that holdssession.*Global Privacy Controlis not sent/s);
    const { meta } = new Ranker(snapshot);
    const told = (await (await unfold(panel, "Snapshot")).textContent()) ?? "";
    const age = Math.max(0, Math.floor((NOW - meta.trainedUntil) / 86_400));
    assert.ok(told.includes(meta.id) && told.includes(`${age} days ago`), told);
    await close();
  });

  it("follows what the visitor does, and shows nothing of who did not agree", async () => {
    const { tab, close } = await visit();
    const panel = await open(tab);
    await panel.getByText("contextual, 0 events").waitFor();
    await tab.evaluate(async () => {
      const pocketrank = await window.pocketrank;
      await pocketrank?.setConsent({ mode: "session" });
      await pocketrank?.record("purchase", ["sku-3"]);
    });
    await panel.getByText("session, 1 events").waitFor();
    assert.deepEqual((await cells((await unfold(panel, "Profile")).getByRole("group", { name: /^Events/ }))).map((row) => row.slice(0, 2)), [["Item 3", "purchase"]]);
    await close();
  });

  it("forces an arm for the page view, says so, and neither keeps nor counts it", async () => {
    const { tab, close } = await visit({ events });
    const own = expected({ events, lot: LOT });
    await shows(tab, own.ids);
    const state = () => tab.evaluate(async () => ({ draw: [...((await window.pocketrank)?.profile.draw ?? [])], assigned: /** @type {any} */ (window).assigned ?? [] }));
    const before = await state();
    const panel = await open(tab);
    const part = await unfold(panel, "Experiments");
    const keys = await part.locator("select").evaluateAll((all) => all.map((choice) => (/** @type {HTMLElement} */ (choice).dataset.key ?? "").slice(4)));
    assert.ok(own.decision.assignments.every(({ experiment }) => keys.includes(experiment)), `${keys}`);
    const [key = "", arm = 0] = keys
      .flatMap((key) => [0, 1, 2].map((arm) => /** @type {const} */ ([key, arm])))
      .find(([key, arm]) => {
        const { ids, decision } = expected({ events, lot: LOT, forcedVariations: { [key]: arm } });
        return decision.model === undefined && ids.join() !== own.ids.join();
      }) ?? assert.fail("no arm changes anything");
    const choice = part.locator(`select[data-key="arm ${key}"]`);
    await choice.focus();
    await choice.selectOption(String(arm));
    await shows(tab, expected({ events, lot: LOT, forcedVariations: { [key]: arm } }).ids);
    await panel.getByText(`forced for this page view: ${key}`).waitFor();
    await part.getByText(/for this page view; it is neither kept nor counted/).waitFor();
    assert.equal(await tab.evaluate(() => /** @type {HTMLElement | undefined} */ (document.activeElement?.shadowRoot?.activeElement)?.dataset.key), `arm ${key}`);
    assert.deepEqual(await state(), before);
    await choice.selectOption("");
    await shows(tab, own.ids);
    await choice.selectOption(String(arm));
    await panel.getByText(`forced for this page view: ${key}`).waitFor();
    await tab.reload();
    await settled(tab);
    await shows(tab, own.ids);
    await close();
  });

  it("moves, writes and sends nothing, works by keyboard, and axe finds nothing wrong, in the light and in the dark", async () => {
    /** @type {string[][]} */
    const asked = [];
    for (const scheme of /** @type {const} */ (["light", "dark"])) {
      const { tab, requests, close } = await visit({ events: scheme === "dark" ? events : [], scheme });
      await tab.getByRole("button", { name: "Buy" }).focus();
      const kept = await readStorage(tab);
      const from = requests.length;
      const panel = await open(tab);
      for (const name of ["Experiments", "Profile", "Consent", "Snapshot", "Replay"]) await unfold(panel, name);
      assert.deepEqual(await violations(tab), []);
      assert.deepEqual(await readStorage(tab), kept);
      const { shifts, refused } = await observed(tab);
      assert.deepEqual([shifts.filter((shift) => !(/** @type {any} */ (shift).hadRecentInput)), refused], [[], []]);
      asked.push(requests.slice(from).map(({ method, url, body }) => `${method} ${url.slice(site.url.length)} ${body ?? ""}`).sort());
      await load(panel, await saved(tab, panel));
      await panel.getByText(/^Same slate/).waitFor();
      await panel.locator("select").first().selectOption("1");
      await panel.getByText("neither kept nor counted").first().waitFor();
      assert.deepEqual(await violations(tab), []);
      await panel.getByRole("button", { name: "Close" }).focus();
      await tab.keyboard.press("Tab");
      assert.equal(await tab.evaluate(() => document.activeElement?.shadowRoot?.activeElement?.tagName), "SUMMARY");
      await tab.keyboard.press("Escape");
      assert.equal(await panel.count(), 0);
      assert.equal(await tab.evaluate(() => document.activeElement?.textContent), "Buy");
      await close();
    }
    assert.deepEqual(asked[0], asked[1]);
    assert.ok(asked[0]?.every((text) => /^GET \/(\w+\.(js|wasm)|pocketrank\/items\.json) $/.test(text)), `${asked[0]}`);
  });
});

describe("a replay capsule", () => {
  it("that was saved is the same slate for another visitor, bit for bit, and leaves theirs alone", async () => {
    const first = await visit({ events });
    const panelOfFirst = await open(first.tab);
    const text = await saved(first.tab, panelOfFirst);
    await unfold(panelOfFirst, "Snapshot");
    const [download] = await Promise.all([first.tab.waitForEvent("download"), panelOfFirst.getByRole("button", { name: "Save the page's own model" }).click()]);
    const model = readFileSync(await download.path());
    await first.close();
    assert.deepEqual(model, snapshot);
    const { ids } = expected({ events, lot: LOT });
    const capsule = JSON.parse(text);
    assert.deepEqual(capsule.slate.map((/** @type {number[]} */ [index = 0]) => capsule.candidates[index]), ids);
    // The command line makes it again too.
    const folder = mkdtempSync(join(tmpdir(), "pocketrank-devtools-"));
    const file = join(folder, "capsule.json");
    writeFileSync(file, text);
    execFileSync(cli(), ["replay", file, "--snapshot", SNAPSHOT], { stdio: ["ignore", "ignore", "inherit"] });
    rmSync(folder, { recursive: true });

    const { tab, close } = await visit();
    const before = await slate(tab, "home");
    const panel = await open(tab);
    const part = await load(panel, text);
    await part.getByText(`Same slate, bit for bit: ${COUNT} places`).waitFor();
    assert.deepEqual((await cells(part.getByRole("group", { name: "Replay: scores and their parts" }))).map(([id]) => id), ids);
    assert.equal(await tab.evaluate(async () => (await window.pocketrank)?.profile.length), 0);
    await tab.evaluate(async () => void (await window.pocketrank)?.dispatchEvent(new Event("change")));
    await shows(tab, before);
    await close();
  });

  it("that was changed is refused, and so is what is none", async () => {
    const { tab, close } = await visit({ events });
    const panel = await open(tab);
    const text = await saved(tab, panel);
    const part = await load(panel, text.replace(/("now":\d+)\d/, "$19"));
    await part.getByText(/Not the same \(checksum\): .*it was changed since it was written/).waitFor();
    await load(panel, "{}");
    await part.getByText(/Not the same \(invalid_capsule\)/).waitFor();
    await close();
  });

  it("goes by a link's fragment, which no request carries", async () => {
    const first = await visit({ events });
    const panel = await open(first.tab);
    await panel.getByRole("button", { name: "Copy link that replays home" }).click();
    await panel.getByText("is in the clipboard").waitFor();
    const link = await first.tab.evaluate(() => navigator.clipboard.readText());
    await first.close();
    const { hash, search } = new URL(link);
    assert.equal(search, "");
    assert.ok(hash.startsWith("#pocketrank-replay="));
    const { tab, requests, close } = await visit({ fragment: hash });
    await (await open(tab)).getByText(`Same slate, bit for bit: ${COUNT} places`).waitFor();
    assert.deepEqual(requests.filter(({ url, headers }) => url.includes("?") || `${headers.referer}`.includes("replay")), []);
    await close();
  });
});
