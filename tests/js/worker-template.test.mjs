/** Templates at the edge: worker/src/slot.rs and model.rs, held to what the npm package renders. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { root } from "../../scripts/process.mjs";
import { Profile, Ranker } from "../../dist/npm/node.js";
import { Renderer } from "../../dist/npm/render.js";
import { candidates, fallback, items, now, page, range, readSlots, startEdge, visitor } from "../worker/edge.mjs";

const snapshot = readFileSync(join(root, "tests/fixtures/templates-v1.bin"));
const ranker = new Ranker(snapshot);
const hostile = '"><img src=x onerror=alert(1)>';
const list = items(range(0, 40)).map((item, n) => ({ ...item, price: `${n + 1000}.5`, url: n === 3 ? "javascript:alert(1)" : item.url, ...(n % 2 && { teaser: "<i>neu</i>" }), ...(n === 5 && { name: hostile }) }));

/** A slot with these attributes. @param {string} name @param {string} attributes */
const slot = (name, attributes = "") =>
  `<pocketrank-carousel data-pocketrank-slot="${name}" data-pocketrank-candidates="all" data-pocketrank-count="40" ${attributes}>${fallback}</pocketrank-carousel>`;

/** What a slot must hold. @param {Parameters<Renderer["slot"]>[0]} options @param {Profile} [profile] */
function expected(options, profile = new Profile()) {
  ranker.setProfile(profile, now);
  const slate = ranker.rerank(ranker.candidates(list), { count: 40 });
  // Who speaks for an item is looked for in the whole list, which the whole slate is.
  return new Renderer(ranker, slate.flatMap(({ index }) => list[index] ?? [])).slot(options);
}

describe("templates at the edge", () => {
  /** @type {import("../worker/edge.mjs").Edge} */
  let edge;
  before(async () => {
    const shown = list.map((item) => ({ ...item, in_stock: true }));
    list.splice(0, list.length, ...shown);
    const body = [
      slot("default"),
      slot("german", 'data-pocketrank-template="price"'),
      slot("english", 'data-pocketrank-template="price" lang="en-GB"'),
      slot("other", 'data-pocketrank-template="price" lang="tlh"'),
      slot("greeting", `data-pocketrank-template="greeting" data-pocketrank-visitor='Ada "&lt;b&gt;"' data-pocketrank-utc-offset="Z"`),
      slot("nobody", 'data-pocketrank-template="greeting"'),
      slot("gone", 'data-pocketrank-template="gone"'),
    ];
    edge = await startEdge({
      seed: { snapshot, lists: { all: candidates(list) } },
      files: { "/templates.html": page(body.join("")).replace('lang="en"', 'lang="de"') },
    });
  });
  after(() => edge.stop());

  /** @param {Record<string, string>} [headers] */
  async function slots(headers = {}) {
    const response = await edge.fetch("/templates", { headers });
    assert.equal(response.status, 200);
    const html = await response.text();
    return { html, found: readSlots(html) };
  }

  it("show what the npm package shows, in the page's language or the slot's", async () => {
    const { html, found } = await slots();
    const contents = found.map((slot) => slot.html);
    assert.equal(contents[0], expected({}));
    assert.equal(contents[1], expected({ template: "price", lang: "de" }));
    assert.match(contents[1] ?? "", /1\.0\d\d,50\u00a0€/);
    assert.equal(contents[2], expected({ template: "price", lang: "en-GB" }));
    assert.match(contents[2] ?? "", /€1,0\d\d\.50/);
    assert.equal(contents[3], "€1.00".repeat(40));
    assert.ok(!html.includes("<img src=x") && !html.includes("javascript:"));
    assert.ok(html.includes("&quot;&gt;&lt;img src=x") && html.includes("<i>neu</i>"));
  });

  it("greet whom the page names, at the page's time of day", async () => {
    const { found } = await slots();
    const greeting = found[4]?.html ?? "";
    const hour = new Date().getUTCHours();
    const word = hour >= 5 && hour < 12 ? "Good morning" : "Hello";
    assert.ok(greeting.startsWith(`<p lang="de">${word}, Ada &quot;&lt;b&gt;&quot;</p>`), greeting.slice(0, 100));
    assert.ok(found[5]?.html.trimStart().startsWith("<ol class"), "nobody is greeted where the page names nobody");
  });

  it("say what speaks for an item, to the visitor whose history it is", async () => {
    const { profile, cookie } = visitor([[1, "view_item", 2], [2, "add_to_cart", 1]]);
    const { found } = await slots({ cookie });
    assert.equal(found[0]?.html, expected({}, profile));
    assert.match(found[0]?.html ?? "", /<i>Item [12]<\/i>/);
    const { found: others } = await slots();
    assert.doesNotMatch(others[0]?.html ?? "", /<i>Item/);
  });

  it("leave a slot as it is whose template is not there, and say so", async () => {
    const { found } = await slots();
    assert.deepEqual([found[6]?.by, found[6]?.html], [undefined, fallback]);
    assert.ok(edge.warnings.some((line) => line.includes("slot `gone`: template: `gone` is not known")));
  });
});
