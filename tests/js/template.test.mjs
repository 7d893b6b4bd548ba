/** Templates beside npm's mustache: what both support gives the same text, over thousands of templates and data from a seed. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import Mustache from "mustache";
import { cli } from "../../scripts/build.mjs";
import { root } from "../../scripts/process.mjs";
import { Ranker, init, renderCard } from "../../dist/npm/node.js";

await init();

/** SplitMix64 (Steele, Lea and Flood, 2014), the high 32 bits of each number. @param {bigint} seed */
function generator(seed) {
  const mask = (1n << 64n) - 1n;
  let state = seed;
  const next = () => {
    state = (state + 0x9e3779b97f4a7c15n) & mask;
    let z = state;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask;
    return Number((z ^ (z >> 31n)) >> 32n);
  };
  const below = (/** @type {number} */ n) => next() % n;
  return { below, one: (/** @type {readonly any[]} */ list) => list[below(list.length)] };
}

/** @typedef {ReturnType<typeof generator>} Random */
/** @typedef {{ text: string, partials: Record<string, string>, data: any }} Case */

const TEXTS = ["name", "url", "category", "brand"];
const SECTIONS = ["items", "in_stock", "because", "description"];
const ESCAPES = /** @type {Record<string, string>} */ ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" });
/** As the runtime escapes text. @param {string} text */
const escape = (text) => String(text).replace(/[&<>"']/g, (char) => ESCAPES[char] ?? "");

/** @param {Random} random @returns {any} */
function value(random) {
  return random.one(["", "tea", "A & B", '<i x="1">', "it's", "{{name}}", "  ", "a\nb", "ü€😀", 7, 1.5, true, false, null]);
}

/** @param {Random} random @param {number} depth @returns {any} */
function fields(random, depth) {
  /** @type {Record<string, any>} */
  const made = {};
  for (const name of TEXTS) if (random.below(3) > 0) made[name] = value(random);
  for (const name of SECTIONS) {
    const kind = random.below(6);
    if (kind === 0) made[name] = random.one([true, false, null, "", "yes"]);
    else if (kind === 1 && depth > 0) made[name] = fields(random, depth - 1);
    else if (kind === 2) made[name] = Array.from({ length: random.below(4) }, () => random.one(["a", "<b>", "'", 1, 2.5]));
    else if (kind === 3 && depth > 0) made[name] = Array.from({ length: random.below(4) }, () => fields(random, depth - 1));
  }
  return made;
}

/** Lines of a template, each ended but perhaps the last. @param {Random} random @param {number} depth @param {string[]} partials */
function lines(random, depth, partials) {
  let text = "";
  const end = random.one(["\n", "\n", "\r\n"]);
  const pad = () => random.one(["", "", " ", "  ", "\t"]);
  for (let left = 1 + random.below(4); left > 0; left -= 1) {
    const kind = random.below(9);
    const name = random.one(SECTIONS);
    const open = random.one(["#", "^"]);
    if (kind < 2 && depth > 0) text += `${pad()}{{${open}${pad()}${name} }}${pad()}${end}${lines(random, depth - 1, partials)}${end}${pad()}{{/${name}}}${pad()}${end}`;
    else if (kind === 2) text += `${pad()}{{! ${random.one(["note", "{{x", "of\n lines"])} }}${pad()}${end}`;
    // One with something before it is moved by mustache as if it stood alone; the specification says otherwise.
    else if (kind === 3 && partials.length > 0 && /(^|\n)$/.test(text)) text += `${random.one(["", " ", "    "])}{{>${random.one(partials)}}}${pad()}${end}`;
    else if (kind === 4) text += `${pad()}{{=<% %>=}}${pad()}${end}${pad()}<%${random.one(TEXTS)}%> {{name}}${end}<%={{ }}=%>${end}`;
    else text += `${inline(random, depth)}${random.below(8) > 0 ? end : ""}`;
  }
  return text;
}

/** A piece of a line that has something on it beside tags. @param {Random} random @param {number} depth @returns {string} */
function inline(random, depth) {
  let text = random.one(["x", "a b", "-", "é", "}", "{ "]);
  for (let left = random.below(4); left > 0; left -= 1) {
    const kind = random.below(6);
    const name = random.one(SECTIONS);
    if (kind === 0 && depth > 0) text += `{{${random.one(["#", "^"])}${name}}}${inline(random, depth - 1)}{{/${name}}}`;
    else if (kind === 1) text += random.one(["{{! note }}", " | ", "  "]);
    else if (kind === 2) text += `{{#${name}}}[{{${random.one([".", "name"])}}}]{{/${name}}}`;
    else text += `{{${random.one(["", " "])}${random.one(TEXTS)} }}`;
  }
  return text;
}

/** Whether a value is one that mustache shows in a way of JavaScript's own, such as `[object Object]` or `true`. @param {string} text */
const isOfScript = (text) => /\[object|true|false|,/.test(text);

/** @param {number} count @param {bigint} seed @returns {Case[]} */
function cases(count, seed) {
  const random = generator(seed);
  return Array.from({ length: count }, () => {
    const partials = { p: lines(random, 1, []), q: random.one(["q", "{{name}}\n", "a\n\nb", ""]) };
    return { text: lines(random, 3, ["p", "q"]), partials, data: fields(random, 2) };
  });
}

/** What the CLI makes of them, in one go. @param {Case[]} batch @returns {Promise<string[]>} */
async function render(batch) {
  const folder = mkdtempSync(join(tmpdir(), "pocketrank-templates-"));
  try {
    const lines = batch.map(({ text, partials, data }, at) => {
      // Names of partials are of their case.
      const own = (/** @type {string} */ source) => source.replace(/\{\{>([pq])\}\}/g, `{{>_$1${at}}}`);
      writeFileSync(join(folder, `t${at}.mustache`), own(text));
      for (const [name, source] of Object.entries(partials)) writeFileSync(join(folder, `_${name}${at}.mustache`), source);
      return JSON.stringify({ template: `t${at}`, data });
    });
    writeFileSync(join(folder, "data.jsonl"), lines.join("\n"));
    const { stdout } = await promisify(execFile)(cli(), ["templates", folder, "--data", join(folder, "data.jsonl"), "--json"], { maxBuffer: 1 << 28 });
    return JSON.parse(stdout);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("templates beside mustache", () => {
  it("give the same text over 6,000 generated cases", async () => {
    let same = 0;
    for (let round = 0; round < 30; round += 1) {
      const batch = cases(200, BigInt(round + 1));
      const ours = await render(batch);
      for (const [at, { text, partials, data }] of batch.entries()) {
        const theirs = Mustache.render(text, data, partials, { escape });
        if (isOfScript(theirs)) continue;
        assert.equal(ours[at], theirs, JSON.stringify({ round, at, text, partials, data }));
        same += 1;
      }
    }
    assert.ok(same > 3000, `only ${same} cases could be compared`);
  });

  it("give what mustache gives on the cases of the specification", () => {
    /** @type {{ name: string, template: string, data: any, partials?: Record<string, string>, expected: string }[]} */
    const specified = JSON.parse(readFileSync(join(root, "tests/cases/mustache.json"), "utf8"));
    // Here it keeps to JavaScript or goes its own way, and the specification says otherwise.
    const others = new Set(["dotted, the first name decides", "dotted, no way back"]);
    for (const { name, template, data, partials, expected } of specified) {
      if (!others.has(name)) assert.equal(Mustache.render(template, data, partials, { escape }), expected, name);
    }
  });
});

describe("prices", () => {
  it("are those of Intl.NumberFormat in the languages and currencies that are known", async () => {
    const ranker = new Ranker(readFileSync(join(root, "tests/fixtures/templates-v1.bin")));
    const known = { "en en-US en-GB en-IE de de-DE fr fr-FR es es-ES it it-IT nl nl-NL": "EUR GBP USD", "pl pl-PL": "EUR GBP PLN USD", "sv sv-SE": "EUR GBP SEK USD" };
    const prices = ["0", "0.05", "1", "9.99", "10.5", "123.45", "999.99", "1000", "1234.5", "9999.99", "10000", "12345.67", "123456.78", "1234567.89", "999999999.99"];
    let count = 0;
    for (const [tags, currencies] of Object.entries(known)) {
      for (const lang of tags.split(" ")) {
        for (const currency of currencies.split(" ")) {
          const format = new Intl.NumberFormat(lang, { style: "currency", currency });
          for (const price of prices) {
            const item = { id: "a", price, currency, price_text: "the shop's own" };
            const html = ranker.renderItem([item], 0, { template: "price", lang });
            assert.equal(html, format.format(Number(price)), `${lang} ${currency} ${price}`);
            count += 1;
          }
        }
      }
    }
    assert.equal(count, 15 * (14 * 3 + 2 * 4 + 2 * 4));
    for (const lang of ["", "ja", "de-CH"]) {
      assert.equal(ranker.renderItem([{ id: "a", price: "1.00", currency: "EUR", price_text: "the <b>" }], 0, { template: "price", lang }), "the &lt;b&gt;");
    }
  });
});

describe("renderCard", () => {
  it("escapes what an item says", () => {
    const html = renderCard({ id: '"><i>', name: "<b>", url: "javascript:alert(1)", image: "/a.png", price_text: "1 & 2" });
    assert.match(html, /^<li class="pr-card" data-item="&quot;&gt;&lt;i&gt;"><a class="pr-link" data-pr="link" href="">/);
    assert.match(html, /&lt;b&gt;.*1 &amp; 2/);
  });
});
