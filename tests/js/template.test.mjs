/** Templates by the command line, by the package and by npm's mustache: what all support gives the same text, over thousands of templates and data from a seed. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import Mustache from "mustache";
import { root } from "../../scripts/process.mjs";
import { Ranker, init } from "../../dist/npm/node.js";
import { Renderer } from "../../dist/npm/render.js";
import { importInner, renderNatively } from "./support/templates.mjs";

await init();
const { fill, readTemplates } = await importInner();

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

/** What the CLI makes of them, and that the package makes the same. @param {Case[]} batch @returns {string[]} */
function render(batch) {
  /** @type {Record<string, string>} */
  const templates = {};
  const lines = batch.map(({ text, partials, data }, at) => {
    // Names of partials are of their case.
    const own = (/** @type {string} */ source) => source.replace(/\{\{>([pq])\}\}/g, `{{>_$1${at}}}`);
    templates[`t${at}`] = own(text);
    for (const [name, source] of Object.entries(partials)) templates[`_${name}${at}`] = source;
    return { template: `t${at}`, data };
  });
  const { html, section } = renderNatively(templates, lines);
  const compiled = readTemplates(section);
  for (const [at, { template, data }] of lines.entries()) assert.equal(fill(compiled, template, data), html[at], JSON.stringify(batch[at]));
  return html;
}

describe("templates beside mustache", () => {
  it("give the same text over 6,000 generated cases, on the command line and in the package", () => {
    let same = 0;
    for (let round = 0; round < 30; round += 1) {
      const batch = cases(200, BigInt(round + 1));
      const ours = render(batch);
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
  const ranker = new Ranker(readFileSync(join(root, "tests/fixtures/templates-v1.bin")));
  const show = (/** @type {object} */ item, /** @type {string} */ lang) => new Renderer(ranker, [{ id: "a", price_text: "the <b>", ...item }]).item(0, { template: "price", lang });

  it("are those of Intl.NumberFormat in the languages and currencies that the edge knows", () => {
    // src/template/price.rs is held to the same cases.
    /** @type {Record<string, Record<string, Record<string, string>>>} by language, currency and price */
    const cases = JSON.parse(readFileSync(join(root, "tests/cases/prices.json"), "utf8"));
    let count = 0;
    for (const [lang, currencies] of Object.entries(cases)) {
      for (const [currency, prices] of Object.entries(currencies)) {
        const format = new Intl.NumberFormat(lang, { style: "currency", currency });
        for (const [price, text] of Object.entries(prices)) {
          assert.equal(text, format.format(Number(price)), `${lang} ${currency} ${price}`);
          assert.equal(show({ price, currency }, lang), text, `${lang} ${currency} ${price}`);
          count += 1;
        }
      }
    }
    assert.equal(count, 15 * (14 * 3 + 2 * 4 + 2 * 4));
  });

  it("are the shop's own of others, as at the edge", () => {
    assert.equal(show({ price: "1234.5", currency: "GBP" }, "EN-gb"), "£1,234.50");
    const known = { price: "1.00", currency: "EUR" };
    for (const lang of ["", "ja", "de-CH", "de-FR", "en-DE", "sv-SV", "x en"]) assert.equal(show(known, lang), "the &lt;b&gt;", lang);
    for (const price of ["", "-1.00", "1.", ".5", "1.005", "1e3", "1,5", "1234567890123", null, {}]) assert.equal(show({ ...known, price }, "en"), "the &lt;b&gt;", String(price));
    for (const currency of ["", "JPY", "PLN", "SEK", "eur", "XEUR", null]) assert.equal(show({ ...known, currency }, "en"), "the &lt;b&gt;", String(currency));
  });
});

describe("pages", () => {
  it("have a time of day where they say their offset", () => {
    const ranker = new Ranker(readFileSync(join(root, "tests/fixtures/templates-v1.bin")));
    const noon = 19_675 * 86_400 + 12 * 3600 + 59 * 60;
    const morning = (/** @type {number} */ at, /** @type {string} */ utcOffset) => new Renderer(ranker, []).slot({ template: "greeting", visitor: "Ada", utcOffset, at }).includes("Good morning");
    // The hours of src/template/page.rs.
    for (const [offset, hour] of /** @type {[string, number?][]} */ ([["Z", 12], ["z", 12], ["+00:01", 13], ["+05:30", 18], ["-13:00", 23], ["+14:00", 2], [""], ["1"], ["+1:00"], ["+15:00"], ["+01:60"], ["+0a:00"], ["Europe/Berlin"]])) {
      for (let later = 0; later < 24; later += 1) {
        const then = hour === undefined ? NaN : (hour + later) % 24;
        assert.equal(morning(noon + later * 3600, offset), then >= 5 && then < 12, `${offset} ${later}`);
      }
    }
  });
});

describe("a renderer", () => {
  it("shows an item by the built-in template where the snapshot has none, escaped", () => {
    const ranker = new Ranker(readFileSync(join(root, "tests/fixtures/random-v1.bin")));
    const item = { id: '"><i>', name: "<b>", url: "javascript:alert(1)", image: "/a.png", price_text: "1 & 2" };
    const html = new Renderer(ranker, [item]).item(0);
    assert.match(html, /^<li class="pr-card" data-item="&quot;&gt;&lt;i&gt;"><a class="pr-link" data-pr="link" href="">/);
    assert.match(html, /&lt;b&gt;.*1 &amp; 2/);
    assert.equal(new Renderer(ranker, [item]).slot(), `<ol class="pr-track">${html}</ol>`);
    assert.throws(() => new Renderer(ranker, [item]).item(1), { code: "invalid_option" });
    assert.throws(() => new Renderer(ranker, [item]).slot({ template: "gone" }), { code: "unknown_name" });
  });

  it("ends with an error where values make too much, and where a section is cut or goes wrong", () => {
    const text = { big: "{{#list}}{{#list}}{{#list}}x{{/list}}{{/list}}{{/list}}", name: "{{#list}}{{name}}{{/list}}" };
    const { section } = renderNatively(text, [], 'list = "text"\n');
    const compiled = readTemplates(section);
    const list = Array.from({ length: 100 }, () => "x");
    assert.throws(() => fill(compiled, "big", { list }), { code: "limit" });
    assert.throws(() => fill(compiled, "name", { list, name: "x".repeat(20_000) }), { code: "limit" });
    for (let length = 0; length < section.length; length += 1) assert.throws(() => readTemplates(section.slice(0, length)), { code: "corrupt" }, String(length));
    // Whatever the bytes are, reading and rendering end.
    for (let at = 0; at < section.length; at += 1) {
      for (const byte of [0, 1, 127, 128, 255]) {
        const wrong = Uint8Array.from(section);
        wrong[at] = byte;
        try {
          for (const name of readTemplates(wrong).keys()) fill(readTemplates(wrong), name, { list: ["x"], name: "x" });
        } catch (error) {
          assert.match(String(/** @type {any} */ (error).code), /^(corrupt|limit|unknown_name)$/, `${at} ${byte}`);
        }
      }
    }
  });
});
