/** Words that visitors read, in Chromium: the page's own by its language, what is wrong with them, and why items are there, as sentences and as data. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { init, itemHash } from "../../dist/npm/node.js";
import { root } from "../../scripts/process.mjs";
import { launchChromium, until } from "./support/chromium.mjs";
import { share } from "./support/share.mjs";
import { COUNT, agree, carousel, expected, items, observed, openPages, ownCards, visit } from "./support/slots.mjs";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("../../www/element.js").EventKind} EventKind */

const doc = readFileSync(join(root, "docs/WORDS.md"), "utf8");
/** The example of the documentation. */
const german = /<script[^>]* lang="de">\n([^]*?)<\/script>/.exec(doc)?.[1] ?? assert.fail("docs/WORDS.md has no German words");
/** The words that its table has. */
const listed = [...doc.matchAll(/^\| (`[^|]+`) \| .*\| .*\|$/gm)].flatMap(([, names = ""]) => [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name));
const words = (/** @type {string | object} */ json, lang = "") =>
  `<script type="application/json" data-pocketrank-words ${lang && `lang="${lang}"`}>${typeof json === "string" ? json : JSON.stringify(json)}</script>`;

const [browser, pages] = await share(launchChromium(), openPages(), init());
const names = Object.fromEntries(items.map(({ id, name, url }) => [itemHash(id), [name, url]]));
pages.publish(0, { files: { "candidates/home.json": { items }, "items.json": names } });

/** The names of a carousel's buttons and of its first card, and the languages of the buttons. @param {Page} page */
function said(page) {
  return page.evaluate(() => {
    const all = (/** @type {string} */ selector) => [...document.querySelectorAll(selector)].slice(0, 2);
    const [card] = all(".pr-card");
    const buttons = [...all(".pr-step"), ...all(".pr-why-button").slice(0, 1)];
    return {
      names: [...buttons, card].map((element) => element?.ariaLabel),
      roles: [document.querySelector("pocketrank-carousel"), card].map((element) => element?.ariaRoleDescription),
      why: buttons[2]?.textContent,
      langs: buttons.map((button) => button.closest("[lang]")?.getAttribute("lang")),
    };
  });
}

/** Opens the dialog of a card that names an item, and gives its text. @param {Page} page */
async function asked(page) {
  const at = await page.evaluate(async () => {
    const slot = document.querySelector("pocketrank-carousel");
    const all = slot ? await (await window.pocketrank)?.why(slot) : [];
    return all?.findIndex(({ reasons }) => reasons.some(({ named }) => named)) ?? -1;
  });
  await page.locator(".pr-why-button").nth(at).click();
  const dialog = page.getByRole("dialog");
  await dialog.waitFor();
  return { dialog, text: (await dialog.textContent()) ?? "" };
}

describe("the words of a page", () => {
  it("are its own, by its language: the documentation's German ones, and what is nearer before it", async () => {
    const head = words({ next: "Vorwärts" }, "de-AT") + words({ next: "Ensuite", previous: "Avant" }, "fr") + words({ next: "On", close: "Shut" }) + words(german, "de");
    const page = await visit(browser, pages.write(head + carousel(), { html: 'lang="de-AT"' }));
    const name = items.find(({ id }) => id === expected([])[0])?.name;
    assert.deepEqual(await said(page), {
      names: ["Zurück", "Vorwärts", `Warum das? ${name}`, `1 von ${COUNT}`],
      roles: ["Karussell", "Folie"],
      why: "Warum das?",
      langs: ["de-AT", "de-AT", "de-AT"],
    });
    await agree(page);
    const { dialog, text } = await asked(page);
    assert.match(text, /Warum Thing \d+\?.*Sie haben sich Thing \d+ angesehen.*Auf diesem Gerät berechnet, aus diesem Besuch allein\.Nichts für mich/);
    assert.equal(await dialog.getByRole("button").first().evaluate((button) => button.ariaLabel), "Schließen");
    assert.equal(await dialog.getAttribute("lang"), "de-AT");
    assert.deepEqual((await observed(page)).refused, []);
    await page.context().close();
  });

  it("are English where it gives none, and say so where it speaks another language", async () => {
    for (const lang of ["en-GB", "fr"]) {
      const page = await visit(browser, pages.write(words({ next: "Weiter" }, "de") + carousel(), { html: `lang="${lang}"` }));
      const own = lang === "fr" ? "en" : lang;
      assert.deepEqual(await said(page), {
        names: ["Previous", "Next", `Why this? ${items.find(({ id }) => id === expected([])[0])?.name}`, `1 of ${COUNT}`],
        roles: ["carousel", "slide"],
        why: "Why this?",
        langs: [own, own, own],
      });
      await agree(page);
      const { dialog } = await asked(page);
      assert.equal(await dialog.getAttribute("lang"), own);
      // What it names is the page's.
      assert.equal(await dialog.locator("li a").first().evaluate((link) => link.closest("[lang]")?.getAttribute("lang")), lang);
      await page.context().close();
    }
  });

  it("may change, and are other ones from the next slate on", async () => {
    const page = await visit(browser, pages.write(carousel()));
    await page.evaluate(() => {
      const own = document.createElement("div");
      Object.assign(own, { hidden: true, textContent: JSON.stringify({ next: "Weiter", position: "{count}: {at}" }) });
      own.dataset.pocketrankWords = "";
      document.body.append(own);
    });
    await agree(page);
    await until(page, () => document.querySelectorAll(".pr-step")[1]?.ariaLabel === "Weiter");
    assert.deepEqual((await said(page)).names.slice(1), ["Weiter", `Why this? ${await page.locator('[data-pr="name"]').first().textContent()}`, `${COUNT}: 1`]);
    await page.context().close();
  });

  it("are warned of by name where they are wrong, and English stands in their place", async () => {
    const wrong = {
      '{"previuos": "Zurück"}': /there is no word `previuos`: carousel, slide/,
      '{"next": 5}': /`next` must be a text; it is 5/,
      '{"position": "{at} von {anzahl}"}': /`position` has no \{anzahl\}: \{at\} and \{count\} can be in it/,
      '{"close": "{name}"}': /`close` has no \{name\}: no placeholder can be in it/,
      "{next: 'Weiter'}": /must be JSON/,
      '["Weiter"]': /must be an object/,
    };
    const context = await browser.newContext();
    const page = await context.newPage();
    /** @type {string[]} */
    const warnings = [];
    page.on("console", (message) => void warnings.push(message.text()));
    await page.goto(pages.write(Object.keys(wrong).map((json) => words(json)).join("") + carousel()));
    for (const pattern of Object.values(wrong)) {
      await until(page, () => true);
      for (let wait = 0; wait < 100 && !warnings.some((text) => pattern.test(text)); wait += 1) await page.waitForTimeout(50);
      assert.equal(warnings.filter((text) => pattern.test(text)).length, 1, `${pattern}: ${warnings.join("\n")}`);
    }
    assert.equal(warnings.length, Object.keys(wrong).length);
    const known = /are known/.test(warnings[0] ?? "") ? /: ([\w, ]+) are known/.exec(warnings[0] ?? "")?.[1]?.split(", ") : assert.fail(warnings[0]);
    assert.deepEqual(known?.toSorted(), listed.toSorted(), "docs/WORDS.md lists other words than there are");
    assert.deepEqual(Object.keys(JSON.parse(german)).toSorted(), known?.toSorted(), "the German example lacks some");
    assert.deepEqual((await said(page)).names.slice(0, 2), ["Previous", "Next"]);
    await context.close();
  });

  it("are proofread only where there are some, and nothing is found wrong with the documentation's", async () => {
    for (const head of ["", words(german)]) {
      const context = await browser.newContext();
      const page = await context.newPage();
      /** @type {string[]} */
      const warnings = [];
      page.on("console", (message) => void warnings.push(message.text()));
      const loaded = head && page.waitForResponse("**/proofreader.js");
      await page.goto(pages.write(head + carousel()));
      await loaded;
      await page.waitForLoadState("networkidle");
      const names = await page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => name));
      assert.equal(names.some((name) => name.endsWith("/proofreader.js")), head !== "");
      assert.deepEqual(warnings, []);
      await context.close();
    }
  });
});

describe("why an item is there", () => {
  /** What is said of all cards. @param {Page} page */
  const whys = async (page) =>
    (await page.evaluate(async () => {
      const slot = document.querySelector("[data-pocketrank-slot]");
      return slot instanceof HTMLElement ? (await window.pocketrank)?.why(slot) : undefined;
    })) ?? assert.fail("there is no slot");

  it("is a sentence for each thing that the visitor did, and the same as data", async () => {
    /** @type {Partial<Record<EventKind, string>>} */
    const sentences = {
      select_item: "Because you looked at {name}",
      view_item: "Because you looked at {name}",
      add_to_wishlist: "Because you put {name} on your wish list",
      add_to_cart: "Because you put {name} in your cart",
      begin_checkout: "Because you went to the checkout with {name}",
      purchase: "Because you bought {name}",
    };
    for (const [kind, sentence] of Object.entries(sentences)) {
      const page = await visit(browser, pages.write(carousel()));
      await agree(page, { views: [] });
      await page.evaluate(async (kind) => void (await (await window.pocketrank)?.record(/** @type {EventKind} */ (kind), ["sku-20", "sku-3"])), kind);
      const found = await whys(page);
      const named = found.flatMap(({ reasons }) => reasons.filter(({ named }) => named));
      assert.ok(named.length > 0, `nothing is there because of ${kind}`);
      for (const { text, because, share = 0, named: item } of named) {
        assert.equal(text, sentence.replace("{name}", item?.name ?? ""));
        assert.equal(text, `${item?.before}${item?.name}${item?.after}`);
        assert.deepEqual([because, item?.kind], ["neighbours", kind]);
        assert.ok(share > 0 && share <= 1);
        assert.ok(items.some(({ id, name, url }) => itemHash(id) === item?.item && name === item.name && url === item.url));
      }
      for (const { reasons, mode, note } of found) {
        assert.ok(reasons.length > 0);
        assert.deepEqual([mode, note], ["session", "Worked out on this device, from this visit alone."]);
      }
      await page.context().close();
    }
  });

  it("is that this is the page of another item, where it is, and never the item itself or one of its name", async () => {
    const page = await visit(browser, pages.write(carousel(), { name: "thing-20" }));
    await agree(page, { views: ["sku-20", "sku-3"] });
    const texts = (await whys(page)).flatMap(({ item, reasons }) => reasons.map(({ text, named }) => ({ item, text, name: named?.name })));
    assert.ok(texts.some(({ text }) => text === "Because you are looking at Thing 20"), JSON.stringify(texts));
    assert.ok(texts.some(({ text }) => text === "Because you looked at Thing 3"));
    assert.ok(texts.every(({ item, name }) => items.find(({ id }) => id === item)?.name !== name));
    // All that speaks for some is the other item, which now has their name.
    const because = (await whys(page)).filter(({ reasons }) => reasons.some(({ named }) => named?.name === "Thing 3")).map(({ item }) => item);
    await page.evaluate((because) => {
      for (const id of because) document.querySelector(`[data-item="${id}"] [data-pr="name"]`)?.replaceChildren("Thing 3");
    }, because);
    const then = (await whys(page)).filter(({ item }) => because.includes(item));
    assert.ok(then.length > 0 && then.every(({ reasons }) => reasons.length > 0 && reasons.every(({ named }) => named?.name !== "Thing 3")));
    await page.context().close();
  });

  it("is told of a shop's own cards, each once, whatever else has their items' ids", async () => {
    const cards = ownCards(4).replaceAll("</a>", '</a><span data-item="sku-9">nested</span>');
    const page = await visit(browser, pages.write(`<ul data-pocketrank-slot="own">${cards}</ul>`));
    assert.deepEqual((await whys(page)).map(({ item, reasons }) => [item, reasons.length > 0]), ["sku-0", "sku-1", "sku-2", "sku-3"].map((id) => [id, true]));
    await page.context().close();
  });
});
