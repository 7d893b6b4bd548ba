/** What a slot leaves out in Chromium, under a strict policy: items that its attribute names, before, after and without consent, and when a script changes it. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { Decisions, init as initDecide } from "../../dist/npm/decide-node.js";
import { Consent, Profile, Ranker, init } from "../../dist/npm/node.js";
import { root } from "../../scripts/process.mjs";
import { launchChromium, until } from "./support/chromium.mjs";
import { decided } from "./support/decisions.mjs";
import { share } from "./support/share.mjs";
import { COUNT, agree, carousel, items, observed, openPages, order, ownCards, stands, viewed, visit } from "./support/slots.mjs";

/** @typedef {import("playwright-core").Page} Page */

const [browser, pages] = await share(launchChromium(), openPages(), init(), initDecide());

const golden = join(root, "tests/fixtures/random-v1.bin");
/** Nothing is in view, so nothing is seen. */
const high = '<div class="high"></div>';
/** @param {string | undefined} ids @param {boolean} [filled] */
const slot = (ids, filled = false) => carousel(filled).replace("<pocketrank-carousel", ids === undefined ? "$&" : `$& data-pocketrank-exclude="${ids}"`);
const byEdge = (/** @type {string | undefined} */ ids) => slot(ids, true).replace("<pocketrank-carousel", '$& data-pocketrank-by="edge"');
const without = (/** @type {string[]} */ ids) => items.map((item) => ({ ...item, in_stock: !ids.includes(item.id) }));
const exclude = (/** @type {Page} */ page, /** @type {string} */ ids) => page.evaluate((ids) => document.querySelector("[data-pocketrank-slot]")?.setAttribute("data-pocketrank-exclude", ids), ids);

/** What Node ranks where these items are not to be had. @param {string[]} history @param {string[]} [ids] @param {Uint8Array} [snapshot] */
function expected(history, ids = out, snapshot = readFileSync(golden)) {
  const now = Math.floor(Date.now() / 1000);
  const profile = new Profile();
  const grant = new Consent({ choice: { mode: "session" } }).grant() ?? assert.fail("it was agreed");
  for (const id of history) profile.record(grant, id, "view_item", now);
  const ranker = new Ranker(snapshot);
  const decisions = new Decisions(ranker, () => undefined);
  const { rules } = decisions.make("home", { attributes: {}, profile, now });
  ranker.setProfile(profile, now);
  const candidates = ranker.candidates(without(ids));
  return ranker.rerank(candidates, { count: COUNT, shifts: decisions.moves(rules, ranker, candidates) }).map(({ index }) => items[index]?.id);
}

/** Some that would be there, before and after. */
const out = [...expected([], []).slice(0, 2), ...expected(viewed, []).slice(0, 3)].flatMap((id) => id ?? []);

describe("what a slot leaves out", () => {
  it("is not made a card of, before, after and without a yes", async () => {
    const page = await visit(browser, pages.write(`${high}${slot(`\n ${out.join(" \t")} no-such-item ${out[0]} `)}`));
    await stands(page, expected([]));
    await agree(page);
    await stands(page, expected(viewed));
    await page.evaluate(async () => (await window.pocketrank)?.erase());
    await stands(page, expected([]));
    assert.deepEqual((await observed(page)).refused, []);
    await page.context().close();
  });

  it("is nothing where the attribute says nothing", async () => {
    for (const ids of ["", " \n ", "no-such-item sku-"]) {
      const page = await visit(browser, pages.write(`${high}${slot(ids)}`));
      await stands(page, expected([], []));
      await page.context().close();
    }
  });

  it("is not brought back by a rule that pins it, and is told apart in what the slot ranks", async () => {
    const snapshot = decided(golden, { rules: [{ id: "pins", actions: [{ pin: [out[0], "sku-6"], place: 1 }, { boost: { items: [out[1], "sku-9"] }, by: 0.5 }] }] });
    mkdirSync(join(pages.site, "pocketrank/candidates"), { recursive: true });
    writeFileSync(join(pages.site, "pocketrank/candidates/home.json"), JSON.stringify({ items }));
    writeFileSync(join(pages.site, "pocketrank/items.json"), "{}");
    const model = `<script type="application/vnd.pocketrank.snapshot" data-pocketrank-model data-pocketrank-lists="home">${Buffer.from(snapshot).toString("base64")}</script>`;
    const page = await visit(browser, pages.write(`${high}${slot(out.join(" "))}${model}`));
    assert.deepEqual(expected([], [], snapshot).slice(0, 2), [out[0], "sku-6"]);
    assert.equal(expected([], out, snapshot)[1], "sku-6");
    await stands(page, expected([], out, snapshot));
    await agree(page);
    await stands(page, expected(viewed, out, snapshot));
    const stock = () =>
      page.evaluate(async () => {
        const element = document.querySelector("pocketrank-carousel") ?? document.body;
        const pocketrank = await window.pocketrank;
        const [one, other] = [await pocketrank?.slot(element), await pocketrank?.slot(element)];
        return { isSame: one?.items === other?.items, out: one?.items.filter(({ in_stock }) => in_stock === false).map(({ id }) => id) };
      });
    assert.deepEqual(await stock(), { isSame: true, out: items.map(({ id }) => id).filter((id) => out.includes(id)) });
    await page.context().close();
  });

  it("stands last where the cards are the shop's own, which nobody removes, once something is known", async () => {
    const page = await visit(browser, pages.write(`${high}<ul data-pocketrank-slot="own" data-pocketrank-exclude="sku-3 sku-1">${ownCards(10)}</ul>`));
    assert.deepEqual(await order(page), items.slice(0, 10).map(({ id }) => id));
    await agree(page);
    await until(page, () => [...document.querySelectorAll("[data-item]")].slice(-2).map((card) => card.getAttribute("data-item")).join() === "sku-1,sku-3");
    assert.equal((await order(page)).length, 10);
    await page.context().close();
  });
});

describe("a script that has a slot leave something out", () => {
  it("takes that card away though it was seen, and none of the others that were", async () => {
    const page = await visit(browser, pages.write(slot(undefined)), { viewport: { width: 1600, height: 900 } });
    await agree(page);
    await stands(page, expected(viewed, []));
    // Only what is pointed at is seen here.
    const seen = () => page.evaluate(() => document.querySelector("pocketrank-carousel")?.slate.filter(({ seen }) => seen).map(({ id }) => id) ?? []);
    await until(page, () => (document.querySelector("pocketrank-carousel")?.slate.filter(({ seen }) => seen).length ?? 0) >= 3);
    const kept = await seen();
    const before = await order(page);
    const [, gone = ""] = kept;
    await page.locator(`[data-item="${gone}"] a`).first().focus();
    await exclude(page, gone);
    await until(page, (gone) => !document.querySelector(`[data-item="${gone}"]`), gone);
    const after = await order(page);
    assert.equal(after.length, COUNT);
    for (const id of kept.filter((id) => id !== gone)) assert.equal(after.indexOf(id), before.indexOf(id), id);
    assert.ok(await page.evaluate((at) => document.activeElement?.closest("[data-item]") === document.querySelectorAll("[data-item]")[at], before.indexOf(gone)), "the focus is lost");
    assert.deepEqual((await observed(page)).shifts, []);
    await page.context().close();
  });

  it("gets it back where it takes it off", async () => {
    const page = await visit(browser, pages.write(`${high}${slot(undefined)}`));
    await stands(page, expected([], []));
    await exclude(page, out.join(" "));
    await stands(page, expected([]));
    await exclude(page, "sku-0");
    await stands(page, expected([], ["sku-0"]));
    await page.evaluate(() => document.querySelector("[data-pocketrank-slot]")?.removeAttribute("data-pocketrank-exclude"));
    await stands(page, expected([], []));
    await page.context().close();
  });
});

describe("a slot that the edge has filled, for whom nothing may be known of", () => {
  const sent = items.slice(0, COUNT).map(({ id }) => id);

  it("is as the edge has filled it, and asks for nothing, where the page itself says what is left out", async () => {
    for (const ids of [undefined, "", "sku-20 sku-29"]) {
      pages.asked();
      const page = await visit(browser, pages.write(byEdge(ids)));
      await page.waitForLoadState("networkidle");
      assert.deepEqual(await order(page), sent);
      assert.deepEqual(pages.asked(), [], ids);
      await page.context().close();
    }
  });

  it("leaves out what the edge could not know of: what was said before the script came", async () => {
    const page = await visit(browser, pages.write(`${high}${byEdge("sku-1")}`));
    await stands(page, expected([], ["sku-1"]));
    await page.context().close();
  });

  it("asks for the same when a script says it, whatever it says", async () => {
    /** @type {string[][]} */
    const asked = [];
    for (const ids of ["", "sku-1", "no-such-item"]) {
      pages.asked();
      const page = await visit(browser, `${pages.write(`${high}${byEdge(undefined)}`)}#${ids}`, {
        // As soon as the document is parsed, as the shop's own module does.
        before: () => document.addEventListener("DOMContentLoaded", () => document.querySelector("[data-pocketrank-slot]")?.setAttribute("data-pocketrank-exclude", location.hash.slice(1))),
      });
      await stands(page, expected([], ids ? [ids] : []));
      await page.waitForLoadState("networkidle");
      asked.push(pages.asked().sort());
      await page.context().close();
    }
    assert.ok(asked[0]?.includes("manifest.pkrm"));
    assert.deepEqual(asked, [asked[0], asked[0], asked[0]]);
  });
});
